"""Bounds of the regression families that no point attains, in symbols: their arguments once more, for p <= 2.

This module imports sympy: load it inside functions only.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from .._base.symbols import norm, top_eigenvalue

__all__ = ["cleaning_bounds", "growth", "length", "penalty_bounds"]


def length(entries: Any) -> Any:
    """The Euclidean norm."""
    return sp.sqrt(sum(e**2 for e in entries))


def growth(first: Any, second: Any, third: Any, reach: Any) -> dict[str, Any]:
    """Constants of w(x) (z-c)^2/2 for |z-c| <= reach and |w'|, |w''|, |w'''| up to the given bounds."""
    return {
        "L_xz": first * reach,
        "L_xx": second * reach**2 / 2,
        "H_xz": first,
        "H_zx": second * reach,
        "H_xx": third * reach**2 / 2,
    }


# Left as they are: sympy would look for an order of the arguments, which takes long and finds none.
def _most(*entries: Any) -> Any:
    return sp.Max(*entries, evaluate=False) if len(entries) > 1 else entries[0]


def _least(*entries: Any) -> Any:
    return sp.Min(*entries, evaluate=False)


def _whitening(matrix: Any) -> Any:
    """W with W K W' = I for a positive definite K of one or two rows: |y'K^-1 y| = |W y|^2."""
    first = sp.sqrt(matrix[0, 0])
    if matrix.rows == 1:
        return sp.Matrix([[1 / first]])
    second = sp.sqrt(matrix.det() / matrix[0, 0])
    return sp.Matrix([[1 / first, 0], [-matrix[0, 1] / (matrix[0, 0] * second), 1 / second]])


def _curved(plain: Any, kappa: Any, turn: Any, z: tuple[Any, Any], v: tuple[Any, Any]) -> dict[str, Any]:
    """Slopes and bends of z* and v* from energies |y|_K = (y'Ky)^(1/2) >= |y|/plain, where F_zz <= kappa K.

    z bounds |Dz*|_K and |D2z*|_K, v what Dv* and D2v* would be if F_z stood still. From K v* = -F_z
      K Dv = -(DK)v - F_zz Dz,   K D2v = -(D2K)v - 2(DK)Dv - F_zz D2z,
    where F_zz y is at most kappa |y|_K in the norm of K^-1, and |DK y| at most turn |y|_K there.
    """
    slope = v[0] + kappa * z[0]
    bend = v[1] + 2 * turn * kappa * z[0] + kappa * z[1]
    return {"k_z": plain * z[0], "s_z": plain * z[1], "k_v": plain * slope, "s_v": plain * bend}


def cleaning_bounds(
    a: Any, misfit: Any, target: Any, fit: Any, planted: list[Any], penalty: Any, radius: Any
) -> dict[str, Any]:
    """Data cleaning: G = sum s(x_j) (a_j'z - b_j)^2/2 + mu |z|^2/2 with weights in [low, high] on |x| <= radius.

    ``misfit`` is b - At at the target t = z*(x_o), ``planted`` are the weights s(x_o), ``fit`` is F_zz. The energy
    is that of K = sum s_j a_j a_j' + mu I, at least K_low, that of the lowest weights. With e = z* - t:
      K e = sum (s_j - s_oj) misfit_j a_j, a vector of the length |(s - s_o) misfit/sqrt(s)| under a map B' of
      |B|_K^2 <= theta = high |A|^2/(high |A|^2 + mu), where B = (sqrt(s_j) a_j');
      residuals sqrt(s_j) (a_j'z* - b_j) are (Be)_j - sqrt(s_j) misfit_j, with |(Be)_j| <= reach_j |e|_K;
      s_j turns with s(1-s), a share 1-s of it, and bends with s(1-s)(1-2s), a share of (1-s)^2 + s(1-s) of it.
    """
    rows = range(a.rows)
    low, high = 1 / (1 + sp.exp(radius)), 1 / (1 + sp.exp(-radius))
    data = a.T * a
    steep = top_eigenvalue(data)
    flat = sp.Integer(0) if a.rows < a.cols else (steep if a.cols == 1 else data.det() / steep)
    theta = high * steep / (high * steep + penalty)
    plain = 1 / sp.sqrt(penalty + low * flat)
    W = _whitening(low * data + penalty * sp.eye(a.cols))
    kappa = top_eigenvalue(W * fit * W.T)
    reach = [_least(sp.sqrt(theta), sp.sqrt(high) * length(W * a.row(j).T)) for j in rows]
    share = 1 - low

    # (s - s_o)/sqrt(s) increases in s.
    change = [_most((planted[j] - low) / sp.sqrt(low), (high - planted[j]) / sp.sqrt(high)) for j in rows]
    apart = sp.sqrt(theta) * length(change[j] * misfit[j] for j in rows)
    off = [reach[j] * apart for j in rows]
    # sqrt(s) (1-s) is largest at s = 1/3, and sqrt(s) s(1-s) at 3/5; s(1-s) is at most 1/4.
    s = sp.Symbol("s", positive=True)
    at_third = (sp.sqrt(s) * (1 - s)).subs(s, sp.Rational(1, 3))
    at_fifths = (sp.sqrt(s) * s * (1 - s)).subs(s, sp.Rational(3, 5))
    turned = _most(*(share * off[j] + at_third * sp.Abs(misfit[j]) for j in rows))
    bent = _most(*(off[j] / 4 + at_fifths * sp.Abs(misfit[j]) for j in rows))
    adjoint = kappa * apart
    seen = _most(*reach) * adjoint  # |(Bv)_j|
    z = (sp.sqrt(theta) * turned, sp.sqrt(theta) * (share * turned + bent))
    v = (sp.sqrt(theta) * share * seen, sp.sqrt(theta) * (share**2 + sp.Rational(1, 4)) * seen)

    size = _most(radius, length(target) + plain * apart)
    labels = a * target + misfit
    left = [length(a.row(j)) * size + sp.Abs(labels[j]) for j in rows]
    second = 1 / (6 * sp.sqrt(3))  # |s''|, at s = 1/2 +- 1/sqrt 12; |s'| <= 1/4, |s'''| <= 1/8
    widest = _most(*left)
    bounds = {
        "L_zz": high * steep + penalty,
        "L_xx": second * widest**2 / 2,
        "H_xz": _most(*(length(a.row(j)) for j in rows)) * sp.sqrt(steep) / 4,
        "H_zx": second * _most(*(left[j] * length(a.row(j)) for j in rows)),
        "H_xx": widest**2 / 16,
        # |F_z|, from |fit e| <= |fit||e| or from fit^(1/2).
        "C_z": _least(norm(fit) * plain, sp.sqrt(norm(fit) * kappa)) * apart,
        "R": plain * adjoint,
        # Psi'' = Dz'F_zz Dz less (Bv)'(...)q.
        "L_Psi": kappa * z[0] ** 2 + seen * (share * turned + bent),
        **_curved(plain, kappa, theta * share, z, v),
    }
    if min(a.shape) <= 2:
        bounds["L_xz"] = norm(sp.diag(*left) * a) / 4
    return bounds


def penalty_bounds(
    gram: Any, slope: Any, fit: Any, outer_slope: Any, lowest: Any, radius: Any, sampled: bool
) -> dict[str, Any]:
    """Ridge regression: G = z'Sz/2 - g'z + sum e^x_j z_j^2/2, F = z'Pz/2 - f'z, on |x| <= radius.

    The energy is that of K = S + E, E = diag(e^x), at least that of K_low = S + e^-radius I.
      |z*|_K = |g|_(K^-1); z*'Sz* + z*'Ez* = g'z* <= |S^-1/2 g||S^1/2 z*| gives |E^1/2 z*| <= |S^-1/2 g|/2;
      F_z = P^1/2 (P^1/2 z* - P^-1/2 f), and as Kz* = g also (P-S) z* - E z* + g - f;
      DK = EU is at most theta = top/(top + lowest) of K, and D2K = EU^2 turns and bends alike: |2P-I| <= 1 there.
    """
    top, low = sp.exp(radius), sp.exp(-radius)
    mu = lowest + low
    theta, plain = top / (top + lowest), 1 / sp.sqrt(mu)
    W = _whitening(gram + low * sp.eye(gram.rows))
    kappa = top_eigenvalue(W * fit * W.T)
    energy, half = length(W * slope), length(_whitening(gram) * slope) / 2
    apart, shift = fit - gram, slope - outer_slope
    size = _least(sp.sqrt(top) * half, length(slope) / mu, plain * energy)
    weighted = _least(sp.sqrt(theta) * energy, half)
    residual = sp.sqrt(kappa) * energy + length(_whitening(fit) * outer_slope)
    steep = _least(sp.sqrt(norm(fit)) * residual, norm(apart) * size + sp.sqrt(top) * weighted + length(shift))
    adjoint = _least(
        plain * steep,
        sp.sqrt(kappa) * residual,
        norm(W * apart * W.T) * energy + sp.sqrt(theta) * weighted + length(W * shift),
    )
    weighted_adjoint = sp.sqrt(theta) * adjoint
    moved, dragged = sp.sqrt(theta) * weighted, sp.sqrt(theta) * weighted_adjoint
    bounds = {
        "mu": mu,
        **growth(top, top, top, _most(radius, size)),
        "R": plain * adjoint,
        "L_Psi": kappa * moved**2 + weighted_adjoint * weighted,
        **_curved(plain, kappa, theta, (moved, moved), (dragged, dragged)),
    }
    if not sampled:  # with samples these bound every single one
        bounds.update(L_zz=norm(gram) + top, m_zz=norm(fit), C_z=steep)
    return bounds
