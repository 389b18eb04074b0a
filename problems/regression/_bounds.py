"""Constants of the regression families that do not separate: proved bounds on |x| <= radius."""

from __future__ import annotations

import math

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem import Constants

from .._base.scalars import SIGMOID_SECOND, sigmoid
from .._base.separable import cubic_norm

__all__ = ["cleaning_constants", "scalar_constants"]


_CELLS = 20_000
# max sqrt(s) (1-s), at s = 1/3; max s^(3/2) (1-s), at s = 3/5; max |s'''|.
_ROOT_FIRST = 2 / (3 * 3**0.5)
_ROOT_SECOND = 0.6**1.5 * 0.4
_SIGMOID_THIRD = 0.125


def scalar_constants(spectrum: Array, slope: Array, outer: Array, planted: float, radius: float) -> Constants:
    """Ridge regression with one penalty; everything in the eigenvectors of S = A'A/n.

    G: e^x |z|^2/2 has the third derivatives zzx: e^x, zxx: e^x z, xxx: e^x |z|^2/2, and by |z'a| <= |z| |a| the norm
    is that of two variables. z*, v* and Psi are functions of one variable. With r = e^x/(s+e^x), z = g/(s+e^x) and
    k = 1/(s+e^x) both have the derivatives -r, (2r-1)r and -(6r^2-6r+1)r times themselves, each factor at most 1 in
    absolute value; products are differentiated by Leibniz. A function's supremum is at most its maximum on a grid
    plus half a cell times a bound on its slope, which these factors give.
    """
    low, high = math.exp(-radius), math.exp(radius)
    mu = float(spectrum[0]) + low
    x = np.linspace(-radius, radius, _CELLS + 1)[:, None]
    e = np.exp(x)
    r = e / (spectrum + e)
    first, second = -r, r * (2 * r - 1)
    z = slope / (spectrum + e)
    gap = slope / (spectrum + math.exp(planted)) * (-math.exp(planted) * np.expm1(x - planted) / (spectrum + e))
    z1, z2, k = first * z, second * z, 1 / (spectrum + e)
    pull, pull1, pull2 = gap @ outer, z1 @ outer, z2 @ outer
    v, v1 = k * pull, k * (first * pull + pull1)
    v2 = k * (second * pull + 2 * first * pull1 + pull2)
    of_psi = np.vecdot(z1, pull1) + np.vecdot(gap, pull2)
    # Each coordinate of z and of z - t is monotone in x.
    Z = float(np.linalg.norm(z[0]))
    W = float(np.linalg.norm(np.maximum(np.abs(gap[0]), np.abs(gap[-1]))))
    m = float(np.linalg.norm(outer, 2))
    z_max = max(radius, Z)

    def supremum(values: Array, slope_bound: float) -> float:
        sizes = np.abs(values) if values.ndim == 1 else np.linalg.norm(values, axis=-1)
        return float(sizes.max()) + radius / _CELLS * slope_bound

    return Constants(
        mu=mu,
        L_zz=float(spectrum[-1]) + high,
        L_xz=high * z_max,
        L_xx=high * z_max**2 / 2,
        H=cubic_norm(0.0, high, high * z_max, high * z_max**2 / 2),
        H_zz=0.0,
        H_xz=high,
        H_zx=high * z_max,
        H_xx=high * z_max**2 / 2,
        m_zz=m,
        m_xz=0.0,
        m_xx=0.0,
        C_z=supremum(pull, m * Z),
        C_x=0.0,
        R=supremum(v, m / mu * (W + Z)),
        k_z=supremum(z1, Z),
        k_v=supremum(v1, m / mu * (W + 3 * Z)),
        s_z=supremum(z2, Z),
        s_v=supremum(v2, m / mu * (W + 7 * Z)),
        L_Psi=supremum(of_psi, m * (3 * Z**2 + W * Z)),
        radius=radius,
    )


def cleaning_constants(
    A: Array, b: Array, r: Array, t: float, outer: Array, weights: Array, mu: float, radius: float
) -> Constants:
    """Data cleaning; A and b are divided by sqrt d, r = b - At, ``t`` is |t|, ``weights`` are s(x_o).

    With s in [low, high] on |x| <= radius, S = diag s, C = I - S, B = S^(1/2) A, K = B'B + mu I, P = B K^-1 B':
    0 <= P <= theta I, K >= K_low = low A'A + mu I and F_zz <= kappa K. Norms |.|_K are (y'Ky)^(1/2).

    e = z* - t solves K e = A'(s - s_o) r, hence |e|_K <= sqrt(theta) |(s - s_o)/sqrt(s) r|; the residual is
    q = S^(1/2) (Az* - b) = Be - S^(1/2) r. As s' = s(1-s) and s'' = s'(1-2s), with U = diag u:
      K Dz u = -B'CU q,           K D2z uu = B'[CU(2P-I)CU + CSU^2] q,
      K Dv u = -B'CU Bv - F_zz Dz u,
      K D2v uu = B'[CU(2P-I)CU + CSU^2] Bv + 2 B'CU BK^-1 F_zz Dz u - F_zz D2z uu,
      Psi'' uu = Dz u'F_zz Dz u - (Bv)'[CU(2P-I)CU + CSU^2] q,
    where |2P-I| <= 1, |K^-1/2 B'|^2 <= theta, |Cq| and |CSq| are bounded entry by entry and C <= (1-low) I.

    G: each term s(x_j) (a_j'z - b_j)^2/2 is a function of the two directions a_j/|A| and e_j, with the entries zzx:
    s'|A|^2, zxx: s'' w |A|, xxx: s''' w^2/2 for the residual w. Its form is at most a norm times the cube of the
    components of (a, c) along them, and sum ((a_j'a/|A|)^2 + c_j^2) <= 1: that of the sum is the largest at most.
    """
    low, high = (float(sigmoid(np.array(end))) for end in (-radius, radius))
    spectrum = np.linalg.eigvalsh(A.T @ A)
    lowest = low * A.T @ A + mu * np.eye(A.shape[1])
    theta = high * float(spectrum[-1]) / (high * float(spectrum[-1]) + mu)
    root = math.sqrt(theta)
    plain = 1 / math.sqrt(mu + low * max(0.0, float(spectrum[0])))  # |y| <= plain |y|_K
    factor = np.linalg.cholesky(lowest)
    half = np.linalg.solve(factor, np.linalg.solve(factor, outer).T)
    kappa = float(np.linalg.eigvalsh((half + half.T) / 2)[-1])
    m = float(np.linalg.norm(outer, 2))
    # |(By)_j| <= reach_j |y|_K.
    reach = np.minimum(root, math.sqrt(high) * np.linalg.norm(np.linalg.solve(factor, A.T), axis=0))

    change = np.maximum(np.abs(low - weights) / math.sqrt(low), np.abs(high - weights) / math.sqrt(high))
    e = root * float(np.linalg.norm(change * r))
    of_e = np.minimum(root * e, reach * e)
    c = 1 - low
    q = float((c * of_e + _ROOT_FIRST * np.abs(r)).max())
    q_second = float((of_e / 4 + _ROOT_SECOND * np.abs(r)).max())
    v = kappa * e
    of_v = float(reach.max()) * v
    z1, z2 = root * q, root * (c * q + q_second)
    v1 = root * c * of_v + kappa * z1
    v2 = root * (c**2 + 0.25) * of_v + 2 * theta * c * kappa * z1 + kappa * z2

    z_max = max(radius, t + plain * e)
    lengths, norm = np.linalg.norm(A, axis=1), math.sqrt(max(0.0, float(spectrum[-1])))
    misfit = lengths * z_max + np.abs(b)
    thirds = [
        cubic_norm(0.0, norm**2 / 4, SIGMOID_SECOND * norm * w, _SIGMOID_THIRD * w**2 / 2) for w in misfit.tolist()
    ]
    return Constants(
        mu=mu,
        L_zz=high * float(spectrum[-1]) + mu,
        L_xz=float(np.linalg.norm(misfit[:, None] * A, 2)) / 4,
        L_xx=SIGMOID_SECOND * float(misfit.max()) ** 2 / 2,
        H=max(thirds),
        H_zz=0.0,
        H_xz=float(lengths.max()) * norm / 4,
        H_zx=SIGMOID_SECOND * float((misfit * lengths).max()),
        H_xx=_SIGMOID_THIRD * float(misfit.max()) ** 2 / 2,
        m_zz=m,
        m_xz=0.0,
        m_xx=0.0,
        C_z=min(m * plain, math.sqrt(m * kappa)) * e,
        C_x=0.0,
        R=plain * v,
        k_z=plain * z1,
        k_v=plain * v1,
        s_z=plain * z2,
        s_v=plain * v2,
        L_Psi=kappa * z1**2 + of_v * (c * q + q_second),
        radius=radius,
    )
