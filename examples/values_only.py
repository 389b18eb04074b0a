"""A solver of one's own that asks for values alone, and what it declares.

To judge it: zoba-bench verify --solver values_only.py:ValuesOnly. Run as a script it measures what one step queries
(P1d) and where it goes in the mean (P10). Rows with "control" are wrong on purpose and must be violated.
"""

import tempfile
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import zoba_bench as zb
from zoba_bench.solvers.base import Solver, State


@dataclass(frozen=True)
class ValuesOnly(Solver):
    """One loop: central differences of G and F along l random directions, products with v from differences along v."""

    rho: float = 0.05
    gamma: float = 0.01
    l: int = 4
    h: float = 1e-3

    name: ClassVar[str] = "values-only"
    tolerance_quantity: ClassVar[str] = "nothing"

    def init(self, oracle, rng, z, v, x):
        return State(z, v, x, 0, oracle, rng)

    def step(self, state):
        oracle, z, v, x, h = state.oracle, state.z, state.v, state.x, self.h
        w = state.rng.standard_normal((oracle.replicates, self.l, oracle.p))
        u = state.rng.standard_normal((oracle.replicates, self.l, oracle.d))

        def along_z(f, at):  # the mean over directions is the gradient in z
            slopes = (f(at[:, None] + h * w, x[:, None]) - f(at[:, None] - h * w, x[:, None])) / (2 * h)
            return np.mean(slopes[..., None] * w, axis=1)

        def along_x(f, at):
            slopes = (f(at[:, None], x[:, None] + h * u) - f(at[:, None], x[:, None] - h * u)) / (2 * h)
            return np.mean(slopes[..., None] * u, axis=1)

        ahead, behind = z + h * v, z - h * v
        d_z = along_z(oracle.inner, z)
        d_v = (along_z(oracle.inner, ahead) - along_z(oracle.inner, behind)) / (2 * h) + along_z(oracle.outer, z)
        d_x = (along_x(oracle.inner, ahead) - along_x(oracle.inner, behind)) / (2 * h) + along_x(oracle.outer, z)
        return State(
            z - self.rho * d_z, v - self.rho * d_v, x - self.gamma * d_x, state.k + 1, oracle, state.rng
        )  # fmt: skip

    # What it declares.

    def evaluations(self, problem):
        # Differences of two values: one along w at z, two along w and two along u beside it; a mean counts its samples.
        inner, outer = problem.inner_samples or 1, problem.outer_samples or 1
        return {"inner": 10 * self.l * inner, "outer": 4 * self.l * outer}

    def expected_step(self, problem, state):
        z, v, x = state["z"], state["v"], state["x"]
        mean = {
            "z": z - self.rho * problem.inner_grad_z(z, x),
            "v": v - self.rho * (problem.inner_hvp_zz(z, x, v) + problem.outer_grad_z(z, x)),
            "x": x - self.gamma * (problem.inner_jvp_xz(z, x, v) + problem.outer_grad_x(z, x)),
        }
        # Differences err by multiples of h^2: about 1e-6 times third and fourth derivatives and powers of p, d and |v|.
        return mean, {"z": self.rho * 1e-3, "v": self.rho * 1e-3, "x": self.gamma * 1e-3}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for verdict in zb.verify(solver=ValuesOnly, only={"protocol": ["P1d", "P10"]}, out=folder):
            print(verdict.verdict, verdict.claim.id)
