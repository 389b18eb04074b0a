"""The solver of my_solver.py with one subtle bug.

The claims of protocol P10 refuse it by name: x moves with the step of iteration k + 1. The line that differs is the one
before the return of "step".
"""

import tempfile
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import zoba_bench as zb
from zoba_bench.solvers.base import Solver, State


@dataclass(frozen=True)
class MySolver(Solver):
    """One loop: z and v with exact derivatives of G, x along l forward differences of F and the exact cross product."""

    rho: float = 0.2
    gamma: float = 0.05
    l: int = 4

    name: ClassVar[str] = "my-solver"
    tolerance_quantity: ClassVar[str] = "nothing"
    needs: ClassVar[tuple[str, ...]] = ("inner_grad_z", "inner_hvp_zz", "inner_jvp_xz", "outer_grad_z", "outer_grad_x")
    declared_orders: ClassVar[dict[str, float]] = {"1/eps": 1}
    h: ClassVar[float] = 1e-5

    def init(self, oracle, rng, z, v, x):
        return State(z, v, x, 0, oracle, rng)

    def step(self, state):
        oracle, z, v, x = state.oracle, state.z, state.v, state.x
        u = state.rng.standard_normal((oracle.replicates, self.l, oracle.d))
        there = oracle.outer(z[:, None], x[:, None] + self.h * u)
        slopes = (there - oracle.outer(z, x)[:, None]) / self.h
        outer_x = np.mean(slopes[..., None] * u, axis=1)
        d_z = oracle.inner_grad_z(z, x)
        d_v = oracle.inner_hvp_zz(z, x, v) + oracle.outer_grad_z(z, x)
        d_x = oracle.inner_jvp_xz(z, x, v) + outer_x
        (rho, _), (_, gamma) = self.steps(state.k), self.steps(state.k + 1)
        return State(z - rho * d_z, v - rho * d_v, x - gamma * d_x, state.k + 1, oracle, state.rng)

    def steps(self, k):
        scale = (k + 1) ** -0.25
        return self.rho * scale, self.gamma * scale

    # What it declares.

    def evaluations(self, problem):
        inner, outer = problem.inner_samples or 1, problem.outer_samples or 1  # a mean counts each of its samples
        of_inner = dict.fromkeys(("inner_grad_z", "inner_hvp_zz", "inner_jvp_xz"), inner)
        return {**of_inner, "outer_grad_z": outer, "outer": (self.l + 1) * outer}

    def expected_step(self, problem, state):
        z, v, x = state["z"], state["v"], state["x"]
        scale = (state["k"] + 1) ** -0.25
        d_v = problem.inner_hvp_zz(z, x, v) + problem.outer_grad_z(z, x)
        d_x = problem.inner_jvp_xz(z, x, v) + problem.outer_grad_x(z, x)
        mean = {
            "z": z - self.rho * scale * problem.inner_grad_z(z, x),
            "v": v - self.rho * scale * d_v,
            "x": x - self.gamma * scale * d_x,
        }
        return mean, {"x": self.gamma * 1e-6}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for verdict in zb.verify(solver=MySolver, only={"protocol": "P10"}, out=folder):
            print(verdict.verdict, verdict.claim.id)
