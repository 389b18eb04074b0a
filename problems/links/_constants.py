"""Declared constants of the link families as expressions in their parameters.

Suprema of scalar functions are values at their stationary points, found by differentiation here and not copied
from the numerical code. This module imports sympy: load it inside functions only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sympy as sp

from .._base.symbols import norm

__all__ = [
    "logcosh_ripple",
    "logistic_bregman",
    "logistic_outer",
    "poisson_bregman",
    "quartic_cardano",
    "rastrigin",
    "rosenbrock",
    "xdep_curvature",
]

_u = sp.Symbol("u", real=True)
_HUBER = sp.sqrt(1 + _u**2) - 1
_SIGMOID = 1 / (1 + sp.exp(-_u))


def _size(f: Any, order: int, at: Any) -> Any:
    """|f^(order)| at a point."""
    return sp.simplify(sp.Abs(sp.diff(f, _u, order).subs(_u, at)))


def _huber_third() -> Any:
    return _size(_HUBER, 3, sp.Rational(1, 2))


def _sigmoid_second() -> Any:
    # (s')' vanishes at 0 and (s'')' = s'(1 - 6s') at s' = 1/6.
    return _size(_SIGMOID, 2, sp.log(2 + sp.sqrt(3)))


def _tanh_second() -> Any:
    return _size(sp.tanh(_u), 2, sp.atanh(1 / sp.sqrt(3)))


def logistic_bregman(names: Mapping[str, Any]) -> dict[str, Any]:
    """See :func:`zoba_bench.problems.links.linear.logistic_bregman`."""
    mu, w, p, M = names["mu"], names["weight"], names["p"], norm(names["M"])
    q = sp.Symbol("q", positive=True)
    # The bounds on the derivatives of 1/(q + mu), q = w s'(m), are attained at q = mu and q = 2 mu.
    once, twice = (q / (q + mu) ** 2).subs(q, mu), (q**2 / (q + mu) ** 3).subs(q, 2 * mu)
    return {
        "mu": mu,
        "L_zz": mu + w / 4,
        "L_xz": M * (mu + w / 4),
        "H_zz": w * _sigmoid_second(),
        "H_xz": 0,
        "H_zx": M**2 * w * _sigmoid_second(),
        "m_zz": 1,
        "m_xz": 0,
        "m_xx": 0,
        "C_z": sp.sqrt(p),
        "C_x": 0,
        "R": sp.sqrt(p) / mu,
        "k_z": M,
        "k_v": M * (1 / mu + once),
        "s_z": 0,
        "s_v": M**2 * (_huber_third() / mu + 2 * once + 2 * twice + once),
        "L_Psi": M**2,
    }


def logcosh_ripple(names: Mapping[str, Any]) -> dict[str, Any]:
    """See :func:`zoba_bench.problems.links.linear.logcosh_ripple`."""
    a, mu, p, M = names["weight"], names["mu"], names["p"], norm(names["M"])
    alpha, omega = names["alpha"], names["omega"]
    ripple = alpha * (1 - sp.cos(omega * _u))
    first = 1 + sp.diff(ripple, _u).subs(omega * _u, sp.pi / 2)
    second = _size(_HUBER, 2, 0) + sp.diff(ripple, _u, 2).subs(_u, 0)
    third = _huber_third() - sp.diff(ripple, _u, 3).subs(omega * _u, sp.pi / 2)
    turn, level = a * _tanh_second(), a + mu
    return {
        "mu": mu,
        "L_zz": level,
        "L_xz": M * level,
        "L_xx": M**2 * level,
        "H": turn * (1 + M**2) ** sp.Rational(3, 2),
        "H_zz": turn,
        "H_xz": turn * M,
        "H_zx": turn * M**2,
        "H_xx": turn * M**3,
        "m_zz": second,
        "m_xz": 0,
        "m_xx": 0,
        "C_z": sp.sqrt(p) * first,
        "C_x": 0,
        "R": sp.sqrt(p) * first / level,
        "k_z": M,
        "k_v": M * second / level,
        "s_z": 0,
        "s_v": M**2 * third / level,
        "L_Psi": M**2 * second,
    }


def _length(vector: Any) -> Any:
    return sp.sqrt(sum(entry**2 for entry in vector))


def _mixed_third(zzz: Any, zzx: Any, zxx: Any, xxx: Any) -> Any:
    """A bound on the third derivative from bounds on its blocks, by Cauchy-Schwarz."""
    return sp.sqrt(zzz**2 + 3 * zzx**2 + 3 * zxx**2 + xxx**2)


def xdep_curvature(names: Mapping[str, Any]) -> dict[str, Any]:
    """See :func:`zoba_bench.problems.xdep_link.xdep_curvature`."""
    rise, rho, p = names["rise"], names["rho"], names["p"]
    k, w, kappa = norm(names["M"]), norm(names["W"]), names["rise"] + 1
    # Suprema of the derivatives of a and of m, of order 1 to 3.
    a = [rise * w * _size(_SIGMOID, 1, 0), rise * w**2 * _sigmoid_second(), rise * w**3 * _size(_SIGMOID, 3, 0)]
    m = [rho * k, rho * k**2 * _tanh_second(), rho * k**3 * _size(sp.tanh(_u), 3, 0)]
    # 1/a = 1 - (rise/kappa) s(Wx + log kappa): its slope is largest at Wx = -log kappa.
    slope = sp.diff(1 / (1 + rise * _SIGMOID), _u)
    b1 = w * sp.simplify(sp.Abs(slope.subs(_u, -sp.log(kappa))))
    b2 = w**2 * rise / kappa * _sigmoid_second()
    far = sp.diff(_HUBER, _u).subs(_u, 2 * rho)
    constants = {
        "mu": 1,
        "L_zz": kappa,
        "H_zz": 0,
        "H_xz": a[0],
        "m_zz": 1,
        "m_xz": 0,
        "m_xx": 0,
        "C_z": sp.sqrt(p) * far,
        "C_x": 0,
        "R": sp.sqrt(p) * far,
        "k_z": m[0],
        "k_v": m[0] + b1 * far,
        "s_z": m[1],
        "s_v": _huber_third() * m[0] ** 2 + m[1] + 2 * m[0] * b1 + far * b2,
        "L_Psi": m[0] ** 2 + far * m[1],
    }
    if names["radius"] is None:
        return constants
    # D^k of a r^2/2 with r = z - m(x), from the bounds on a and on h = r^2/2 and its derivatives in x.
    r = sp.Float(names["radius"], 17) + rho
    h = [r**2 / 2, r * m[0], m[0] ** 2 + r * m[1], 3 * m[0] * m[1] + r * m[2]]
    H_zx = r * a[1] + 2 * a[0] * m[0] + kappa * m[1]
    H_xx = a[2] * h[0] + 3 * a[1] * h[1] + 3 * a[0] * h[2] + kappa * h[3]
    return constants | {
        "L_xz": r * a[0] + kappa * m[0],
        "L_xx": a[1] * h[0] + 2 * a[0] * h[1] + kappa * h[2],
        "H": _mixed_third(0, a[0], H_zx, H_xx),
        "H_zx": H_zx,
        "H_xx": H_xx,
    }


def quartic_cardano(names: Mapping[str, Any]) -> dict[str, Any]:
    """See :func:`zoba_bench.problems.links.curved.quartic_cardano`."""
    k, t = norm(names["M"]), names["t"]
    # As functions of the root c: d/dy = 1/(1+3c^2) d/dc, and v = (t-c)/(1+3c^2) is affine in t.
    c, s = sp.symbols("c s", real=True)
    first = 1 / (1 + 3 * c**2)
    second = first * sp.diff(first, c)
    third = [first * sp.diff(first * sp.diff(part * first, c), c) for part in (-c, sp.Integer(1))]
    top = sp.Abs(second.subs(c, 1 / sp.sqrt(15)))
    turn = sp.Abs(third[0].subs(c, sp.sqrt((1 - sp.sqrt(sp.Rational(55, 63))) / 2)))
    farthest = sp.Max(*(sp.Abs(a) for a in t))
    peaks = [(sp.Abs(a) + s).subs(s, sp.sqrt(a**2 + sp.Rational(1, 3))) / 2 for a in t]
    constants = {
        "mu": 1,
        "L_xz": k,
        "L_xx": 0,
        "H_xz": 0,
        "H_zx": 0,
        "H_xx": 0,
        "m_zz": 1,
        "m_xz": 0,
        "m_xx": 0,
        "C_x": 0,
        "R": _length(peaks),
        "k_z": k,
        "k_v": k * (1 + top * farthest),
        "s_z": k**2 * top,
        "s_v": k**2 * (turn + sp.Abs(third[1].subs(c, 0)) * farthest),
        "L_Psi": k**2 * (1 + top * farthest),
    }
    if names["radius"] is None:
        return constants
    radius = sp.Float(names["radius"], 17)
    phi = c**4 / 4 + c**2 / 2
    bent, turned = sp.diff(phi, c, 2).subs(c, radius), sp.diff(phi, c, 3).subs(c, radius)
    return constants | {"L_zz": bent, "H": turned, "H_zz": turned, "C_z": k * radius + _length(t)}


def poisson_bregman(names: Mapping[str, Any]) -> dict[str, Any]:
    """See :func:`zoba_bench.problems.links.curved.poisson_bregman`."""
    M, mu, w, t = names["M"], names["mu"], names["weight"], names["t"]
    k = norm(M)
    constants = {
        "mu": mu,
        "H_xz": 0,
        "m_zz": 1,
        "m_xz": 0,
        "m_xx": 0,
        "C_x": 0,
        "R_0": 0,
        "R_g": 1 / (mu * norm(M, lowest=True)),
        "k_z": k,
        "s_z": 0,
        "L_Psi": k**2,
    }
    if names["radius"] is None:
        return constants
    radius = sp.Float(names["radius"], 17)
    rows = sp.Max(*(_length(M.row(i)) for i in range(M.rows)))
    far = rows * radius + sp.Max(*(sp.Abs(a) for a in t))
    top, C_z = sp.exp(rows * radius), k * radius + _length(t)
    H_zx, H_xx = k**2 * w * top, k**3 * w * top * radius
    # The slope of 1/(w e^y + mu) is largest at w e^y = mu, its curvature at w e^y = mu (2 + sqrt 3).
    b = 1 / (w * sp.exp(_u) + mu)
    b1 = sp.Abs(sp.diff(b, _u).subs(_u, sp.log(mu / w)))
    b2 = sp.Abs(sp.diff(b, _u, 2).subs(_u, sp.log((2 + sp.sqrt(3)) * mu / w)))
    return constants | {
        "L_zz": mu + w * sp.exp(radius),
        "L_xz": k * (mu + w * top),
        "L_xx": k**2 * (mu + w * radius * top),
        "H": _mixed_third(w * sp.exp(radius), 0, H_zx, H_xx),
        "H_zz": w * sp.exp(radius),
        "H_zx": H_zx,
        "H_xx": H_xx,
        "C_z": C_z,
        "R": C_z / (mu + w / top),
        "k_v": k * (1 / mu + far * b1),
        "s_v": k**2 * (2 * b1 + far * b2),
    }


def _quadratic(names: Mapping[str, Any]) -> dict[str, Any]:
    """Of G = (z-Mx)'A(z-Mx)/2, and what holds for every F without x."""
    A, M = names["A"], names["M"]
    return {
        "mu": names["mu"],
        "L_zz": norm(A),
        "L_xz": norm(M.T * A),
        "L_xx": norm(M.T * A * M),
        **dict.fromkeys(("H", "H_zz", "H_xz", "H_zx", "H_xx", "s_z"), 0),
        "k_z": norm(M),
    }


def _planted(names: Mapping[str, Any], second: Any, third: Any) -> dict[str, Any]:
    k, mu = norm(names["M"]), names["mu"]
    return _quadratic(names) | {
        "m_zz": second,
        "m_xz": 0,
        "m_xx": 0,
        "C_x": 0,
        "R_0": 0,
        "R_g": 1 / mu,
        "k_v": k * second / mu,
        "s_v": k**2 * third / mu,
        "L_Psi": k**2 * second,
    }


def rastrigin(names: Mapping[str, Any]) -> dict[str, Any]:
    """See :func:`zoba_bench.problems.links.classic_outer.rastrigin`; M is orthogonal."""
    a, p = names["a"], names["p"]
    wave = a * (1 - sp.cos(2 * sp.pi * _u))
    first, second = sp.diff(wave, _u).subs(_u, sp.Rational(1, 4)), sp.diff(wave, _u, 2).subs(_u, 0)
    constants = _planted(names, 1 + second, -sp.diff(wave, _u, 3).subs(_u, sp.Rational(1, 4)))
    if names["radius"] is None:
        return constants
    C_z = sp.Float(names["radius"], 17) + _length(names["xopt"]) + sp.sqrt(p) * first
    return constants | {"C_z": C_z, "R": C_z / names["mu"]}


def logistic_outer(names: Mapping[str, Any]) -> dict[str, Any]:
    """See :func:`zoba_bench.problems.links.classic_outer.logistic_outer`; M is orthogonal."""
    c, p = names.get("c", 1), names["p"]
    constants = _planted(names, c * _size(_SIGMOID, 1, 0), c * _sigmoid_second())
    return constants | {"C_z": c * sp.sqrt(p), "R": c * sp.sqrt(p) / names["mu"]}


def rosenbrock(
    names: Mapping[str, Any], outer: Any, z: Sequence[Any], x: Sequence[Any], radius: float | None
) -> dict[str, Any]:
    """See :func:`zoba_bench.problems.rosenbrock.rosenbrock`; from the first pair of coordinates of F."""
    constants = _quadratic(names) | {"m_xx": sp.diff(outer, x[1], 2)}
    if radius is None:
        return constants
    r, mu = sp.Float(radius, 17), names["mu"]
    corner = {z[0]: r, x[1]: -r}
    m_zz, m_xz = sp.diff(outer, z[0], 2).subs(corner), -sp.diff(outer, z[0], x[1]).subs(corner)
    # Of F_z = 400 z^3 - 400 z x + 2 z - 2, a sum of four vectors with bounds on their lengths.
    slope = sp.Poly(sp.diff(outer, z[0]), z[0], x[1])
    lengths = {(3, 0): r**3, (1, 1): r**2 / 2, (1, 0): r, (0, 0): sp.sqrt(len(z) - 1)}
    C_z = sum(abs(slope.coeff_monomial(powers)) * length for powers, length in lengths.items())
    # Twice along (1, 0) and along (1, 1)/sqrt 2, F_z(x, x) bends by its z-part and its mixed part.
    turn = sp.diff(outer, z[0], 3).subs(corner) - sp.diff(outer, z[0], 2, x[1])
    L_Psi = m_zz + constants["m_xx"] + m_xz
    return constants | {
        "m_zz": m_zz,
        "m_xz": m_xz,
        "C_z": C_z,
        "C_x": sp.diff(outer, x[1]).coeff(x[1]) * (r + r**2),
        "R": C_z / mu,
        "k_v": (m_zz + m_xz) / mu,
        "s_v": turn / mu,
        "L_Psi": L_Psi,
    }
