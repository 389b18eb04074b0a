"""What the mean of an error after one step consists of, as identities in symbols that need not commute.

z+ = z - rho D_z with D_z = A (z - z*) + beta + n in the mean over the smoothing, x+ = x - gamma D_x, and
delta = z*(x+) - z*(x - gamma E D_x). The terms of mean zero, -rho n - (delta - E delta), are the noise. The other ones
are bounded one by one: a term that is left out leaves the identity unproved.

``error_of_y`` and ``noise_of_y`` are about the virtual iterate y = x - (gamma/rho) K (v - v*(x)) with K = C A^-1, where
A = G_zz and C = K A are constant.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ..proof.algebra import require_equal, triangle
from ..symbols import D, H_xz, H_zz, L_xz, M_v, M_x, R, a, b, gamma, k_v, k_z, m_xz, m_zz, mu, rho

__all__ = ["error_of_x", "error_of_y", "mean_of_v", "mean_of_z", "moved_direction", "noise_of_y"]


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


#: K = C A^-1, and the noises of D_x and D_v.
_K, _noise_x, _noise_v = _letters("K n_x n_v")


def _noises_of_y() -> tuple[Any, Any]:
    """What has mean zero in (y - y+)/gamma: by the noise of D_x, which moves v*(x+) too, and by that of D_v."""
    return sp.expand(_noise_x - _K * (_delta - _mean_delta) / rho), -_K * _noise_v


@cache
def error_of_y(bias_v: Any, bias_x: Any, moved: Any) -> Any:
    """Bound on |E[y - y+]/gamma - grad Psi(x)|, by the definition of y before and after the step."""
    x, v, star, ahead, A, F, F_star, f, f_star, beta_v, beta_x = _letters(
        "x v v_star v_star_ahead A F_x F_x_star F_z F_z_star beta_v beta_x"
    )

    def virtual(x: Any, v: Any, star: Any) -> Any:
        return x - gamma / rho * _K * (v - star)

    D_x, D_v = _K * A * v + F + beta_x + _noise_x, A * v + f + beta_v + _noise_v
    after = virtual(x - gamma * D_x, v - rho * D_v, ahead + _delta)
    direction = sp.expand((virtual(x, v, star) - after) / gamma) - sp.Add(*_noises_of_y())
    terms = [
        (F - F_star,), (beta_x,), (-1, _K, f - f_star), (-1, _K, beta_v), (-1 / rho, _K, ahead - star),
        (-1 / rho, _K, _mean_delta),
    ]  # fmt: skip
    norms = {
        F - F_star: m_xz * a, beta_x: bias_x, _K: k_z, f - f_star: m_zz * a, beta_v: bias_v,
        ahead - star: k_v * gamma * D, _mean_delta: moved,
    }  # fmt: skip
    # The adjoint equation A v* + F_z* = 0 enters once, times K.
    gradient = _K * A * star + F_star
    total = sp.expand(triangle(sp.expand(direction - gradient + _K * (A * star + f_star)), terms, norms))
    quadratic = {H_zz: 0, H_xz: 0}
    require_equal(total.coeff(a), (moved_direction("x") + k_z * moved_direction("v")).subs(quadratic))
    return total - sp.expand(total.coeff(a) * a) + (M_x + k_z * M_v) * a


@cache
def noise_of_y(of_x: Any, of_v: Any) -> tuple[Any, Any]:
    """Bounds on the roots of the mean squares of both noises of y+, from the root variances of D_x and D_v."""
    by_x, by_v = _noises_of_y()
    moved = _delta - _mean_delta
    norms = {_noise_x: of_x, _noise_v: of_v, _K: k_z, moved: k_v * gamma * of_x}
    found = triangle(by_x, [(_noise_x,), (-1 / rho, _K, moved)], norms), triangle(by_v, [(-1, _K, _noise_v)], norms)
    return gamma * found[0], gamma * found[1]


def moved_direction(of: str) -> Any:
    """M_v or M_x: how far the error of z, per unit, moves the mean direction of v or of x at v*."""
    return {"v": H_zz * R + m_zz, "x": H_xz * R + m_xz}[of]


def _named(total: Any, name: Any, value: Any) -> Any:
    """The bound with its name for what the error of z costs."""
    total, scale = sp.expand(total), rho if name == M_v else sp.Integer(1)
    require_equal(total.coeff(a), scale * value)
    return total - sp.expand(scale * value * a) + scale * name * a
