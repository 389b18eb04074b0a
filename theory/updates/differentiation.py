"""AID-BiO, ITD-BiO and stocBiO (arXiv 2010.07962): D gradient steps on z, then a hypergradient step of x.

IAPTT-GM (arXiv 2110.00455) moves the start of the steps too, and cuts their path where F is largest.

v has the sign of this project: G_zz v = -F_z, and the hypergradient is F_x + G_xz v.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem

from .expected import Expected, State, Update, chosen, projected, require_affine_projection, rounding
from .smoothness import require_quadratic

__all__ = ["AID_BIO", "IAPTT_GM", "ITD_BIO", "STOCBIO"]

#: Of the authors' scripts.
_AID: dict[str, Any] = {"alpha": 0.05, "beta": 0.1, "D": 10, "N": 10}
_ITD: dict[str, Any] = {"alpha": 0.05, "beta": 0.1, "D": 10}
_IAPTT: dict[str, Any] = {"alpha": 5e-4, "gamma": 0.1, "inner_steps": 40}
_STOC: dict[str, Any] = {
    "alpha": 0.05, "beta": 0.1, "D": 10, "eta": 0.5, "Q": 10, "S": 100, "D_f": 100, "D_g": 100, "B": 100,
    "B_ratio": 1.0,
}  # fmt: skip


def _inner_path(problem: BilevelProblem, z: Array, x: Array, alpha: float, steps: int) -> list[Array]:
    """z^0 = z, z^t = z^{t-1} - alpha G_z(z^{t-1}, x)."""
    path = [z]
    for _ in range(steps):
        path.append(path[-1] - alpha * problem.inner_grad_z(path[-1], x))  # type: ignore[misc]
    return path


def _matrices(problem: BilevelProblem, z: Array, x: Array) -> tuple[Array, Array]:
    """G_zz (p, p) and G_xz (d, p)."""
    G_zz, G_xz, _ = problem.inner_hessian(z, x)  # type: ignore[misc]
    return G_zz, G_xz


def _aid(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    """N steps of conjugate gradients minimise over a Krylov space, here by an orthonormal basis of it.

    v^N is the point of v^0 + span{r, Ar, ..., A^{N-1} r}, r = b - A v^0, that is nearest to the solution in the norm
    of A; from N = p on it is the solution.
    """
    o = chosen(options, _AID)
    x = state["x"]
    z = _inner_path(problem, state["z"], x, o["alpha"], o["D"])[-1]
    A, C = _matrices(problem, z, x)
    b = -problem.outer_grad_z(z, x)  # type: ignore[misc]
    v, residual = state["v"], b - A @ state["v"]
    basis = _krylov(A, residual, o["N"])
    if basis.size:
        v = v + basis @ np.linalg.solve(basis.T @ A @ basis, basis.T @ residual)
    h = problem.outer_grad_x(z, x) + C @ v  # type: ignore[misc]
    mean = {"z": z, "v": v, "x": projected(problem, x - o["beta"] * h)}
    # Conjugate gradients lose orthogonality in proportion to the condition number, squared at worst.
    condition = float(np.linalg.cond(A))
    unit = rounding(problem, o["D"], z, x)
    v_error = unit * condition**2 + rounding(problem, o["N"], v) * condition**2
    return Expected(mean, {"z": unit, "v": v_error, "x": unit + o["beta"] * (1 + np.linalg.norm(C, 2)) * v_error})


def _krylov(A: Array, r: Array, steps: int) -> Array:
    """An orthonormal basis (p, at most ``steps``) of the Krylov space, each vector orthogonalised twice."""
    columns: list[Array] = []
    vector, size = r, float(np.linalg.norm(r))
    for _ in range(min(steps, len(r))):
        for _ in range(2):
            for column in columns:
                vector = vector - (column @ vector) * column
        length = float(np.linalg.norm(vector))
        if length <= 1e-13 * size or length == 0.0:
            break
        columns.append(vector / length)
        vector = A @ columns[-1]
        size = float(np.linalg.norm(vector))
    return np.array(columns).T


def _itd(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    """dF(z^D(x), x)/dx by tangents: T_0 = 0, T_{t+1} = T_t (I - alpha G_zz) - alpha G_xz, rows over x.

    v is -alpha times the sum over t of the products of (I - alpha G_zz(z^j)), t < j < D, with F_z; the sum over the
    first t + 1 points is S_{t+1} = S_t (I - alpha G_zz(z^t)) + I.
    """
    o = chosen(options, _ITD)
    x = state["x"]
    path = _inner_path(problem, state["z"], x, o["alpha"], o["D"])
    tangents, total = np.zeros((problem.d, problem.p)), np.zeros((problem.p, problem.p))
    for point in path[:-1]:
        G_zz, G_xz = _matrices(problem, point, x)
        shrink = np.eye(problem.p) - o["alpha"] * G_zz
        total = total @ shrink + np.eye(problem.p)
        tangents = tangents @ shrink - o["alpha"] * G_xz
    z = path[-1]
    f_z = problem.outer_grad_z(z, x)  # type: ignore[misc]
    h = problem.outer_grad_x(z, x) + tangents @ f_z  # type: ignore[misc]
    mean = {"z": z, "v": -o["alpha"] * total @ f_z, "x": projected(problem, x - o["beta"] * h)}
    return Expected(mean, dict.fromkeys(mean, rounding(problem, 4 * o["D"], z, x, h)))


def _stocbio(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    """v is the Neumann sum of Q + 1 terms, -(I - (I - eta G_zz)^(Q+1)) G_zz^{-1} F_z, all derivatives at z^D.

    With samples z^D is affine in the samples of each inner step, and every batch of the sum is a new one: on quadratic
    F and G the mean is that of exact derivatives, whose noise is multiplied by independent factors only.
    """
    o = chosen(options, _STOC)
    x = state["x"]
    if problem.stochastic:
        require_affine_projection(problem)
    z = _inner_path(problem, state["z"], x, o["alpha"], o["D"])[-1]
    G_zz, G_xz = _matrices(problem, z, x)
    shrink = np.linalg.matrix_power(np.eye(problem.p) - o["eta"] * G_zz, o["Q"] + 1)
    slope = np.asarray(problem.outer_grad_z(z, x))  # type: ignore[misc]
    v = -np.linalg.solve(G_zz, (np.eye(problem.p) - shrink) @ slope)
    h = problem.outer_grad_x(z, x) + G_xz @ v  # type: ignore[misc]
    mean = {"z": z, "v": v, "x": projected(problem, x - o["beta"] * h)}

    def bounds() -> Mapping[str, Any]:
        if problem.stochastic:
            require_quadratic(problem, state["z"], x)
        unit = rounding(problem, o["D"] + o["Q"], z, x, v, h) * max(1.0, float(np.linalg.cond(G_zz)))
        return dict.fromkeys(mean, unit)

    return Expected(mean, bounds)


def _iaptt_start(
    problem: BilevelProblem, options: Mapping[str, Any], z: Array, v: Array, x: Array
) -> dict[str, Array]:  # fmt: skip
    return {"z": z, "v": v, "x": x, "start": z}


def _iaptt(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    """Tangents of y_t forwards: in y_0 the product of (I - alpha G_zz), in x as those of ITD-BiO."""
    o = chosen(options, _IAPTT)
    x, alpha = state["x"], o["alpha"]
    path = _inner_path(problem, state["start"], x, alpha, o["inner_steps"])
    last = 1 + int(np.argmax([float(problem.outer(y, x)) for y in path[1:]]))
    in_x, in_y, total = np.zeros((problem.d, problem.p)), np.eye(problem.p), np.zeros((problem.p, problem.p))
    for point in path[:last]:
        G_zz, G_xz = _matrices(problem, point, x)
        shrink = np.eye(problem.p) - alpha * G_zz
        total = total @ shrink + np.eye(problem.p)
        in_x, in_y = in_x @ shrink - alpha * G_xz, in_y @ shrink
    z = path[last]
    f_z = problem.outer_grad_z(z, x)  # type: ignore[misc]
    h = problem.outer_grad_x(z, x) + in_x @ f_z  # type: ignore[misc]
    mean = {
        "z": z, "v": -alpha * total @ f_z, "x": projected(problem, x - o["gamma"] * h),
        "start": state["start"] - o["gamma"] * in_y @ f_z,
    }  # fmt: skip
    return Expected(mean, dict.fromkeys(mean, rounding(problem, 4 * o["inner_steps"], z, x, h, state["start"])))


IAPTT_GM = Update(_iaptt, _IAPTT, _iaptt_start)
ITD_BIO = Update(_itd, _ITD)
AID_BIO = Update(_aid, _AID)
STOCBIO = Update(_stocbio, _STOC)
