"""The symbols of the derivations, in one place because sympy merges equal names silently.

A symbol carries its sign: what is declared positive or non-negative here decides every proof by
coefficients. Symbols of one method alone stand in that method's file.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sympy as sp

__all__ = ["BLOCK_BOUNDS", "CONSTANTS", "by_name"]


def _positive(names: str) -> Any:
    return sp.symbols(names, positive=True)


def _nonnegative(names: str) -> Any:
    return sp.symbols(names, nonnegative=True)


#: Dimensions of the inner and the outer variable.
p, d = _positive("p d")
#: Inner radius, outer radius, step along v, and the ratio h/eta.
h, eta, h_bar, ratio = _positive("h eta h_bar r")
#: Directions a sample, and samples, of the inner and of the outer level.
l1, l2, b1, b2 = _positive("l1 l2 b1 b2")
#: Steps of z and v, and of x; their ratio c = gamma / rho; iterations; accuracy.
rho, gamma, c, K, eps = _positive("rho gamma c K eps")
#: Constants of the problem.
mu, L_zz, L_xz, L_xx, L_Psi = _positive("mu L_zz L_xz L_xx L_Psi")
m_zz, m_xz, m_xx, C_z, C_x, R, k_z, k_v, s_z, s_v = _nonnegative("m_zz m_xz m_xx C_z C_x R k_z k_v s_z s_v")
#: Lipschitz constants of the blocks of the Hessian of G: of G_zz and G_xz in z, of G_xz and G_xx in x.
H_zz, H_xz, H_zx, H_xx = THIRD = _nonnegative("H_zz H_xz H_zx H_xx")
#: |v*| <= R_0 + R_g |grad Psi|, where v* has no bound.
R_0, R_g = _nonnegative("R_0 R_g")
#: Radius of the ball onto which v is projected.
R_v = _positive("R_v")
#: Root mean squares of what one sample adds to G_z, G_zz, G_xz, F_z and F_x.
sigma_gz, sigma_zz, sigma_xz, sigma_fz, sigma_fx = SIGMA = _nonnegative("sigma_gz sigma_zz sigma_xz sigma_fz sigma_fx")
#: What |z - z*| costs in the mean directions of v and of x: m + H R.
M_v, M_x = _nonnegative("M_v M_x")
#: Errors |z - z*|, |v - v*|; norms of grad Psi and of the mean direction D of x.
a, b, g, D = _nonnegative("a b g D")
#: Norm of the mean direction of the virtual iterate.
E = _nonnegative("E")
#: Weights of the Lyapunov function.
w_a, w_b = _positive("w_a w_b")
#: A free number in the bound of -<grad Psi, D> = -(1 + 2 o) <grad Psi, D> + 2 o <grad Psi, D>: the first part is
#: (1/2 + o) (|D - grad Psi|^2 - g^2 - D^2) by polarisation, the second at most 2 o g D by Cauchy-Schwarz.
o = _nonnegative("o")
#: The same for the virtual iterate.
o_y = _nonnegative("o_y")
#: Lyapunov function at the start, and its three parts: Psi(x_0) - inf Psi, |z_0 - z*(x_0)| and |v_0 - v*(x_0)|.
W_0, gap, a_0, b_0 = _nonnegative("W_0 gap a_0 b_0")
#: Weights of Young's inequality: of |v| <= R + b, of the remainders of F, of the inner beside the
#: outer surrogate, and of the noise of (z, v) beside that of x.
y_v, y_f, y_s, y_n = YOUNG = _positive("y_v y_f y_s y_n")
#: Shares of the terms in |D - grad Psi| (of a, b, the bias), in the inequality of z (of the bias, D,
#: and the noise in the motion of z*) and in that of v (of a, the bias, D and the noise in the motion
#: of v*); only their ratios matter.
u_xa, u_xb, u_xe, u_ze, u_zD, u_zm, u_va, u_ve, u_vD, u_vm = SHARES = _positive(
    "u_xa u_xb u_xe u_ze u_zD u_zm u_va u_ve u_vD u_vm"
)

#: Symbols that carry a field of ``zoba_bench.problem.Constants`` with the same name.
CONSTANTS: tuple[Any, ...] = (
    mu, L_zz, L_xz, L_xx, L_Psi, m_zz, m_xz, m_xx, C_z, C_x, R, k_z, k_v,
)  # fmt: skip

#: Bounds on the norms of the second-order blocks, by their letters in the surrogates: A, C, B = G_zz, G_xz, G_xx.
BLOCK_BOUNDS: dict[str, Any] = {"A": L_zz, "C": L_xz, "B": L_xx, "F_zz": m_zz, "F_xx": m_xx}


def by_name(symbols: Iterable[Any]) -> dict[str, Any]:
    """Symbols by their names."""
    return {str(symbol): symbol for symbol in symbols}
