"""The one-direction estimators side by side: evaluations, bias, second moment and its order in p and d."""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..estimators.isserlis import RANDOM
from ..estimators.presets import Preset, preset_named
from ..estimators.radius import tuned_ratio, verify_tuned_ratio
from ..estimators.remainders import remainder
from ..estimators.steps import mean_steps, moment_steps, remainder_steps
from ..estimators.surrogates import Surrogate
from ..proof.orders import dominates, order_of
from ..proof.theorem import Step, Table, Theorem
from ..symbols import BLOCK_BOUNDS, THIRD, L_xx, L_xz, L_zz, d, eta, h, m_xx, m_xz, m_zz, p, ratio
from .assumptions import ASSUMPTIONS, SOURCE, VOCABULARY, public_symbols
from .roots import Directions, Roots

__all__ = ["estimators", "order_in_dimensions", "second_moment"]

_v = sp.Symbol("norm_v", nonnegative=True)
#: The presets that show every estimator once; the tuned ratio shows the cross surrogate again.
_PRESETS = ("zoba", "zoba-tuned", "zoba-mixed", "hf-zoba")


def _norm(surrogate: Surrogate) -> dict[str, Any]:
    """The norm that a second moment is stated in: of v, or of the gradient that is estimated."""
    vector = surrogate.target[-1]
    return {vector: _v if vector == "v" else sp.Symbol(f"norm_{vector}", nonnegative=True)}


def second_moment(surrogate: Surrogate, radius_ratio: Any) -> Any:
    """Largest E|X|^2 over all functions within the bounds: the square of a sum of roots.

    Parameters
    ----------
    surrogate : one direction's estimator.
    radius_ratio : h / eta.
    """
    worst = surrogate.worst_case(BLOCK_BOUNDS | _norm(surrogate))
    quadratic = sp.expand(worst.subs(ratio, h / eta))
    if {h, eta} <= quadratic.free_symbols:
        quadratic = worst.subs(ratio, radius_ratio)
    rest = sp.Integer(0)
    if not surrogate.target[0].startswith("F"):
        rest = sum((term.root * _v**term.power for term in remainder(surrogate)), sp.Integer(0))
    return (sp.sqrt(sp.factor(quadratic)) + rest) ** 2


def order_in_dimensions(surrogate: Surrogate, radius_ratio: Any) -> Any:
    """Order in p and d of the second moment per square of the norm, with unit constants, as the radii vanish."""
    (norm,) = _norm(surrogate).values()
    quadratic = surrogate.worst_case(BLOCK_BOUNDS | _norm(surrogate)).subs(ratio, radius_ratio)
    unit = dict.fromkeys((L_zz, L_xz, L_xx, m_zz, m_xx), sp.Integer(1)) | {norm: sp.Integer(1), h: 0, eta: 0}
    return order_of(sp.cancel(sp.together(quadratic.subs(unit))))


def _ratio(preset: Preset) -> Any:
    return sp.sqrt(tuned_ratio()) if preset.tuned else sp.Integer(1)


def _evaluations(surrogate: Surrogate) -> tuple[int, int]:
    """Values a direction needs, and how many of them beside those of D_z along the same direction."""
    own = {point for point in surrogate.queries if any(name in RANDOM for name, _ in point[1])}
    central = preset_named("zoba").inner[0].queries | preset_named("hf-zoba").inner[0].queries
    first_order = surrogate.name.startswith("D_z")
    return len(own), len(own) if first_order else len(own - central)


def _biases(preset: Preset) -> dict[str, Any]:
    """Bias by what is estimated: the part of the theorem's bias that comes from it."""
    roots = Roots(preset, Directions(normalized=True))
    of_outer = {m_zz: 0, m_xz: 0, m_xx: 0}
    of_inner = dict.fromkeys(THIRD, 0)
    return {
        "D_z": roots.bias_z.expression,
        "Hv": roots.bias_v.expression.subs(of_outer),
        "Cv": roots.bias_x.expression.subs(of_outer),
        "f_z": roots.bias_v.expression.subs(of_inner),
        "f_x": roots.bias_x.expression.subs(of_inner),
    }


def _rows() -> list[tuple[Surrogate, Preset, str]]:
    """Every estimator once, with the preset whose radii it runs at and the name it is listed by."""
    found: dict[str, tuple[Surrogate, Preset, str]] = {}
    for name in _PRESETS:
        preset = preset_named(name)
        for surrogate in preset.surrogates.values():
            title = surrogate.name + (", tuned ratio" if preset.tuned and surrogate.name.startswith("Cv") else "")
            found.setdefault(title, (surrogate, preset, title))
    return list(found.values())


def _table() -> Table:
    rows = []
    for surrogate, preset, title in _rows():
        own, beside = _evaluations(surrogate)
        bias = _biases(preset)[surrogate.name.split()[0]]
        moment = second_moment(surrogate, _ratio(preset))
        order = order_in_dimensions(surrogate, _ratio(preset))
        rows.append((title, sp.Integer(own), sp.Integer(beside), order, bias, moment))
    return Table(
        "One direction",
        ("estimator", "values", "beside D_z", "order in p, d", "bias", "second moment at most"),
        tuple(rows),
    )


def _order_steps() -> tuple[Step, ...]:
    """Each order with a dominance certificate against the bare second moment, and what is not of a lower order."""
    return tuple(_order_step(surrogate, preset, title) for surrogate, preset, title in _rows())


def _order_step(surrogate: Surrogate, preset: Preset, title: str) -> Step:
    def prove(statement: Any) -> str:
        (norm,) = _norm(surrogate).values()
        quadratic = surrogate.worst_case(BLOCK_BOUNDS | _norm(surrogate)).subs(ratio, _ratio(preset))
        unit = dict.fromkeys((L_zz, L_xz, L_xx, m_zz, m_xx), sp.Integer(1)) | {norm: sp.Integer(1), h: 0, eta: 0}
        moment = sp.cancel(sp.together(quadratic.subs(unit)))
        certificate = dominates(moment, statement.rhs)
        occurring = set(sp.Poly(moment, p, d).monoms())
        if sp.expand(order_of(statement.rhs) - statement.rhs) != 0:
            raise ValueError(f"{statement.rhs} is not written by its maximal monomials")
        if not set(sp.Poly(statement.rhs, p, d).monoms()) <= occurring:
            raise ValueError(f"a term of {statement.rhs} does not occur in the moment: the order is too large")
        return (
            f"{certificate.statement[4:].split(',')[0]} with constant {certificate.constant}; every term occurs in it"
        )

    return Step(
        f"order of {title}",
        sp.Eq(sp.Symbol("order_of_second_moment"), sp.expand(order_in_dimensions(surrogate, _ratio(preset)))),
        "Coefficients after p = 1 + s, d = 1 + t: const * order - moment has none below zero; every term of the order "
        "occurs in the moment.",
        prove,
    )


@cache
def estimators() -> Theorem:
    """All estimators of the zeroth-order single-loop methods, with their table."""
    steps: dict[str, Step] = {}
    biased = False
    for name in _PRESETS:
        preset = preset_named(name)
        means = mean_steps(preset)
        # Moments of a biased surrogate would be about something else: nothing more is stated.
        biased = biased or not all(step.outcome.ok for step in means)
        for step in means if biased else (*means, *moment_steps(preset), *remainder_steps(preset)):
            steps.setdefault(step.name, step)
    best = Step(
        "tuned radius ratio",
        sp.Eq(ratio**2, tuned_ratio()),
        "In the two terms that depend on it, within 4/sqrt(15) of the best ratio.",
        _tuned,
    )
    return Theorem(
        "estimators",
        "One-direction estimators: mean, bias, second moment and its order in p and d",
        "",
        (*ASSUMPTIONS[:3], ASSUMPTIONS[5]),
        SOURCE,
        tuple(steps.values()) if biased else (*steps.values(), best, *_order_steps()),
        public_symbols(),
        tables=() if biased else (_table(),),
        vocabulary=VOCABULARY,
    )


def _tuned(statement: Any) -> str:
    if sp.expand(statement.rhs - tuned_ratio()) != 0 or statement.lhs != ratio**2:
        raise ValueError(f"the ratio in use is r^2 = {tuned_ratio()}, stated {statement}")
    return verify_tuned_ratio()
