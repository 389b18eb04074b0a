"""Puts the steps of one preset's theorem together, and states the explicit certificate as steps."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import sympy as sp

from .. import symbols as names
from ..estimators.presets import preset_named
from ..estimators.radius import tuned_ratio
from ..estimators.steps import mean_steps, moment_steps, remainder_steps
from ..proof.algebra import require_nonnegative
from ..proof.orders import Complexity, diverges, dominates, order_of
from ..proof.rules import by_nonnegative_terms
from ..proof.theorem import Step, TheoremError
from ..symbols import W_0, K, b1, d, eta, gamma, l1, m_xx, y_f
from .assumptions import ASSUMPTIONS, PUBLISHED, PUBLISHED_SOURCE, SOURCE, VOCABULARY, public_symbols
from .curved_steps import curved_steps
from .drift_steps import drift_steps, root_steps
from .inequalities import V_v, V_x, V_z, one_step_inequalities
from .plan import Route, SampledRoute
from .plan_steps import cost_steps
from .roots import Directions
from .sampled_steps import allocation_steps, growing_spread_steps
from .theorem import SampledTheorem, SingleLoopTheorem
from .variance import VarianceModel, variance_model
from .virtual_steps import virtual_steps
from .weights import KINDS, Certificate, check_explicit_choice, explicit_step_ratio, explicit_weights
from .young import Trees, prove_young, squares

__all__ = ["average_step", "build", "certificate_step", "choice_step", "samples_of", "variance_steps"]


def build(
    name: str,
    title: str,
    *,
    coupling: Any = None,
    published: Any = None,
    source: str = SOURCE,
    regimes: tuple[str, ...] = ("p, d >= 1",),
    divergent: bool = False,
    radius_ratio: str = "",
) -> SingleLoopTheorem:
    """Theorem of a preset.

    Parameters
    ----------
    name, title : of the theorem; the name is the preset's.
    coupling : Y of the explicit plan; default 1/4.
    published : published order to compare with.
    regimes : where the published order is to be proved an upper bound.
    divergent : whether n over the published order is to be proved unbounded as d grows.
    """
    coupling = sp.Rational(1, 4) if coupling is None else coupling
    preset = preset_named(name)
    means = mean_steps(preset)

    def theorem(steps: tuple[Step, ...], route: Route | None) -> SingleLoopTheorem:
        return SingleLoopTheorem(
            name,
            title,
            name,
            ASSUMPTIONS,
            source,
            steps,
            public_symbols(),
            vocabulary=VOCABULARY,
            preset=preset,
            route=route,
            samples=None
            if route is None
            else partial(_with_samples, name, title, coupling, regimes, divergent, source),
            radius_ratio=radius_ratio,
        )

    if not all(step.outcome.ok for step in means):
        # Variances of a biased surrogate would be about something else: nothing more is stated.
        return theorem(means, None)

    model = variance_model(name)
    route = Route(model, coupling, _comparison(published, regimes, divergent))
    independent = model.independent
    steps = (
        *means,
        *moment_steps(preset),
        *remainder_steps(preset),
        *root_steps(preset),
        *one_step_inequalities(independent),
        *drift_steps(independent),
        *virtual_steps(independent),
        *variance_steps(name),
        *(certificate_step(Certificate(independent, kind)) for kind in KINDS),
        choice_step(Certificate(independent, "rough"), coupling),
        average_step(Certificate(independent, "rough")),
        *cost_steps(route),
        *curved_steps(route),
    )
    return theorem(steps, route)


def samples_of(theorem: SingleLoopTheorem) -> SampledTheorem:
    """The theorem on plan and count for samples of a preset's own theorem.

    Raises
    ------
    TheoremError : the preset's theorem has none, because its steps fail.
    """
    if theorem.samples is None:
        theorem.require_checked()
        raise TheoremError(f"theorem {theorem.name!r} has no count for samples")
    return theorem.samples()


def _comparison(published: Any, regimes: tuple[str, ...], divergent: bool) -> Callable[[Route], Complexity]:
    """What is proved of a count: its order, and how the published one compares."""

    def compare(route: Route) -> Complexity:
        order = order_of(route.count)
        found: list[Any] = [dominates(route.count, order)]
        if published is not None:
            found += [dominates(route.count, published, regime) for regime in regimes]
            if divergent:
                found.append(diverges(route.count, published, d))
        return Complexity(
            route.count,
            order,
            route.model.per_direction,
            published,
            PUBLISHED_SOURCE,
            tuple(found),
            route.definitions,
            "samples" if route.model.sampled else "exact values",
        )

    return compare


@cache
def _with_samples(
    name: str, title: str, coupling: Any, regimes: tuple[str, ...], divergent: bool, source: str
) -> SampledTheorem:  # fmt: skip
    """Plan and count of a preset for samples; beside its theorem, whose steps on estimators and bound they rest on.

    Samples couple the noises of v and x, also where directions do not.
    """
    model = variance_model(name, sampled=True)
    # The published order speaks of samples: it is compared with for every preset.
    route = SampledRoute(model, coupling, _comparison(PUBLISHED, regimes, divergent))
    certificate = Certificate(False, "rough")
    return SampledTheorem(
        f"{name}-samples",
        f"{title}, samples of G and F",
        name,
        ASSUMPTIONS,
        source,
        (
            *one_step_inequalities(False),
            *drift_steps(False),
            *virtual_steps(False),
            *variance_steps(name, sampled=True),
            certificate_step(certificate),
            choice_step(certificate, coupling),
            average_step(certificate),
            *allocation_steps(route),
            *cost_steps(route),
            *curved_steps(route),
            *growing_spread_steps(route),
        ),
        public_symbols(),
        vocabulary=VOCABULARY,
        route=route,
    )


@cache
def variance_steps(name: str, *, projected: bool = False, sampled: bool = False) -> tuple[Step, ...]:
    """Variances as s_0 + s_a a^2 + s_b b^2 + s_D D^2, for the explicit constants of plan and count."""
    model = variance_model(name, projected=projected, sampled=sampled)
    size = "|v| <= R_v" if projected else "|v| <= R + b"
    reasons = {
        "inner_gradient": "|G_z| = |G_zz (z - z*)| <= L_zz a; remainder of the difference along w.",
        "adjoint": f"Inner and outer parts by Young's inequality, {size}, |F_z| <= C_z + m_zz a, remainder of f "
        "at most m_zz h |w|^2/2.",
        "outer_gradient": f"Inner and outer parts by Young's inequality, {size}, |F_x| <= C_x, remainder of f at "
        "most m_xx eta |u|^2/2.",
    }
    if model.preset.one_count:
        reasons["adjoint"] = "Hv + f_z is one surrogate of A v + F_z, at most L_zz b + M_v a; Young's inequality."
        reasons["outer_gradient"] = "Cv + f_x is one surrogate of C v + F_x, which is D but for the bias; Young."

    if model.sampled:
        reasons = {
            name: reason + " Given the sample; its spread sigma adds up, (V + S/l)/b."
            for name, reason in reasons.items()
        }

    run = Directions(normalized=True, curved=False, projected=projected, sampled=sampled)
    trees = Trees(model.preset, run, sp.sqrt(tuned_ratio()) if model.preset.tuned else sp.Integer(1))

    def prove(row: str, statement: Any) -> str:
        prove_young()
        given_away = sp.expand(statement.rhs - squares(getattr(trees, row)))
        if given_away != sp.expand(_given_away(model, row)):
            raise ValueError(f"the parts' squares leave {sp.factor(given_away)} of the bound")
        require_nonnegative(given_away)
        return model.check_combination()

    found = zip((V_z, V_v, V_x), reasons.items(), "zvx", strict=True)
    return tuple(
        Step(
            f"variance of D_{row} in squares" + ", projected" * projected,
            sp.Le(symbol, getattr(model, attribute)),
            reason,
            partial(prove, row),
        )
        for symbol, (attribute, reason), row in found
    )


def _given_away(model: VarianceModel, row: str) -> Any:
    """What a bound in squares leaves: d + 4 in place of d + 1 before the bias of x, where directions are shared."""
    if row != "x" or not model.preset.one_count:
        return sp.Integer(0)
    bias = m_xx * eta * sp.sqrt(d)
    return 3 * (1 + y_f) * (1 + 1 / y_f) * bias**2 / l1 / (b1 if model.sampled else 1)


@cache
def certificate_step(certificate: Certificate) -> Step:
    """The Lyapunov certificate in explicit constants."""
    words = {
        "flat": "z* and v* are affine (s_z = s_v = 0)",
        "smooth": "Jacobians with constants s_z, s_v and V_x bounded (v projected)",
        "free": "Jacobians with constants s_z, s_v, V_x grows with the errors",
        "rough": "z* and v* Lipschitz only",
    }
    return Step(
        f"certificate, {certificate.kind} solutions",
        sp.Le(sp.Symbol("mean_drift_of_W") / gamma + names.g**2 / 2, certificate.residual),
        f"W = Psi - inf Psi + (c/mu)(w_a a^2 + w_b b^2); {words[certificate.kind]}; conditions: "
        + "; ".join(f"{name}: {sp.sstr(value)} >= 0" for name, value in certificate.conditions.items()),
        lambda statement: _drift_side(statement) or certificate.verify(statement),
    )


def _drift_side(statement: Any) -> str:
    if statement.lhs != sp.Symbol("mean_drift_of_W") / gamma + names.g**2 / 2:
        raise ValueError(f"the left-hand side {statement.lhs} is not drift / gamma + g^2/2")
    return ""


@cache
def choice_step(certificate: Certificate, coupling: Any) -> Step:
    """Weights and step ratio that meet the conditions with room for the variances."""
    weights = explicit_weights()
    chosen = sp.Tuple(weights[names.w_b], weights[names.w_a], explicit_step_ratio(certificate, coupling))

    def prove(statement: Any) -> str:
        stated_b, stated_a, ratio = statement.rhs
        detail = check_explicit_choice(certificate, coupling, {names.w_b: stated_b, names.w_a: stated_a}, ratio)
        if statement.rhs != chosen:
            raise ValueError(f"the plan uses {chosen}")
        return detail

    return Step(
        "explicit weights",
        sp.Eq(sp.Tuple(names.w_b, names.w_a, names.c), chosen),
        "They meet the conditions of the certificate with half of each weight left for the variances, and with "
        f"coupling {coupling} at gamma <= 1/(2 L_Psi).",
        prove,
    )


@cache
def average_step(certificate: Certificate) -> Step:
    """The telescoped certificate."""
    last = sp.Symbol("W_K", nonnegative=True)
    # K terms of: gamma/2 E|g_k|^2 <= E W_k - E W_{k+1} + gamma residual.
    left = (W_0 - last + K * gamma * certificate.residual) * 2 / (gamma * K)
    return Step(
        "average",
        sp.Le(sp.Symbol("mean_of_squared_gradient"), certificate.average_bound),
        "Sum of the drift inequality over k < K; W_K >= 0.",
        by_nonnegative_terms(left, "bound - telescoped sum = 2 W_K / (gamma K) >= 0", attained={last: 0}),
    )
