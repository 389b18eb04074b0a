"""Steps and radii of a single-loop solver from the curvature at the start: what ``solve(tune=True)`` runs with."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.contracts import Solver
from zoba_bench.minimization.probe import ADAPT_SIZE, NonFiniteError, Probe, stencil_size
from zoba_bench.minimization.tuning import Units, predict, step_sizes, surrogate_radii
from zoba_bench.problem import BilevelProblem

__all__ = ["TUNABLE", "Tuned", "tuned"]

#: Options of a solver that can be tuned.
TUNABLE = frozenset({"rho", "gamma", "h", "l1"})
_CAUTION = 0.5  # share of the steps that the model of the start calls best: curvature changes along a run


@dataclass(frozen=True)
class Tuned:
    """A solver with other steps and radii, the evaluations that these took, by level, and what to say of them."""

    solver: Any
    counts: dict[str, int]
    text: str


def tuned(
    problem: BilevelProblem, solver: Solver, given: Collection[str], z: Array, x: Array, budget: int | None = None
) -> Tuned:
    """Measure noise and curvature by central differences at (z, x) and where the inner solution is predicted.

    Parameters
    ----------
    problem : its values are means over all samples where it has samples, and counted as that.
    solver : a dataclass with options rho, gamma, h and l1.
    given : options that are kept.
    z, x : (p,) and (d,) arrays
    budget : evaluations that the tuning may take and must leave some of; at most about 5 (p + d)^2 / 2 of G and F.

    Raises
    ------
    ValueError
        For a solver that has no such steps, a budget that does not cover it, or values that are not finite.
    """
    names = set(solver.option_names())
    if not names >= TUNABLE:
        raise ValueError(
            f"tune=True chooses rho, gamma and radii, which {solver.name} does not have; give its steps, or compare "
            f"settings with `zoba-bench run --solver {solver.name}`"
        )
    p, d = problem.p, problem.d
    probe = Probe(problem)
    values = stencil_size(p, d, along_v=False, curvature=True) + stencil_size(p, d, along_v=True, curvature=True)
    most = (values + Probe.prepare_size(p, d) + ADAPT_SIZE) * max(
        problem.inner_samples or 1, problem.outer_samples or 1
    )
    if budget is not None and budget <= most:
        raise ValueError(f"budget={budget} does not cover tune=True, up to {most} evaluations; raise it, or give steps")
    try:
        with np.errstate(all="ignore"):
            found = _measured(probe, solver, given, z, x)
    except NonFiniteError as error:
        raise ValueError(f"tune=True measures curvature at the start, where {error}; start elsewhere") from error
    chosen = {name: value for name, value in found.items() if name in names and name not in given}
    counts = {"inner": int(probe.oracle.n_inner[0]), "outer": int(probe.oracle.n_outer[0])}
    shown = ", ".join(f"{name}={value:.3g}" if isinstance(value, float) else f"{name}={value!r}"
                      for name, value in chosen.items())  # fmt: skip
    text = f"{shown}, from {sum(counts.values())} evaluations at the start, which are counted"
    return Tuned(replace(solver, **chosen), counts, text)  # type: ignore[type-var]


def _measured(probe: Probe, solver: Any, given: Collection[str], z: Array, x: Array) -> dict[str, Any]:
    p, d = probe.p, probe.d
    probe.prepare(z, x)
    point, curvature = probe.curvature(z, np.zeros(p), x)
    probe.adapt(point, curvature)
    prediction = predict(probe, point, curvature)
    # The curvature of Psi has third derivatives of G along v*, and those of F at z*.
    point, curvature = probe.curvature(z + prediction.a, prediction.b, x)
    prediction = predict(probe, point, curvature)
    units = Units(np.zeros(p), np.zeros(d), np.eye(p), np.eye(d), 1.0, 1.0)
    added = np.abs(prediction.gradient) / np.maximum(1.0, np.abs(x))  # no step leads further than the size of x
    fixed = {name: float(getattr(solver, name)) for name in ("rho", "gamma") if name in given}
    rho, gamma, _ = step_sizes(
        curvature, prediction.hessian, units, int(solver.l1), _CAUTION, added, fixed.get("rho"), fixed.get("gamma")
    )
    radii = {name: float(value) for name, value in surrogate_radii(probe, curvature, units).items()}
    length = max(1.0, float(np.linalg.norm(point.v)))
    shared = {"rho": float(rho), "gamma": float(gamma), **radii, "schedule": "constant"}
    if "normalize_h_bar" in solver.option_names():
        return {**shared, "normalize_h_bar": True}
    return {**shared, "h_bar": radii["h_bar"] / length}
