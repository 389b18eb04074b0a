"""What the theorems of the single loop assume, where they come from, and the published rate beside them."""

from __future__ import annotations

from typing import Any

import sympy as sp

from .. import symbols as names
from ..proof.theorem import Assumption
from ..symbols import (
    CONSTANTS,
    R_0,
    SIGMA,
    THIRD,
    W_0,
    C_x,
    C_z,
    L_Psi,
    L_xx,
    L_xz,
    L_zz,
    M_v,
    M_x,
    R,
    R_g,
    R_v,
    b1,
    b2,
    c,
    d,
    eps,
    gamma,
    h_bar,
    k_v,
    k_z,
    l1,
    l2,
    m_xx,
    m_xz,
    m_zz,
    mu,
    p,
    rho,
    s_v,
    s_z,
)

__all__ = ["ASSUMPTIONS", "PUBLISHED", "PUBLISHED_SOURCE", "SOURCE", "VOCABULARY", "public_symbols"]

ASSUMPTIONS = (
    Assumption(
        "A1: G(., x) is mu-strongly convex with |G_zz| <= L_zz, |G_xz| <= L_xz, |G_xx| <= L_xx",
        mu, L_zz, L_xz, L_xx,
    ),
    Assumption(
        "A2: the blocks of the Hessian of G have Lipschitz constants H_zz, H_xz, H_zx, H_xx (zero for quadratic G)",
        *THIRD,
    ),
    Assumption(
        "A3: the blocks of the Hessian of F are bounded by m_zz, m_xz, m_xx; |v*| <= R; |F_z(z*(x), x)| <= C_z and "
        "|F_x| <= C_x, for which the bound (not the plan) can do with |F_z| <= L_zz |v*| and "
        "|F_x| <= |grad Psi| + L_xz |v*| + m_xz |z - z*|; for quadratic G also |v*| <= R_0 + R_g |grad Psi|",
        m_zz, m_xz, m_xx, R, C_z, C_x, R_0, R_g, M_v, M_x,
    ),
    Assumption(
        "A4: z* and v* have Lipschitz constants k_z and k_v (their Jacobians s_z and s_v, where known), grad Psi has "
        "L_Psi",
        k_z, k_v, s_z, s_v, L_Psi,
    ),
    Assumption(
        "A5: Psi is bounded below; Gaussian directions independent of the past and of the samples; constant steps, "
        "or steps like 1/sqrt(k + 1) at a constant gamma/rho where it is said so, rho <= 2/(mu + L_zz); values are "
        "exact, or means over samples with spreads sigma for which the bounds of A1 to A3 hold one by one, all values "
        "of one difference being of one sample",
        W_0, rho, gamma, c, l1, l2, b1, b2, *SIGMA,
    ),
    Assumption(
        "A6: a step along v is h_bar / max(1, |v|), or v is projected onto the ball of radius R_v >= R, where G is "
        "curved",
        h_bar, R_v,
    ),
    Assumption(
        "A7: an order in p, d and 1/eps speaks of problems whose constants in A1 to A5 and W_0 do not grow with these",
        eps,
    ),
)  # fmt: skip
#: What means nothing without an assumption: constants of the problem, steps, directions, samples, accuracy.
VOCABULARY = frozenset(
    (
        *CONSTANTS, *THIRD, *SIGMA, R_0, R_g, s_z, s_v, M_v, M_x, W_0, rho, gamma, c, l1, l2, b1, b2, h_bar, R_v, eps,
    )
)  # fmt: skip
SOURCE = (
    "Algorithm: arXiv 2601.21836 (abstract) and its authors' public code. The derivation is this "
    "project's own; the paper's text was not available."
)
#: Quoted, and only compared with: O(p (d + p)^2 / eps^2).
PUBLISHED = p * (d + p) ** 2 / eps**2
PUBLISHED_SOURCE = "arXiv 2601.21836, abstract"


def public_symbols() -> dict[str, Any]:
    """Public symbols by their own names."""
    return {str(value): value for value in vars(names).values() if isinstance(value, sp.Symbol)}
