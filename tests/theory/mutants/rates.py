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

MUTANTS = _PZOBO
