"""Mutants in the rates of PZOBO and SABA."""

from __future__ import annotations

from .planting import table

__all__ = ["MUTANTS"]

_HERE = "methods/two_loops/"
_TESTS = ("methods/two_loops/test_response_run.py",)

_PZOBO = (
    *table(
        _HERE + "response_errors.py",
        ("T: H * _inner_error().rhs, E_1 * J_ + E_2: _stacked(k_z)}", "T: H * a, E_1 * J_ + E_2: _stacked(k_z)}",
         "the Hessian moves as far at the end of the inner run as at its start"),
        ("return sp.sqrt(1 + slope**2)", "return sp.sqrt(slope**2)", "x does not move itself"),
        ("lambda value: _RATE * value + alpha * L_xz)", "lambda value: _RATE * value + L_xz)",
         "the slope grows without alpha"),
        ("J - J_: moved, T: H * largest,", "J - J_: moved, T: H,", "the inner iterates of two points do not part"),
        ("sp.integrate(s_J * _part * eta, (_part, 0, 1))", "sp.integrate(s_J * _part**2 * eta, (_part, 0, 1))",
         "a third in place of a half in the rest"),
        ("return sp.Le(zeta, d * _rest(1))", "return sp.Le(zeta, _rest(1))",
         "unit directions without the factor d in the bias"),
        ("over_sphere(expectation(whole / tau**6))", "over_sphere(expectation(whole / tau**4))",
         "a unit direction with another length"),
        ("sp.sqrt(sp.cancel(second / square) - 1)", "sp.sqrt(sp.cancel(second / square))",
         "the square of the mean counts as variance"),
        ("return sp.Le(spread, (linear + rest) / sp.sqrt(Q))", "return sp.Le(spread, (linear + rest) / Q)",
         "the root of the variance falls like 1/Q"),
        ("(J, f - f_), (J - J_, f_), (S, f - f_), (S, f_)]", "(J, f - f_), (J - J_, f_), (S, f_)]",
         "F_z does not move where the slope is smoothed"),
        ("f_off = m_zz * contracted * a", "f_off = m_zz * a", "F_z is taken at the start of the inner run"),
        tests=_TESTS,
    ),
    *table(
        _HERE + "response_run.py",
        ("return L_Psi * beta + 2 * weight * k_z**2 * beta**2 / (1 - decay)",
         "return L_Psi * beta + weight * k_z**2 * beta**2 / (1 - decay)", "half of the motion of z*"),
        ("return (1 + 1 / y) * (e_a**2 + X * v_a**2) / 2", "return (1 + 1 / y) * (e_a**2 + v_a**2) / 2",
         "the noise of a without its weight"),
        ("{_a_next2: (t * a + k_z * beta * _length) ** 2},", "{_a_next2: (t * a + k_z * _length) ** 2},",
         "z* moves without the step"),
        ("product = (g**2 + D**2 - (_e2 - _s[0])) / 2", "product = g**2 + D**2 - (_e2 - _s[0])",
         "polarisation without its half"),
        ("{_W: (fallen + c * beta * (moved - a**2)).xreplace(errors)},",
         "{_W: (fallen + c * (moved - a**2)).xreplace(errors)},", "the weight of a without beta"),
        ("_length**2, D**2 + _V)", "_length**2, D**2)", "the noise of x does not move z*"),
        ("spent = sp.expand(2 * drift.statement.rhs / beta)", "spent = sp.expand(drift.statement.rhs / beta)",
         "half of what a step leaves"),
        ("weight = E**2 / (1 - t)\n", "weight = E**2\n", "the weight of a without 1/(1 - t)"),
        ("beta: 1 / (2 * (L_Psi + k_z * ratio) + more)}", "beta: 1 / (L_Psi + k_z * ratio + more)}", "twice the step"),
        tests=_TESTS,
    ),
    *table(
        _HERE + "response_plan.py",
        ("ACCURACY = 1 / (2 + C_z * k_z * _part)", "ACCURACY = 1 / (1 + C_z * k_z * _part)",
         "the inner steps may leave all of the error"),
        ("_part + (d + 3) / (2 * kappa))", "_part + 1 / (2 * kappa))", "a radius that does not see d"),
        ("DIRECTIONS = (d + 1) * (12 *", "DIRECTIONS = (d + 1) * (6 *", "half of the directions"),
        ("slack.subs(n, n + 1) - slack, n * (1 - r) ** 2", "slack.subs(n, n + 1) - slack, n * (1 - r)",
         "another growth of the slack"),
        ("coefficients(sp.Rational(1, 2) - _s[0], 1 / mu - _s[1])", "coefficients(1 - _s[0], 1 / mu - _s[1])",
         "the error of the start counts whole"),
        ("start = 2 * W_0 / (beta * (6 * W_0", "start = 2 * W_0 / (beta * (5 * W_0", "five parts of the iterations"),
        ("(N * (directions + 1) + 2 * N)", "(N * directions + 2 * N)", "the run at x itself is not counted"),
        tests=_TESTS,
    ),
)  # fmt: skip

_LOOP = "single_loop/finite_sums/"
_SABA_TESTS = ("single_loop/test_saba.py",)

_SABA = (
    *table(
        _LOOP + "memory.py",
        ("whole = (size * second + size * (size - 1) * mean2) / size**2", "whole = second / size**2 + mean2",
         "a batch of b has b^2 times less variance"),
        ("curve = H * R_v\n    turned", "curve = sp.sympify(0) * H * R_v\n    turned",
         "a product does not move with z and x"),
        ("\"F_z\": ({_dz: m_zz, _dx: m_xz}", "\"F_z\": ({_dz: m_zz, _dx: m_xx}", "F_z moves with x by F_xx"),
        ("return g_z / b1, hv / b1 + f_z / b2, cv / b1 + f_x / b2", "return g_z / b1, hv / b1, cv / b1 + f_x / b2",
         "F_z has no noise"),
        ("other, other_square = -_pi * drawn / (1 - _pi)", "other, other_square = sp.Integer(0)",
         "the noise does not depend on the draw"),
        ("{_along: 2 * m * delta - _s[1]},", "{_along: m * delta - _s[1]},", "half of the cross term of the mean move"),
        ("{_among: 2 * v * q - _s[2]},", "{_among: v * q - _s[2]},", "half of the cross term of the noise"),
        ("{S: (q**2 + _s[0]) / _pi, _V: v**2 + _s[1]},", "{S: q**2 + _s[0], _V: v**2 + _s[1]},",
         "all stored points count where one is drawn"),
        ("total = (1 - _pi) * S + delta**2 + _V +", "total = (1 - _pi) ** 2 * S + delta**2 + _V +",
         "the memory forgets twice as fast"),
        ("(1 + 4 * (N - _s[4 + i])) * delta2 + 5 * _V", "(1 + 4 * (N - _s[4 + i])) * delta2 + _V",
         "the noise counts once"),
        ("(1 - 1 / n) ** batch / n)", "(1 - 1 / n) ** (batch + 1) / n)", "another chance of one more draw"),
        ("(L_zz * b + M_v * a) ** 2) + gamma**2 * D**2}", "(L_zz * b) ** 2) + gamma**2 * D**2}",
         "v does not move with the error of z"),
        tests=_SABA_TESTS,
    ),
    *table(
        _LOOP + "merit.py",
        ("of_z, of_v = (3, 4) if kind == \"rough\" else (2, 3)", "of_z, of_v = (3, 3) if kind == \"rough\" else (2, 3)",
         "three shares in place of four"),
        ("w_a - sp.Rational(3, 2) * M_x**2 -", "w_a - M_x**2 / 2 -", "the error of z has all of the split"),
        ("moving = 2 * c * gamma *", "moving = c * gamma *", "the noises are independent"),
        ("(L_Psi * gamma / 2 + moving + theta) * V_x", "(L_Psi * gamma / 2 + moving) * V_x",
         "solutions that are not affine are not moved by noise"),
        ("return rho**2 * (L_zz**2 + 2 * M_v**2), 2 * rho**2 * L_zz**2, gamma**2",
         "return rho**2 * (L_zz**2 + M_v**2), rho**2 * L_zz**2, gamma**2", "|p + q|^2 <= |p|^2 + |q|^2"),
        ("return 8 * N * (1 + 4 * N) * n_S * square", "return 8 * N * n_S * square", "the mean move counts once"),
        ("psi = 4 * N * n_S", "psi = 2 * N * n_S", "half of the weight of the memory"),
        ("(1 / (4 * N) - _s[0]) / NOISE * S", "(1 / (2 * N) - _s[0]) / NOISE * S",
         "the noise may take all that the memory forgets"),
        ("gained = -merit.statement.rhs.coeff(g, 2)", "gained = -2 * merit.statement.rhs.coeff(g, 2)",
         "twice the descent"),
        ("return u**2 * (7 * P + G_1) + u**3 * G_0", "return u * (7 * P + G_1) + u**3 * G_0",
         "steps like N^(-1/3) for affine solutions"),
        ("G_1) + u**3 * G_0\n", "G_1) + u**2 * G_0\n", "steps like N^(-2/3) for solutions that are not affine"),
        ("7 * P + G_1", "2 * P + G_1", "the noise may grow the memory"),
        ("ASKED = 80\n", "ASKED = 60\n", "more is left to the noise than the rooms take"),
        ("sp.Add(*(factor / (2 * each)", "sp.Add(*(factor / (4 * each)", "a quarter in place of a half of the rooms"),
        tests=_SABA_TESTS,
    ),
    *table(
        _LOOP + "linear.py",
        ("weights = (c * w_a / mu, c * w_b / mu, sp.Integer(0))",
         "weights = (c * w_a / mu, sp.Integer(0), sp.Integer(0))",
         "the error of v need not decay"),
        ("rate * gamma - _s[3]) / NOISE", "_s[3]) / NOISE", "the memory need not decay"),
        ("left.subs(g**2, 2 * mu_P * gap + _s[4])", "left.subs(g**2, mu_P * gap + _s[4])", "half of the inequality"),
        ("lambda value: value - gamma * rate * value", "lambda value: value - 2 * gamma * rate * value",
         "twice the decay"),
        tests=_SABA_TESTS,
    ),
    *table(
        _LOOP + "theorem.py",
        ("iterations = 2 * W_0 * (Gamma + beyond) / eps + 1", "iterations = W_0 * (Gamma + beyond) / eps + 1",
         "half of the iterations"),
        ("EVALUATIONS = 5\n", "EVALUATIONS = 4\n", "one derivative an iteration is not counted"),
        tests=_SABA_TESTS,
    ),
)  # fmt: skip

MUTANTS = (*_PZOBO, *_SABA)
