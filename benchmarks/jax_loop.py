"""ZOBA as a jitted float64 loop of JAX on the same problem: a worker of ``benchmarks.floors``.

It draws its own directions while it is timed. Before that, both are given the same ones, and must agree. It is a
program: asv imports every file here, also where there is no JAX, and finds no benchmark in this one.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from zoba_bench.directions import generator
from zoba_bench.oracle import Oracle
from zoba_bench.threads import one_thread

if __name__ == "__main__":
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

    import jax
    import jax.numpy as jnp
    from floor import START, Case, serve

    jax.config.update("jax_enable_x64", True)

_CHECKED = 3  # iterations with the same directions


class Loop:
    """The loop for a case of ``zoba``; ``solve`` runs it.

    Raises
    ------
    AssertionError
        Where an iterate differs from the solver's by more than rounding explains.
    """

    def __init__(self, solver: str, **case: Any) -> None:
        if solver != "zoba":
            raise ValueError(f"the loop is zoba's, got {solver!r}")
        self.case = Case(solver, **case)
        problem, configured = self.case.problem, self.case.solver
        (self._inner, self._outer) = _functions(problem, case.get("family", "quad_general"))
        h, l1 = configured.h, configured.l1
        rho, gamma = configured.steps(0)
        replicates, p, d = self.case.replicates, problem.p, problem.d

        def step(state: Any, w: Any, u: Any) -> Any:
            z, v, x = state
            Z, X = z[:, None], x[:, None]
            g = self._inner(Z, X)
            plus, minus = Z + h * w, Z - h * w
            g_plus, g_minus = self._inner(plus, X), self._inner(minus, X)
            both = self._inner(plus, X + h * u) + self._inner(minus, X - h * u)
            f = self._outer(Z, X)
            f_z = (self._outer(Z + h * w[:, :1], X) - f) / h * w[:, 0]
            f_x = (self._outer(Z, X + h * u[:, :1]) - f) / h * u[:, 0]
            wv = jnp.einsum("rlp,rp->rl", w, v)
            slope, second = (g_plus - g_minus) / (2 * h), (g_plus + g_minus - 2 * g) / (2 * h * h)
            cross = (both - 2 * g) / (2 * h * h)
            d_z = jnp.einsum("rl,rlp->rp", slope, w) / l1
            d_v = jnp.einsum("rl,rlp->rp", second * wv, w) / l1 - second.mean(axis=1)[:, None] * v + f_z
            d_x = jnp.einsum("rl,rld->rd", cross * wv, u) / l1 + f_x
            return z - rho * d_z, v - rho * d_v, x - gamma * d_x

        def loop(state: Any, key: Any) -> Any:
            def body(_: int, carry: Any) -> Any:
                state, key = carry
                key, of_w, of_u = jax.random.split(key, 3)
                w = jax.random.normal(of_w, (replicates, l1, p))
                u = jax.random.normal(of_u, (replicates, l1, d))
                return step(state, w, u), key

            return jax.lax.fori_loop(0, self.case.iterations, body, (state, key))[0]

        self._step, self._loop = jax.jit(step), jax.jit(loop)
        self._start = (
            jnp.full((replicates, p), START), jnp.zeros((replicates, p)), jnp.full((replicates, d), START)
        )  # fmt: skip
        self.check()
        self.solve()  # compiles

    def solve(self) -> bool:
        """All iterations; whether they ended at finite numbers."""
        ended = jax.block_until_ready(self._loop(self._start, jax.random.key(0)))
        return all(bool(jnp.isfinite(each).all()) for each in ended)

    def check(self) -> None:
        """Both take the same directions; values are of order one to p, and rounding is divided by h^2 once."""
        case, rng = self.case, generator(np.random.SeedSequence(0))
        shape = (case.replicates, case.solver.l1)
        problem, ours, theirs = case.problem, generator(np.random.SeedSequence(0)), self._start
        z, v, x = (np.asarray(each) for each in self._start)
        state = case.solver.init(Oracle(problem, case.replicates), ours, z, v, x)
        size = max(1.0, float(np.abs(problem.inner(z, x)).max()))
        if len(case.solver.draws(state.oracle).blocks()) > 1:
            return  # drawn block by block, in another order; other sizes speak for the formulas
        largest = 0.0
        for _ in range(_CHECKED):
            w, u = (rng.standard_normal((*shape, n)) for n in (problem.p, problem.d))
            largest = max(largest, float(np.abs(w).max()), float(np.abs(u).max()))
            theirs = self._step(theirs, jnp.asarray(w), jnp.asarray(u))
            state = case.solver.step(state)
        # s [(w'v) w - v] with |v| <= 1, and rounding of values in sums of p + d products
        noise = 4 * np.finfo(float).eps * (problem.p + problem.d) * size / case.solver.h**2
        bound = _CHECKED * case.solver.rho * noise * largest**2
        for name, other in zip("zvx", theirs, strict=True):
            apart = float(np.abs(np.asarray(other) - getattr(state, name)).max())
            assert apart <= bound, f"{name} differs by {apart:.2g}, above {bound:.2g}"


def _functions(problem: Any, family: str) -> tuple[Any, Any]:
    """G and F in JAX, over the last axis, with everything that their structure saves."""
    if family == "quad_general":
        origin = np.zeros(problem.p), np.zeros(problem.d)
        blocks = [jnp.asarray(block) for block in problem.inner_hessian(*origin)]
        A, B, b = 0.5 * blocks[0], blocks[1], jnp.asarray(problem.inner_grad_z(*origin))
        P, C, D = (np.asarray(block) for block in problem.outer_hessian(*origin))
        lam = float(D[0, 0])
        slope_z, slope_x = problem.outer_grad_z(*origin), problem.outer_grad_x(*origin)
        rest, half_P, C = float(problem.outer(*origin)), jnp.asarray(0.5 * P), jnp.asarray(C)

        def inner(z: Any, x: Any) -> Any:
            return ((z @ A + (x @ B + b)) * z).sum(-1)

        def outer(z: Any, x: Any) -> Any:
            in_x = 0.5 * lam * (x * x).sum(-1) + x @ slope_x
            return ((z @ half_P + x @ C + slope_z) * z).sum(-1) + in_x + rest

        return inner, outer
    if family == "reference":
        p, d = problem.p, problem.d
        if p != d or p < 3:
            raise ValueError(f"the loop shifts x cyclically: p = d >= 3, got p={p}, d={d}")
        t = np.zeros(p)
        t[1] = 2.0

        def of_z(z: Any, x: Any) -> Any:
            off = z - jnp.roll(x, 1, axis=-1)
            return 0.5 * (off * off).sum(-1) + 0.5 * (x * x).sum(-1)

        def of_x(z: Any, x: Any) -> Any:
            return jnp.sqrt(1 + ((z - t) ** 2).sum(-1)) + jnp.sqrt(1 + (x * x).sum(-1))

        return of_z, of_x
    raise ValueError(f"families in JAX are quad_general and reference, got {family!r}")


if __name__ == "__main__":
    with one_thread():
        serve(Loop)
