"""Puts the steps of one preset's theorem together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from . import symbols as names
from .certificate import ADJOINTS, Certificate, check_explicit_choice
from .complexity import Complexity, diverges, dominates, order_of
from .cost import cost_steps
from .inequalities import V_v, V_x, V_z, one_step_inequalities
from .isserlis import expectation, form
from .presets import Preset, preset_named
from .route import Route
from .single_loop import SingleLoopTheorem
from .surrogates import Surrogate
from .symbols import W_0, K, d, eps, gamma, m_xx, m_zz, p
from .theorem import Step
from .variance import VarianceModel

__all__ = ["ASSUMPTIONS", "PUBLISHED", "PUBLISHED_SOURCE", "SOURCE", "build"]

ASSUMPTIONS = (
    "A1: G(., x) is mu-strongly convex with |G_zz| <= L_zz, |G_xz| <= L_xz, |G_xx| <= L_xx",
    "A2: G is quadratic in (z, x) (H = 0)",
    "A3: the blocks of the Hessian of F are bounded by m_zz, m_xz, m_xx; |F_z(z*(x), x)| <= C_z, "
    "|F_x| <= C_x, |v*| <= R",
    "A4: z* and v* have Lipschitz constants k_z and k_v, grad Psi has L_Psi",
    "A5: Psi is bounded below; Gaussian directions independent of the past; exact function values; "
    "constant steps, rho <= 2/(mu + L_zz)",
)
SOURCE = (
    "Algorithm: arXiv 2601.21836 (abstract) and its authors' public code. The derivation is this "
    "project's own; the paper's text was not available."
)
#: Quoted, and only compared with: O(p (d + p)^2 / eps^2).
PUBLISHED = p * (d + p) ** 2 / eps**2
PUBLISHED_SOURCE = "arXiv 2601.21836, abstract"


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
    means = tuple(_unbiased(surrogate) for surrogate in preset.surrogates.values())

    def theorem(steps: tuple[Step, ...], route: Route | None) -> SingleLoopTheorem:
        return SingleLoopTheorem(
            name,
            title,
            name,
            ASSUMPTIONS,
            source,
            steps,
            _symbols(),
            preset=preset,
            route=route,
            radius_ratio=radius_ratio,
        )

    if not all(step.check().ok for step in means):
        # Variances of a biased surrogate would be about something else: nothing more is stated.
        return theorem(means, None)
    model = VarianceModel(preset)

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
            model.per_direction,
            published,
            PUBLISHED_SOURCE,
            tuple(found),
            route.definitions,
        )

    route = Route(model, coupling, compare)
    steps = (
        *means,
        *_variance_steps(model, preset),
        *one_step_inequalities(model),
        *(_certificate_step(model, adjoint) for adjoint in ADJOINTS),
        _choice_step(model, coupling),
        _bound_step(route),
        *cost_steps(route),
    )
    return theorem(steps, route)


def _symbols() -> dict[str, Any]:
    """Public symbols by their own names."""
    return {str(value): value for value in vars(names).values() if isinstance(value, sp.Symbol)}


def _unbiased(surrogate: Surrogate) -> Step:
    def verify(_: Any) -> str:
        surrogate.check()
        return f"E X = {surrogate.mean}; E|X|^2 = {sp.sstr(sp.factor(surrogate.second_moment))}"

    mean = sp.Function("E")(sp.Symbol(surrogate.name.replace(" ", "_")))
    return Step(
        f"mean of {surrogate.name}",
        sp.Eq(mean, sp.Symbol(surrogate.required_mean)),
        "Isserlis' theorem on the coefficient function applied to a quadratic; its second moment stays "
        "finite as the radii go to zero.",
        verify,
    )


def _variance_steps(model: VarianceModel, preset: Preset) -> tuple[Step, ...]:
    def of(attribute: str) -> Callable[[Any], str]:
        def verify(_: Any) -> str:
            again = getattr(VarianceModel(preset), attribute)
            if sp.expand(again - getattr(model, attribute)) != 0:
                raise ValueError(f"derived again the bound is {again}")
            return "every coefficient of the derived moment is non-negative: largest at the bounds"

        return verify

    hv, cv = preset.inner[1:]
    norm = sp.Symbol("v_norm", nonnegative=True)
    if preset.one_count:
        reasons = (
            "Both levels share their directions, so Hv + f_z is one surrogate of A v + F_z, at most "
            "L_zz b + m_zz a; remainder of f at most m_zz h |w|^2/2.",
            "Both levels share their directions, so Cv + f_x is one surrogate of C v + F_x, which is D "
            "but for the bias; remainder of f at most m_xx eta |u|^2/2.",
        )
    else:
        reasons = (
            "Whatever the two levels share, the sum has at most twice the sum of the variances; "
            "|v| <= R + b, |F_z| <= C_z + m_zz a, remainder of f at most m_zz h |w|^2/2.",
            "Whatever the two levels share, the sum has at most twice the sum of the variances; "
            "|v| <= R + b, |F_x| <= C_x, remainder of f at most m_xx eta |u|^2/2.",
        )

    def radius(_: Any) -> str:
        squares = expectation(form("w", "w")).expression, expectation(form("u", "u")).expression
        if squares != (p, d):
            raise ValueError(f"E|w|^2 and E|u|^2 are {squares}, not p and d")
        if sp.expand(model.bias_v**2 - m_zz**2 * names.h**2 * p) != 0:
            raise ValueError("the bias of f_z is not m_zz h sqrt(p)")
        if sp.expand(model.bias_x**2 - m_xx**2 * names.eta**2 * d) != 0:
            raise ValueError("the bias of f_x is not m_xx eta sqrt(d)")
        return "E|w|^2 = p and E|u|^2 = d"

    def joined(_: Any) -> str:
        detail = model.check_combination()
        return f"{detail}; coefficients {', '.join(k for k, v in model.coefficients.items() if v != 0)}"

    return (
        Step(
            f"variance of {hv.name}",
            sp.Le(sp.Symbol("Var_Hv"), model.hessian * norm**2),
            "Isserlis; the largest value over |G_zz| <= L_zz is at G_zz = L_zz I.",
            of("hessian"),
        ),
        Step(
            f"variance of {cv.name}",
            sp.Le(sp.Symbol("Var_Cv"), model.cross * norm**2),
            "Isserlis; largest over the bounds of the three blocks, at the preset's radius ratio.",
            of("cross"),
        ),
        Step(
            "bias of the outer surrogates",
            sp.Le(sp.Symbol("bias_v"), model.bias_v),
            "By Stein's identity E[f(z + h w) w]/h = E grad f(z + h w); grad f is m_zz-Lipschitz.",
            radius,
        ),
        Step(
            "variance of D_z",
            sp.Le(V_z, model.inner_gradient),
            "|G_z| = |G_zz (z - z*)| <= L_zz a; remainder of the difference along w.",
            of("inner_gradient"),
        ),
        Step(
            "variance of D_v",
            sp.Le(V_v, model.adjoint),
            reasons[0],
            joined,
        ),
        Step(
            "variance of D_x",
            sp.Le(V_x, model.outer_gradient),
            reasons[1],
            joined,
        ),
    )


def _certificate_step(model: VarianceModel, adjoint: str) -> Step:
    certificate = Certificate(model.independent, adjoint)
    words = {
        "flat": "v* is affine (s_v = 0)",
        "smooth": "v projected, s_v known (theta = 0)",
        "rough": "v* Lipschitz only (theta > 0)",
    }
    return Step(
        f"certificate, {adjoint} adjoint",
        sp.Le(sp.Symbol("drift") / gamma + names.g**2 / 2, certificate.residual),
        f"W = Psi - inf Psi + (c/mu)(w_a a^2 + w_b b^2); {words[adjoint]}; conditions: "
        + "; ".join(f"{name}: {sp.sstr(value)} >= 0" for name, value in certificate.conditions.items()),
        lambda _: certificate.verify(),
    )


def _choice_step(model: VarianceModel, coupling: Any) -> Step:
    certificate = Certificate(model.independent, "rough")
    return Step(
        "explicit weights",
        sp.Eq(sp.Symbol("Y"), coupling),
        "w_b = 3 L_xz^2, w_a = 3 m_xz^2 + 8 w_b m_zz^2/mu^2, gamma <= 1/(2 L_Psi) meet the conditions "
        "with room for the variances.",
        lambda _: check_explicit_choice(certificate, coupling),
    )


def _bound_step(route: Route) -> Step:
    certificate = route.certificate("rough")
    mean = sp.Symbol("mean_of_squared_gradient")

    def verify(_: Any) -> str:
        last, noise = sp.symbols("W_K residual", nonnegative=True)
        # K terms of: gamma/2 E|g_k|^2 <= E W_k - E W_{k+1} + gamma residual.
        average = (W_0 - last + K * gamma * noise) * 2 / (gamma * K)
        rest = sp.expand((2 * W_0 / (gamma * K) + 2 * noise) - average)
        if sp.expand(rest - 2 * last / (gamma * K)) != 0:
            raise ValueError("the telescoped sum is not the bound")
        if sp.expand(certificate.average_bound - 2 * W_0 / (gamma * K) - 2 * certificate.residual) != 0:
            raise ValueError(f"the bound is not the telescoped sum: {certificate.average_bound}")
        return "bound - telescoped sum = 2 W_K / (gamma K) >= 0"

    return Step(
        "average",
        sp.Le(mean, certificate.average_bound),
        "Sum of the drift inequality over k < K; W_K >= 0.",
        verify,
    )
