"""FedNest (arXiv 2205.02215): T passes of FedInn, FedIHGP, FedOut; client i holds the samples i, i + n, i + 2n, ..."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem

from .expected import Expected, State, Update, chosen, projected, require_affine_projection, rounding
from .smoothness import require_quadratic

__all__ = ["FEDNEST"]

_PUBLISHED: dict[str, Any] = {
    "clients": 8, "T": 1, "tau": 5, "tau_x": 1, "N": 5, "beta": 0.003, "alpha": 0.01, "eta": 0.01, "batch": None,
}  # fmt: skip


def _of_client(problem: BilevelProblem, name: str, held: Array, z: Array, x: Array) -> Array:
    """The mean of a derivative over the samples that a client holds."""
    return np.asarray(getattr(problem, name)(z[None], x[None], held).mean(axis=0))


def _fednest(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    """With batches the local steps are affine in independent samples where F and G are quadratic: same mean."""
    o = chosen(options, _PUBLISHED)
    y, x, n = state["z"], state["x"], o["clients"]
    if o["batch"] is not None:
        require_quadratic(problem, y, x)
        require_affine_projection(problem)
    inner = [np.arange(i, problem.inner_samples or 0, n) for i in range(n)]
    outer = [np.arange(i, problem.outer_samples or 0, n) for i in range(n)]
    for _ in range(o["T"]):
        # FedInn: y_i <- y_i - beta (G_i,z(y_i) - G_i,z(y) + G_z(y)), tau times; y <- mean of the y_i.
        ends = []
        for held in inner:
            y_i = y
            own = _of_client(problem, "inner_grad_z", held, y, x)
            for _ in range(o["tau"]):
                slope = _of_client(problem, "inner_grad_z", held, y_i, x)
                y_i = y_i - o["beta"] * (slope - own + problem.inner_grad_z(y, x))  # type: ignore[misc]
            ends.append(y_i)
        y = np.mean(ends, axis=0)
    # FedIHGP: -eta times the sum of (I - eta G_zz)^j F_z over j <= N, by its closed form.
    G_zz, G_xz, _ = problem.inner_hessian(y, x)  # type: ignore[misc]
    rest = np.linalg.matrix_power(np.eye(problem.p) - o["eta"] * G_zz, o["N"] + 1)
    v = -np.linalg.solve(G_zz, (np.eye(problem.p) - rest) @ problem.outer_grad_z(y, x))  # type: ignore[misc]
    # FedOut: x_i <- x_i - alpha (F_i,x(x_i) - F_i,x(x) + h), tau_x times; x <- mean of the x_i.
    h = problem.outer_grad_x(y, x) + G_xz @ v  # type: ignore[misc]
    ends = []
    for held in outer:
        x_i = x
        own = _of_client(problem, "outer_grad_x", held, y, x)
        for _ in range(o["tau_x"]):
            x_i = x_i - o["alpha"] * (_of_client(problem, "outer_grad_x", held, y, x_i) - own + h)
        ends.append(x_i)
    mean = {"z": y, "v": v, "x": projected(problem, np.mean(ends, axis=0))}
    steps = o["T"] * o["tau"] + o["N"] + o["tau_x"] + (problem.inner_samples or 0) + (problem.outer_samples or 0)
    unit = rounding(problem, steps, y, v, x, h) * max(1.0, float(np.linalg.cond(G_zz)))
    return Expected(mean, dict.fromkeys(mean, unit))


FEDNEST = Update(_fednest, _PUBLISHED)
