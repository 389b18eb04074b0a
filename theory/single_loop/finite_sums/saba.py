"""SABA: the single loop on finite sums with exact derivatives of samples and a memory of every one."""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ...proof.orders import dominated
from ...proof.rules import by_nonnegative_terms, by_relation
from ...proof.theorem import Assumption, Quoted, Step
from ...symbols import (
    W_0,
    K,
    L_Psi,
    L_xz,
    L_zz,
    M_v,
    M_x,
    R_v,
    b1,
    b2,
    c,
    eps,
    gamma,
    k_v,
    k_z,
    m_xx,
    m_xz,
    m_zz,
    mu,
    rho,
)  # fmt: skip
from ..assemble import choice_step
from ..inequalities import one_step_inequalities
from ..weights import Certificate
from .linear import linear_steps, mu_P, rate
from .memory import H, N, memory_steps
from .merit import COUPLING, G_0, G_1, KINDS, P, merit_steps, u
from .theorem import EVALUATIONS, Gamma, SabaCount, SabaTheorem

__all__ = ["saba"]

_SOURCE = "Algorithm: arXiv 2201.13409 (abstract) and its authors' public code. The derivation is this project's own."
_ASSUMPTIONS = (
    Assumption(
        "G(., x) is mu-strongly convex; every sample has |G_zz| <= L_zz, |G_xz| <= L_xz, and a Hessian with the "
        "Lipschitz "
        "constant H: zero for quadratic samples, else |v| <= R_v up to the time that is spoken of",
        mu, L_zz, L_xz, H, R_v,
    ),
    Assumption("every sample of F has a Hessian with blocks at most m_zz, m_xz, m_xx", m_zz, m_xz, m_xx),
    Assumption("M_v = H_zz R + m_zz and M_x = H_xz R + m_xz with |v*| <= R", M_v, M_x),
    Assumption(
        "z* and v* have Lipschitz constants k_z and k_v, or are affine (flat); grad Psi has L_Psi; x is not "
        "constrained",
        k_z, k_v, L_Psi,
    ),
    Assumption(
        "constant steps, rho <= 2/(mu + L_zz); batches b1, b2 drawn with replacement, those of the two levels "
        "independent; "
        "the memory begins with a pass at the start; Psi is bounded below",
        rho, gamma, c, b1, b2, W_0,
    ),
    Assumption(
        "where a linear rate is spoken of, |grad Psi|^2 >= 2 mu_P (Psi - inf Psi), and lambda meets the conditions "
        "there",
        mu_P, rate,
    ),
    Assumption("N = max(n, m) for n samples of G and m of F, or any N with 1/N at most the chance of each sample", N),
    Assumption("an order in N and 1/eps speaks of problems whose constants and W_0 do not grow with these", eps),
)  # fmt: skip
_VOCABULARY = frozenset(symbol for one in _ASSUMPTIONS for symbol in one.introduces)


def _count_steps(sizes: SabaCount) -> tuple[Step, ...]:
    total, loop = sp.symbols("n_eps n_loop", nonnegative=True)
    common = 10 * W_0 * (Gamma + 7 * P + G_1)
    linear, powers = N / eps, N ** sp.Rational(2, 3) / eps
    cube = {u: N ** sp.Rational(1, 3)}
    iterations = 2 * W_0 * (Gamma + N ** sp.Rational(2, 3) * (7 * P + G_1) + N * G_0) / eps + 1
    return (
        Step(
            "count",
            sp.Le(total, 5 * iterations + 5 * N),
            "K = 2 W_0/(gamma eps), rounded up, times five derivatives at b1 = b2 = 1, and the pass at the start; "
            "Gamma = 2 L_Psi + (mu + L_zz)/(2 c).",
            by_nonnegative_terms(
                (sizes.count("rough") + EVALUATIONS * u**3).subs(cube), "the sizes, rounded up", attained={}
            ),
        ),
        Step(
            "order, rough solutions",
            sp.Le(total, (common + 10 * W_0 * G_0 + 10) * linear),
            "The steps shrink like 1/N. N >= 1 >= eps.",
            by_relation(
                lambda: sp.Le(total, dominated(sizes.count("rough") + EVALUATIONS * u**3, u).subs(cube)),
                "coefficients: their sum times the highest powers",
            ),
        ),
        Step(
            "order, flat solutions",
            sp.Le(loop, (common + 5) * powers),
            "Beyond the pass at the start, where z* and v* are affine: the steps shrink like N^(-2/3).",
            by_relation(
                lambda: sp.Le(loop, dominated(sizes.count("flat"), u).subs(cube)),
                "coefficients: their sum times the highest powers",
            ),
        ),
    )


@cache
def saba() -> SabaTheorem:
    """SABA at constant steps, on finite sums at both levels."""
    sizes = SabaCount()
    counts: dict[str, Any] = {
        "inner_grad_z": b1, "inner_hvp_zz": b1, "inner_jvp_xz": b1, "outer_grad_z": b2, "outer_grad_x": b2,
    }  # fmt: skip
    order = sp.Function("O")
    n, m = sp.symbols("n m", positive=True)
    return SabaTheorem(
        name="saba",
        title="SABA: mean squared gradient of Psi on finite sums, without a floor",
        solver="saba",
        assumptions=_ASSUMPTIONS,
        source=_SOURCE,
        steps=(
            *one_step_inequalities(False),
            *memory_steps(),
            *merit_steps(),
            *linear_steps(),
            *(_named(choice_step(Certificate(False, kind), COUPLING), kind) for kind in KINDS),
            *_count_steps(sizes),
        ),
        symbols={
            str(s): s
            for s in (
                mu,
                L_zz,
                L_xz,
                L_Psi,
                k_z,
                k_v,
                m_zz,
                m_xz,
                m_xx,
                M_v,
                M_x,
                H,
                R_v,
                rho,
                gamma,
                c,
                N,
                K,
                W_0,
                eps,
            )
        },
        quoted=(
            Quoted(
                "rate",
                sp.Eq(sp.Symbol("mean of |grad Psi|^2"), order((n + m) ** sp.Rational(2, 3) / K)),
                "arXiv 2201.13409, abstract, the power recalled: derived here for affine z* and v*, else with N in "
                "its place",
            ),
        ),
        evaluations=counts,
        vocabulary=_VOCABULARY,
        sizes=sizes,
    )


def _named(step: Step, kind: str) -> Step:
    return Step(f"{step.name}, {kind} solutions", step.statement, step.justification, step.proof)
