"""The one-step inequalities at a state, as numbers: what E|a+|^2, E|b+|^2 and E Psi(x+) - Psi(x) are at most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from fractions import Fraction
from typing import Any

from ..proof.theorem import TheoremError
from .bound import ExplicitBound
from .drift import Drift, OneStep
from .run import Run, ways
from .state import Linear

__all__ = ["one_step_bounds"]

#: Values of the free number o in the inequality of x: every o >= 0 gives a bound, and the least one is taken.
_SHARES = (0.0, 0.5, 3.0)


def one_step_bounds(
    explicit: ExplicitBound,
    constants: Any,
    p: int,
    d: int,
    solver: Any,
    state: Mapping[str, float],
    wrong: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """The least right-hand sides over every way in which the constants can be used.

    Parameters
    ----------
    state : "a" = |z - z*(x)|, "b" = |v - v*(x)|, "g" = |grad Psi(x)|, "D" = |E D_x| and "v" = |v|.
    wrong : factors by which numbers of the inequalities (fields of :class:`OneStep`) are changed, for controls.

    Returns
    -------
    dict with "a", "b" and "psi".
    """
    y = [state[name] for name in "abgD"] + [1.0]
    best: dict[str, float] = {}
    refusal: Exception | None = None
    for step in _steps(explicit, constants, p, d, solver, state["v"]):
        if isinstance(step, Exception):
            refusal = refusal or step
            continue
        forms = {
            name: sum(float(factor) * _value(one, y) * _value(two, y) for factor, one, two in terms)
            for name, terms in Drift(_changed(step, wrong or {})).terms().items()
        }
        found = {
            "a": forms["phi_a"] + y[0] ** 2,
            "b": forms["phi_b"] + y[1] ** 2,
            "psi": min(forms["s"] + share * forms["o"] for share in _SHARES),
        }
        best = {name: min(value, best.get(name, value)) for name, value in found.items()}
    if not best:
        raise refusal or TheoremError("the constants of this problem bound no step")
    return best


def _steps(
    explicit: ExplicitBound, constants: Any, p: int, d: int, solver: Any, v_size: float
) -> Iterator[OneStep | Exception]:
    run = Run.of(solver, p, d, derivatives=explicit.preset is None)
    bound = constants.bound("R")
    if bound is not None:
        # The size of v enters as if v were projected onto a ball that contains it.
        run = replace(run, v_radius=Fraction(max(bound, v_size)))
    for directions in ways(explicit.preset, constants, run, inside=bound is not None, sampled=False):
        try:
            yield from explicit.one_steps(constants, run, directions)
        except ValueError as error:
            yield error


def _changed(step: OneStep, factors: Mapping[str, float]) -> OneStep:
    unknown = set(factors) - {field.name for field in fields(OneStep)}
    if unknown:
        raise ValueError(f"the inequalities have no number {min(unknown)!r}")
    changed: dict[str, Any] = {}
    for name, factor in factors.items():
        value, times = getattr(step, name), Fraction(factor)
        changed[name] = value.scaled(times) if isinstance(value, Linear) else value * times
    return replace(step, **changed)


def _value(form: Linear, y: list[float]) -> float:
    return sum(float(entry) * size for entry, size in zip(form.entries, y, strict=True))
