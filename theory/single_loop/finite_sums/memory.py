"""A memory of derivatives: variance of a direction that it corrects, and distance to the points it belongs to.

Sample i was last seen at the point y_i = (z, v, x)_i; S is the mean of |y - y_i|^2 over the samples of a level. A batch
of b samples, drawn with replacement, moves y to y_next = y + delta + noise, delta the mean move and V = E|noise|^2, and
stores y for the samples drawn. The noise depends on which ones are drawn: that is the last term of the recursion.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from ...proof.algebra import require_equal, sides
from ...proof.rules import by_components, by_derivation, by_slack, by_sum
from ...proof.theorem import Step
from ...symbols import D, L_xz, L_zz, M_v, R_v, a, b, b1, b2, gamma, m_xx, m_xz, m_zz, rho

__all__ = ["DISTANCE", "LAMBDA", "NOISE", "H", "N", "S", "delta2", "lambda_v", "lambda_x", "lambda_z", "memory_steps"]

H = sp.Symbol("H", nonnegative=True)
#: Any number with 1/N at most the probability that a batch draws a given sample, at both levels.
N = sp.Symbol("N", positive=True)
#: Sum over both levels of the mean squared distances; square of the mean move.
S, delta2 = sp.symbols("S |delta|^2", nonnegative=True)
#: V_z, V_v and V_x are at most these times S.
LAMBDA = lambda_z, lambda_v, lambda_x = sp.symbols("Lambda_z^2 Lambda_v^2 Lambda_x^2", nonnegative=True)
#: What |delta|^2 and the variance add to S, over both levels.
DISTANCE, NOISE = 2 * (1 + 4 * N), sp.Integer(10)
_pi, _t = sp.Symbol("pi_i", positive=True), sp.Symbol("t", nonnegative=True)
_V, _next = sp.symbols("V S_next", nonnegative=True)
_s = sp.symbols("s_1:7", nonnegative=True)
_along, _among = sp.symbols("along_delta among_noise", real=True)


def _variance_step() -> Step:
    second, mean2 = sp.symbols("mean|X_i|^2 |mean_X|^2", nonnegative=True)
    size = sp.Symbol("batch", positive=True)
    # batch^2 pairs of draws: the diagonal has mean|X_i|^2, the others |mean X|^2.
    whole = (size * second + size * (size - 1) * mean2) / size**2
    return Step(
        "variance of a corrected direction",
        sp.Le(_V, second / size),
        "X_i = derivative at y less that at y_i, averaged over draws with replacement; the mean of the memory is "
        "known.",
        by_slack(whole - mean2, mean2 / size, "pairs of draws; |mean X|^2 is left"),
    )


#: Moves of z, v, x, and of (z, x) together.
_dz, _dv, _dx, _both = sp.symbols("dz dv dx dzx", nonnegative=True)


def _moves() -> dict[str, tuple[dict[Any, Any], str]]:
    """What a sample's derivatives move by, at most: constants of two moves, and why; products move with v too."""
    curve = H * R_v
    turned = "|v| <= R_v, or H = 0"
    return {
        "G_z": ({_dz: L_zz, _dx: L_xz}, "|G_zz| and |G_xz|"),
        "G_zz v": ({_dv: L_zz, _both: curve}, turned),
        "G_xz v": ({_dv: L_xz, _both: curve}, turned),
        "F_z": ({_dz: m_zz, _dx: m_xz}, "|F_zz| and |F_xz|"),
        "F_x": ({_dz: m_xz, _dx: m_xx}, "|F_xz| and |F_xx|"),
    }


def _lipschitz_steps() -> tuple[Step, ...]:
    """Squares of per-sample Lipschitz constants in (z, v, x), one derivative after the other."""
    moved, short = sp.symbols("moved^2 short", nonnegative=True)
    curve = H**2 * R_v**2
    stated = {
        "G_z": (L_zz**2 + L_xz**2) * (_dz**2 + _dx**2),
        "G_zz v": (L_zz**2 + curve) * (_dv**2 + _both**2),
        "G_xz v": (L_xz**2 + curve) * (_dv**2 + _both**2),
        "F_z": (m_zz**2 + m_xz**2) * (_dz**2 + _dx**2),
        "F_x": (m_xz**2 + m_xx**2) * (_dz**2 + _dx**2),
    }
    steps = []
    for name, (constants, reason) in _moves().items():
        (one, first), (two, second) = constants.items()
        steps.append(
            Step(
                f"Lipschitz constant of a sample's {name}",
                sp.Le(moved, stated[name]),
                f"For every sample: {reason}; Cauchy-Schwarz.",
                by_sum(
                    {(first * two - second * one) ** 2: sp.Integer(1), short: sp.Integer(1)},
                    "one square is left",
                    {moved: (first * one + second * two) ** 2 - short},
                ),
            )
        )
    return tuple(steps)


def _lambda_step() -> Step:
    curve = H**2 * R_v**2
    of_z = (L_zz**2 + L_xz**2) / b1
    of_v = (L_zz**2 + curve) / b1 + (m_zz**2 + m_xz**2) / b2
    of_x = (L_xz**2 + curve) / b1 + (m_xz**2 + m_xx**2) / b2

    def derived() -> tuple[Any, ...]:
        g_z, hv, cv, f_z, f_x = (
            sp.Add(*(each**2 for each in constants.values())) for constants, _ in _moves().values()
        )
        return g_z / b1, hv / b1 + f_z / b2, cv / b1 + f_x / b2

    return Step(
        "variances by the memory",
        sp.Eq(sp.Tuple(*LAMBDA), sp.Tuple(of_z, of_v, of_x)),
        "V_z <= Lambda_z^2 S and so on: the five derivatives' squared constants over their batches; the two batches "
        "are independent, and the distance of one level is at most S.",
        by_components(derived(), "squares of the constants of the moves, over the batches"),
    )


def _seen_step() -> Step:
    """One sample, in one coordinate: its stored point is y where it is drawn, with probability pi."""
    delta, e, drawn, square, variance = sp.symbols("delta e noise_drawn V_drawn V", real=True)

    def mean() -> Any:
        # E noise = 0 and E noise^2 = V fix the moments where the sample is not drawn.
        other, other_square = -_pi * drawn / (1 - _pi), (variance - _pi * square) / (1 - _pi)
        seen = delta**2 + 2 * delta * drawn + square
        unseen = delta**2 + other_square + e**2 + 2 * delta * other + 2 * delta * e + 2 * other * e
        return _pi * seen + (1 - _pi) * unseen

    return Step(
        "distance after a step",
        sp.Eq(
            sp.Symbol("E|y_next-y_i|^2"),
            (1 - _pi) * e**2 + delta**2 + variance + 2 * (1 - _pi) * delta * e - 2 * _pi * drawn * e,
        ),
        "e = y - y_i before the step, noise_drawn the mean noise where sample i is drawn: coordinate by coordinate.",
        by_derivation(mean, "the two outcomes added up"),
    )


def _motion_steps() -> tuple[Step, ...]:
    m, delta, v, q = sp.symbols("m delta v q", nonnegative=True)
    return (
        Step(
            "mean move and memory",
            sp.Le(_along, _pi * S / 4 + 4 * delta**2 / _pi),
            "Twice <delta, y - mean of y_i>; |y - mean of y_i|^2 <= S.",
            by_sum(
                {(_pi * m - 4 * delta) ** 2: 1 / (4 * _pi), _s[0]: _pi / 4, _s[1]: sp.Integer(1)},
                "one square is left",
                {_along: 2 * m * delta - _s[1]},
                {S: m**2 + _s[0]},
            ),
        ),
        Step(
            "noise and memory",
            sp.Le(_among, _pi * S / 4 + 4 * _V),
            "Minus twice <noise, mean over all samples of (y - y_i) where drawn>, the root mean square of which is "
            "at most that of pi S: at most all n of n samples are drawn (Cauchy-Schwarz).",
            by_sum(
                {(q / 2 - 2 * v) ** 2: sp.Integer(1), _s[0]: sp.Rational(1, 4), _s[1]: sp.Integer(4),
                 _s[2]: sp.Integer(1)},
                "one square is left",
                {_among: 2 * v * q - _s[2]},
                {S: (q**2 + _s[0]) / _pi, _V: v**2 + _s[1]},
            ),
        ),
    )  # fmt: skip


def _recursion_steps(motion: tuple[Step, ...]) -> tuple[Step, ...]:
    along, among = (step.statement.rhs for step in motion)
    delta = sp.Symbol("delta", nonnegative=True)
    total = (1 - _pi) * S + delta**2 + _V + (1 - _pi) * (along - _s[0]) + among - _s[1]
    left = total.subs(delta, sp.sqrt(delta2))
    first, second = sp.symbols("S_1 S_2", nonnegative=True)
    # 1/N <= pi: pi/2 = 1/(2 N) + s_3, 1/pi = N - s_4, at each level.
    each = [
        (1 - 1 / (2 * N) - _s[2 + i]) * of + (1 + 4 * (N - _s[4 + i])) * delta2 + 5 * _V
        for i, of in enumerate((first, second))
    ]
    return (
        Step(
            "recursion of a memory",
            sp.Le(_next, (1 - _pi / 2) * S + (1 + 4 / _pi) * delta2 + 5 * _V),
            "The mean of the distances after a step, over samples, with the two bounds before.",
            by_sum(
                {_s[0]: 1 - _pi, _s[1]: sp.Integer(1), S: _pi**2 / 4, delta2: sp.Integer(4)},
                "what pi <= 1 leaves",
                {_next: left},
                {_pi: 1 / (1 + _t)},
            ),
        ),
        Step(
            "recursion of both memories",
            sp.Le(_next, (1 - 1 / (2 * N)) * S + 2 * (1 + 4 * N) * delta2 + 10 * _V),
            "S is the sum over both levels; 1/N is at most either probability.",
            by_sum(
                {first: _s[2], second: _s[3], delta2: 4 * (_s[4] + _s[5])},
                "what larger probabilities leave",
                {_next: sum(each)},
                {S: first + second},
            ),
        ),
        _probability_step(),
    )


def _probability_step() -> Step:
    n, batch = sp.Symbol("n", positive=True), sp.Symbol("b", integer=True, positive=True)

    def proof(statement: Any) -> str:
        least, drawn = sides(statement, sp.LessThan)
        require_equal(drawn.subs(batch, 1), least)
        # What one more draw adds is not negative: the sample is missed b times, then drawn.
        require_equal(drawn.subs(batch, batch + 1) - drawn, (1 - 1 / n) ** batch / n)
        return "attained at b = 1; each further draw adds (1 - 1/n)^b/n"

    return Step(
        "probability of a sample",
        sp.Le(1 / n, 1 - (1 - 1 / n) ** batch),
        "That b draws with replacement contain a given one of n samples: N = max(n, m) serves for every batch.",
        proof,
    )


def _move_step() -> Step:
    mean2 = sp.Symbol("|mean_move|^2", nonnegative=True)
    return Step(
        "mean move",
        sp.Le(mean2, rho**2 * (L_zz**2 + 2 * M_v**2) * a**2 + 2 * rho**2 * L_zz**2 * b**2 + gamma**2 * D**2),
        "|E D_z| <= L_zz a, |E D_v| <= L_zz b + M_v a, |E D_x| = D.",
        by_sum(
            {(L_zz * b - M_v * a) ** 2: rho**2},
            "one square is left",
            {mean2: rho**2 * ((L_zz * a) ** 2 + (L_zz * b + M_v * a) ** 2) + gamma**2 * D**2},
        ),
    )


def memory_steps() -> tuple[Step, ...]:
    """Variance, Lipschitz constants, recursion of the memory, and the mean move."""
    motion = _motion_steps()
    return (
        _variance_step(),
        *_lipschitz_steps(),
        _lambda_step(),
        _seen_step(),
        *motion,
        *_recursion_steps(motion),
        _move_step(),
    )
