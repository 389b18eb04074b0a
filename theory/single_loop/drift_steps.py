"""Steps of a theorem about the bound of a run: linear forms, the drift as one quadratic form, the average over K."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from typing import Any

import sympy as sp

from ..estimators.presets import Preset
from ..proof.algebra import equal, require_nonnegative
from ..proof.rules import by_derivation, by_nonnegative_terms
from ..proof.theorem import Step
from ..symbols import W_0, K, L_Psi, L_xz, M_v, M_x, a, b, g, gamma, k_v, k_z, mu, o, rho
from .drift import WEIGHTS, Drift, OneStep, slack
from .inequalities import V_v, V_x, V_z, after_v, after_x, after_z, bias_v, bias_x, bias_z, moved_v, moved_z
from .roots import Directions, Roots
from .smoothing import mean_of_v, mean_of_x, mean_of_z
from .state import STATE, Linear, motion, quadratic_form
from .young import Trees, root_form

__all__ = ["drift_steps", "forms_of", "generic_step", "root_steps"]

_RUN = Directions(normalized=True)
#: Ways to draw directions, to bound v and to know the slopes of F, each of which the bound of a run may use.
_RUNS = (
    _RUN,
    replace(_RUN, sampled=True),
    replace(_RUN, curved=False),
    replace(_RUN, known_slopes=False),
    replace(_RUN, growing=True, curved=False, known_slopes=False),
    replace(_RUN, projected=True, normalized=False),
    replace(_RUN, outer_shared=False, sampled=True),
)
#: What each linear form bounds.
_BOUNDED = {
    "z": sp.sqrt(V_z),
    "v": sp.sqrt(V_v),
    "x": sp.sqrt(V_x),
    "bias_z": bias_z,
    "bias_v": bias_v,
    "bias_x": bias_x,
}


def root_steps(preset: Preset | None) -> tuple[Step, ...]:
    """Biases and root variances of the three directions as linear forms in (a, b, g, D, 1)."""
    plain = Roots(preset, _RUN)
    words = {
        "bias_z": "The mean of D_z is the gradient of the smoothed G; at z* its first-order term vanishes by symmetry.",
        "bias_v": "Lipschitz moves of G_zz v* and F_z over the smoothing, E|w|^2 = p (Jensen's inequality).",
        "bias_x": "Lipschitz moves of G_xz v* and F_x over the smoothing, E|u|^2 = d (Jensen's inequality).",
        "z": "|G_z| <= L_zz a; remainders by Minkowski's inequality; l1 independent directions.",
        "v": "|v| <= R + b, |F_z| <= C_z + m_zz a (shared directions: |A v + F_z| <= L_zz b + M_v a); Minkowski.",
        "x": "|v| <= R + b, |F_x| <= C_x (shared directions: |C v + F_x| <= D + bias); Minkowski's inequality.",
    }
    steps = []
    for name, reason in words.items():
        title = f"bias of D_{name[-1]}" if name.startswith("bias") else f"root variance of D_{name}"
        steps.append(
            Step(
                title,
                sp.Le(_BOUNDED[name], getattr(plain, name).expression),
                reason,
                partial(_linear, preset, name),
            )
        )
    return tuple(steps)


def _linear(preset: Any, name: str, statement: Any) -> str:
    derived = _derived(preset, name, _RUN)
    if statement.lhs != _BOUNDED[name] or not equal(derived.expression, statement.rhs):
        raise ValueError(f"derived {_BOUNDED[name]} <= {derived.expression}, stated {statement}")
    for entry in derived.entries:
        if not sp.sympify(entry).is_nonnegative:
            raise ValueError(f"the coefficient {entry} may be negative")
    for run in _RUNS:
        used, found = getattr(Roots(preset, run), name), _derived(preset, name, run)
        pairs = zip(used.entries, found.entries, strict=True)
        if not all(equal(sp.sympify(one), sp.sympify(two)) for one, two in pairs):
            raise ValueError(f"with {run} the bound of a run uses {used.expression}, derived {found.expression}")
    return "no coefficient is negative; each is what the bound uses, however directions are drawn and v is bounded"


@cache
def _derived(preset: Preset | None, name: str, run: Directions) -> Linear:
    """A linear form once more, from the tree of its contributions or from integrals over the displacement."""
    if not name.startswith("bias"):
        return root_form(getattr(Trees(preset, run), name))
    if preset is None or (name == "bias_z" and not run.curved):
        return Linear.of()
    if name == "bias_z":
        return mean_of_z()
    along = Linear.of(one=1) if run.normalized else Roots(preset, run).adjoint_norm
    return (mean_of_v if name == "bias_v" else mean_of_x)(preset, along, run.curved)


@cache
def drift_steps(independent: bool) -> tuple[Step, ...]:
    """The drift as y' M y with generic linear forms, and the average that semidefiniteness gives."""
    step = generic_step(independent)
    weights = sp.symbols("s o phi_a phi_b", nonnegative=True)
    matrices = Drift(step).matrices(sp.Integer(0)).values()
    y = sp.Matrix(STATE)
    stated = sum((w * (y.T * sp.Matrix(m) * y)[0] for w, m in zip(weights, matrices, strict=True)), sp.Integer(0))
    last, tau = sp.symbols("W_K tau", nonnegative=True)
    return (
        motion_step(),
        Step(
            "drift as a quadratic form",
            sp.Le(sp.Symbol("mean_drift_of_W"), stated),
            "W = s (Psi - inf Psi) + phi_a a^2 + phi_b b^2; the one-step inequalities with root variances and biases "
            "that are linear in y = (a, b, g, D, 1), here with generic coefficients.",
            lambda statement: _drift(statement, step, weights, independent),
        ),
        Step(
            "average by semidefiniteness",
            sp.Le(sp.Symbol("mean_of_squared_gradient"), W_0 / (gamma * K) + tau),
            "If gamma tau e_1 e_1' - M - gamma e_g e_g' is positive semidefinite, E W+ - W + gamma g^2 <= gamma tau; "
            "the sum over k < K, with W_K >= 0. The weights are searched numerically and verified in exact rationals.",
            by_nonnegative_terms(
                (W_0 - last + K * gamma * tau) / (gamma * K),
                "bound - telescoped sum = W_K / (gamma K) >= 0",
                attained={last: 0},
            ),
        ),
        Step(
            "semidefinite matrix",
            sp.Eq(sp.Symbol("slack_matrix_form"), _slack_form(tau)),
            "With M = 0 what is left is tau - g^2: the matrix that is verified is the one of the average.",
            by_derivation(lambda: tau - g**2, "the quadratic form of tau e_1 e_1' - e_g e_g'"),
        ),
    )


@cache
def motion_step() -> Step:
    """The mean motion of z* by the noise of x, as a form that is linear in the root of V_x."""
    rough, second, still = sp.symbols("k_gamma s_gamma_squared still", nonnegative=True)
    x = Linear(tuple(sp.symbols("x_a x_b x_g x_D x_1", nonnegative=True)))
    return Step(
        "mean motion by the noise",
        sp.Le(sp.Symbol("mean_motion"), motion(rough, still, x).expression),
        "E|n|^2 = V_x: at most k gamma r and at most s gamma^2 r^2/2 for the root r of V_x, which is r_0 and what "
        "grows with the state; still is the smaller of the two at r_0.",
        lambda statement: _motion(statement, rough, second, still, x),
    )


def _motion(statement: Any, rough: Any, second: Any, still: Any, x: Linear) -> str:
    """min(A r, B r^2) at r = r_0 + grown, with A = k gamma and B = s gamma^2/2, case by case."""
    r_0, grown, more = x.entries[-1], sp.Symbol("grown", nonnegative=True), sp.Symbol("more", nonnegative=True)
    # What grows stands in the statement with one factor.
    rest = sp.expand(statement.rhs - still)
    expected = 2 * rough * (x.expression - r_0)
    if not equal(rest, expected):
        raise ValueError(f"beside {still} the bound has {rest}, not {expected}")
    bound = still + 2 * rough * grown
    first, B = rough * (r_0 + grown), second / 2
    # r_0 decides for A r: A r itself is within the bound.
    require_nonnegative(bound.subs(still, rough * r_0) - first)
    # r_0 decides for B r^2, and so does r: A = B r + more.
    case = (bound.subs(still, B * r_0**2) - B * (r_0 + grown) ** 2).subs(rough, B * (r_0 + grown) + more)
    require_nonnegative(case)
    # r_0 decides for B r^2, r for A r: B r_0 <= A <= B r; A = B (r_0 + part grown), part = 1/(1 + more) in [0, 1].
    case = (bound.subs(still, B * r_0**2) - first).subs(rough, B * (r_0 + grown / (1 + more)))
    require_nonnegative(case)
    return "in each of the three cases of which bound is the smaller one at r_0 and at r"


def _slack_form(tau: Any) -> Any:
    nothing = {name: quadratic_form([], sp.Integer(0)) for name in WEIGHTS}
    matrix = sp.Matrix(slack(nothing, dict.fromkeys(WEIGHTS, sp.Integer(0)), gamma, tau))
    y = sp.Matrix(STATE)
    return sp.expand((y.T * matrix * y)[0])


def generic_step(independent: bool) -> OneStep:
    """One step whose linear forms have a coefficient for every component of the state."""

    def linear(name: str) -> Linear:
        return Linear(tuple(sp.symbols(f"{name}_a {name}_b {name}_g {name}_D {name}_1", nonnegative=True)))

    forms = {n: linear(n) for n in ("z", "v", "x", "bias_z", "bias_v", "bias_x")}
    plain = {"mu": mu, "L_xz": L_xz, "L_Psi": L_Psi, "M_v": M_v, "M_x": M_x, "k_z": k_z, "k_v": k_v}
    return OneStep(
        **plain,
        rho=rho,
        gamma=gamma,
        moved_z=linear("moved_z"),
        moved_v=linear("moved_v"),
        **forms,
        independent=independent,
    )


def forms_of(step: OneStep) -> dict[Any, Any]:
    """Variances, biases and mean motions of the one-step inequalities as forms of a step."""
    return {
        V_z: step.z.expression**2,
        V_v: step.v.expression**2,
        V_x: step.x.expression**2,
        bias_z: step.bias_z.expression,
        bias_v: step.bias_v.expression,
        bias_x: step.bias_x.expression,
        moved_z: step.moved_z.expression,
        moved_v: step.moved_v.expression,
    }


def _drift(statement: Any, step: OneStep, weights: Any, independent: bool) -> str:
    s, other, phi_a, phi_b = weights
    forms = forms_of(step)
    # o counts per unit of s in the inequality of x, and by itself as a weight.
    of_x = sp.expand(s * after_x().subs(o, other / s))
    total = of_x + phi_a * (after_z(independent) - a**2) + phi_b * (after_v(independent) - b**2)
    if sp.expand(sp.expand(total.subs(forms, simultaneous=True)) - sp.expand(statement.rhs)) != 0:
        raise ValueError("the quadratic form is not the sum of the one-step inequalities")
    return "y' M y minus s (x) + phi_a (z) + phi_b (v) vanishes identically"
