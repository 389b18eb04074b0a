"""FD-implicit: what an engineer writes in 25 lines of scipy, the implicit function theorem on finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize

from .inner_solve import central, first_step, inner_solve, size
from .referee import OutOfBudgetError, Report, Task

__all__ = ["fd_implicit", "fd_implicit_long_steps"]

Array = np.ndarray
_ROUNDING = 10 * 2.0**-52
_GRADIENT = 1e-3  # of the outer BFGS, in natural units: a tenth of the accuracy where Psi has a curvature of 1


def fd_implicit(task: Task, *, step: float | None = None) -> Report:
    """BFGS on x; at every x an inner L-BFGS, G_zz, central F_z and F_x, v = -G_zz^{-1} F_z, and C v by 4 d values.

    G_zz takes p (p + 3) / 2 + 1 values (forward), or p^2 + p + 1 (central) where there is noise.
    """
    F, G, p, d = task.outer, task.inner, len(task.z0), len(task.x0)
    noise = max(task.noise_inner, _ROUNDING)
    h1 = step or first_step(task.noise_outer)
    h2 = step or ((48 * noise / 7) ** 0.25 if task.noise_inner else (8 * noise) ** (1 / 3))
    hc = step or (3 * noise) ** 0.25
    z = task.z0
    best: tuple[float, Array] = (np.inf, task.x0)

    def hessian(x: Array) -> Array:
        here, h = G(z, x), h2 * size(z)
        e = h * np.eye(p)
        if task.noise_inner:
            S = [G(z + s, x) + G(z - s, x) - 2 * here for s in e]
            H = np.diag(S)
            for i in range(p):
                for j in range(i):
                    pair = G(z + e[i] + e[j], x) + G(z - e[i] - e[j], x) - 2 * here
                    H[i, j] = H[j, i] = (pair - S[i] - S[j]) / 2
            return H / h**2
        one = [G(z + s, x) for s in e]
        H = np.zeros((p, p))
        for i in range(p):
            for j in range(i + 1):
                H[i, j] = H[j, i] = G(z + e[i] + e[j], x) - one[i] - one[j] + here
        return H / h**2

    def value_and_gradient(x: Array) -> tuple[float, Array]:
        nonlocal z, best
        z = inner_solve(task, x, z)
        value = F(z, x)
        if value < best[0]:
            best = value, x.copy()
        v = -np.linalg.lstsq(hessian(x), central(lambda a: F(a, x), z, h1))[0]
        length = max(float(np.linalg.norm(v)), 1e-300)
        a, u = hc * size(z) * v / length, hc * size(x) * np.eye(d)
        mixed = [G(z + a, x + s) - G(z + a, x - s) - G(z - a, x + s) + G(z - a, x - s) for s in u]
        Cv = np.array(mixed) * length / (4 * hc * size(z) * hc * size(x))
        return value, central(lambda b: F(z, b), x, h1) + Cv

    try:
        found: Any = minimize(
            value_and_gradient, task.x0, jac=True, method="BFGS", options={"gtol": _GRADIENT / task.unit}
        )
    except OutOfBudgetError:
        return Report(best[1], False, "budget")
    return Report(found.x, bool(found.success), "converged" if found.success else str(found.message))


def fd_implicit_long_steps(task: Task) -> Report:
    """FD-implicit with steps of 0.1 in all differences but the inner solve's: for values that are not exact."""
    return fd_implicit(task, step=0.1)
