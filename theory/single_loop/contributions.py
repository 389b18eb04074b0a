"""What the mean of an error after one step consists of, as identities in symbols that need not commute.

z+ = z - rho D_z with D_z = A (z - z*) + beta + n in the mean over the smoothing, x+ = x - gamma D_x, and
delta = z*(x+) - z*(x - gamma E D_x). The terms of mean zero, -rho n - (delta - E delta), are the noise. The other ones
are bounded one by one: a term that is left out leaves the identity unproved.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..proof.algebra import require_equal, triangle
from ..symbols import D, H_xz, H_zz, L_xz, M_v, M_x, R, a, b, gamma, k_v, k_z, m_xz, m_zz, mu, rho

__all__ = ["error_of_x", "mean_of_v", "mean_of_z", "moved_direction"]


def _letters(names: str) -> Any:
    return sp.symbols(names, commutative=False)


#: Terms of mean zero.
_noise, _delta, _mean_delta = _letters("n delta E_delta")


def _without_noise(error: Any) -> Any:
    """The error after the step less its terms of mean zero."""
    return sp.expand(error + rho * _noise + (_delta - _mean_delta))


@cache
def mean_of_z(bias: Any, moved: Any) -> Any:
    """Bound on |E[z+ - z*(x+)]|; ``bias`` bounds beta, ``moved`` the mean of delta."""
    z, star, ahead, A, beta = _letters("z z_star z_star_ahead A beta")
    after = z - rho * (A * (z - star) + beta + _noise) - (ahead + _delta)
    terms = [(1 - rho * A, z - star), (-rho, beta), (star - ahead,), (-1, _mean_delta)]
    norms = {1 - rho * A: 1 - rho * mu, z - star: a, beta: bias, star - ahead: k_z * gamma * D, _mean_delta: moved}
    return triangle(_without_noise(after), terms, norms)


@cache
def mean_of_v(bias: Any, moved: Any) -> Any:
    """Bound on |E[v+ - v*(x+)]|: E D_v = A v + F_z + beta, and A* v* + F_z* = 0."""
    v, star, ahead, A, beta = _letters("v v_star v_star_ahead A beta")
    A_, F, F_ = _letters("A_star F_z F_z_star")
    after = v - rho * (A * v + F + beta + _noise) - (ahead + _delta)
    terms = [
        (1 - rho * A, v - star), (-rho, A - A_, star), (-rho, F - F_), (-rho, beta), (star - ahead,), (-1, _mean_delta),
    ]  # fmt: skip
    norms = {
        1 - rho * A: 1 - rho * mu, v - star: b, A - A_: H_zz * a, star: R, F - F_: m_zz * a, beta: bias,
        star - ahead: k_v * gamma * D, _mean_delta: moved,
    }  # fmt: skip
    # The adjoint equation enters once: rho (A* v* + F_z*) is added to the error.
    total = triangle(sp.expand(_without_noise(after) + rho * (A_ * star + F_)), terms, norms)
    return _named(total, M_v, moved_direction("v"))


@cache
def error_of_x(bias: Any) -> Any:
    """Bound on |E D_x - grad Psi|, with E D_x = C v + F_x + beta and grad Psi = C* v* + F_x*."""
    v, star, C, C_, F, F_, beta = _letters("v v_star C C_star F_x F_x_star beta")
    terms = [(C, v - star), (C - C_, star), (F - F_,), (beta,)]
    norms = {C: L_xz, v - star: b, C - C_: H_xz * a, star: R, F - F_: m_xz * a, beta: bias}
    return _named(triangle(C * v + F + beta - (C_ * star + F_), terms, norms), M_x, moved_direction("x"))


def moved_direction(of: str) -> Any:
    """M_v or M_x: how far the error of z, per unit, moves the mean direction of v or of x at v*."""
    return {"v": H_zz * R + m_zz, "x": H_xz * R + m_xz}[of]


def _named(total: Any, name: Any, value: Any) -> Any:
    """The bound with its name for what the error of z costs."""
    total, scale = sp.expand(total), rho if name == M_v else sp.Integer(1)
    require_equal(total.coeff(a), scale * value)
    return total - sp.expand(scale * value * a) + scale * name * a
