"""AmIGO, BSA, TTSA, SUSTAIN, MRBO, FSLA with exact derivatives: biases of exact affine iterations on quadratics.

A direction with a memory is the plain one there, so that SUSTAIN's and MRBO's iteration is one of (z, x), and FSLA's
one of (z, v, x), without it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import zoba_bench as zb

from . import boxes_sampled as boxes
from . import linear_first_order as linear
from .boxes_first_order import Box
from .case import Case
from .cases_first_order_loops import GENERAL, MINIMAX, TRACKING, biased, start_of, stationarity

TERMS = 20


def nothing() -> None:
    return None


def iteration(name: str, problem: Any, rho: float, gamma: float, eta: float) -> linear.Affine:
    """On (z, v, x), where v is computed anew on (z, x) alone."""
    box, p, d = Box(problem), problem.p, problem.d

    def step(w: np.ndarray) -> np.ndarray:
        z, v, x = w[:p], w[p : 2 * p], w[2 * p :]
        if name == "amigo":
            z, v, x, _ = boxes.amigo(box, z, v, x, rho, gamma, 3, nothing, nothing)
        elif name == "bsa":
            z, v, x, _ = boxes.bsa(box, z, x, rho, gamma, 3, TERMS, eta, nothing, nothing, None)
        elif name == "ttsa":
            z, v, x, _ = boxes.ttsa(box, z, x, rho, gamma, TERMS, eta, nothing, nothing, None)
        elif name == "fsla":
            z, v, x, _ = boxes.fsla(box, z, v, x, x, 0 * x, 0.0, rho, gamma, nothing, nothing)
        else:
            now, terms = (z, x), TERMS + (name == "mrbo")
            z, v, x, _, _ = boxes.momentum(
                box, now, now, (0 * z, 0 * x), 0.0, rho, gamma, terms, eta, nothing, nothing, None
            )
        return np.concatenate([z, v, x])

    return linear.Affine.of(step, 2 * p + d)


def case(name: str, title: str, parameters: dict[str, Any], iterations: int = 400) -> Case:
    """Steps 1/L_zz of z, v and the series, 1/(4 L_Psi) of x."""
    L_zz, L_Psi = zb.load_problem(title, **parameters).constants.require("L_zz", "L_Psi")
    rho = eta = 1 / L_zz
    options: dict[str, Any] = {"rho": rho, "ratio": 4 * L_Psi * rho}
    options |= {"inner_steps": 3} if name in ("amigo", "bsa") else {}
    options |= {} if name == "amigo" else {"schedule": "constant"}
    options |= {} if name in ("amigo", "fsla") else {"N": TERMS, "eta": eta}
    options |= {"series": "sum"} if name in ("bsa", "ttsa", "sustain") else {}

    def bound(problem: Any) -> float:
        z0, x0 = start_of(problem)
        map_ = iteration(name, problem, rho, 1 / (4 * L_Psi), eta)
        remainder = map_.remainder(np.concatenate([z0, 0 * z0, x0]), iterations)
        if name in ("amigo", "fsla"):
            return L_Psi * remainder
        mu, L_xz = problem.constants.require("mu", "L_xz")
        return biased(problem, L_xz * (1 - eta * mu) ** (TERMS + (name == "mrbo"))) + L_Psi * remainder

    promise = "|grad Psi| ends at zero" if name in ("amigo", "fsla") else "|grad Psi| ends below the bias of the series"
    return Case(
        name, title, promise, measured=stationarity, bound=bound, parameters=parameters, options=options,
        run={"max_iterations": iterations},
    )  # fmt: skip


CASES = [
    case(name, *row)
    for name in ("amigo", "bsa", "ttsa", "sustain", "mrbo", "fsla")
    for row in (GENERAL, TRACKING, MINIMAX)
]  # fmt: skip
