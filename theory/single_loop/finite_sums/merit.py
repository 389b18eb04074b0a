"""The Lyapunov function of SABA: W + gamma psi S, psi = 4 N n_S, and steps that meet its conditions.

The noise of the directions is at most n_S S times gamma in the drift of W, which the memory's own contraction pays for.
What W keeps of a^2, b^2 and D^2 (its rooms) pays for the mean move of (z, v, x) away from the stored points. Nothing is
left of the noise: the mean of |grad Psi|^2 falls like 1/K down to zero.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from ...proof.algebra import require_equal, require_nonnegative, sides
from ...proof.rules import by_components, by_nonnegative_terms, by_relation, by_sum
from ...proof.theorem import Step
from ...symbols import W_0, D, K, L_Psi, L_xz, L_zz, M_v, M_x, a, b, c, g, gamma, k_v, k_z, mu, rho, w_a, w_b, y_n
from ..inequalities import V_v, V_x, V_z, bias_v, bias_x, bias_z
from ..weights import Certificate, explicit_step_ratio, explicit_weights, root_V_x
from .memory import DISTANCE, NOISE, N, S, delta2, lambda_v, lambda_x, lambda_z

__all__ = [
    "ASKED", "COUPLING", "G_0", "G_1", "KINDS", "P", "Q", "merit_steps", "moves", "n_0", "n_1", "n_S", "noise",
    "per_distance",
    "rooms", "spent", "step_of_plan", "u",
]  # fmt: skip

#: Kinds of the solution maps z* and v*, of :mod:`..weights`; what their motion may cost of D^2.
KINDS = ("rough", "flat")
COUPLING = sp.Rational(1, 8)
#: G_1^3 and G_0^2 over n_1 Q and n_0 Q.
ASKED = 80
#: What S costs in the drift of W over gamma: n_S = gamma n_1 + n_0; V of the whole step over S.
n_S, n_0, n_1, v_S = sp.symbols("n_S n_0 n_1 v_S", nonnegative=True)
#: Root of v_S over gamma; what the rooms ask of N^2 n_S gamma^2; parts of 1/gamma; the cube root of N, at least 1.
P, Q = sp.symbols("P Q", positive=True)
G_0, G_1 = sp.symbols("G_0 G_1", nonnegative=True)
u = sp.Symbol("u", positive=True)
_rooms = _room_a, _room_b, _room_D = sp.symbols("room_a room_b room_D", nonnegative=True)
_drift = sp.Symbol("mean_drift_of_W")
_merit, _mean2 = sp.symbols("change_of_merit mean_of_squared_gradient", real=True)
_s = sp.symbols("s_1:5", nonnegative=True)
_more, _t = sp.symbols("more t", nonnegative=True)


def rooms(kind: str) -> tuple[Any, Any, Any]:
    """What the drift of W keeps of a^2, b^2 and D^2, with all shares equal."""
    of_z, of_v = (3, 4) if kind == "rough" else (2, 3)
    coupling = c**2 * (of_z * w_a * k_z**2 + of_v * w_b * k_v**2) / mu**2
    return (
        w_a - sp.Rational(3, 2) * M_x**2 - of_v * w_b * M_v**2 / mu**2,
        w_b - sp.Rational(3, 2) * L_xz**2,
        sp.Rational(1, 2) - L_Psi * gamma / 2 - coupling,
    )


def noise(kind: str) -> Any:
    """What variances cost in the drift of W over gamma: the noises of (z, v) and x may be dependent."""
    moving = 2 * c * gamma * (w_a * k_z**2 + w_b * k_v**2) / mu
    theta = c**2 * (3 * w_a * k_z**2 + 4 * w_b * k_v**2) / mu**2 if kind == "rough" else sp.Integer(0)
    return 2 * rho / mu * (w_a * V_z + w_b * V_v) + (L_Psi * gamma / 2 + moving + theta) * V_x


def per_distance(kind: str) -> tuple[Any, Any]:
    """n_1 and n_0, from the noise at V_i = Lambda_i^2 S and rho = gamma/c."""
    in_S = noise(kind).xreplace({V_z: lambda_z, V_v: lambda_v, V_x: lambda_x}).subs(rho, gamma / c)
    polynomial = sp.Poly(sp.expand(in_S), gamma)
    return polynomial.coeff_monomial(gamma), polynomial.coeff_monomial(1)


def spent(square: Any) -> Any:
    """What one unit of n_S times a square in |delta|^2 takes from a room: psi times what it adds to S."""
    return 8 * N * (1 + 4 * N) * n_S * square


def moves() -> tuple[Any, Any, Any]:
    """Factors of a^2, b^2 and D^2 in |delta|^2."""
    return rho**2 * (L_zz**2 + 2 * M_v**2), 2 * rho**2 * L_zz**2, gamma**2


def _squares(*sizes: Any) -> Any:
    """m sum x_i^2 - (sum x_i)^2 as squares of differences, m of them."""
    return sum((one - two) ** 2 for i, one in enumerate(sizes) for two in sizes[:i])


def _drift_step(kind: str) -> Step:
    rough = kind == "rough"
    a_room, b_room, D_room = rooms(kind)
    right = noise(kind) - a_room * a**2 - b_room * b**2 - D_room * D**2

    def proof(statement: Any) -> str:
        left, stated = sides(statement, sp.LessThan)
        require_equal(left, _drift / gamma + g**2 / 2)
        exact = {bias_z: 0, bias_v: 0, bias_x: 0, y_n: 1}
        derived = Certificate(False, kind).drift.subs(exact)
        of_z, of_v = [c * k_z * D], [M_v * a, c * k_v * D]
        # With m shares: m sum x_i^2 - (sum x_i)^2, where the shares of the biases, which are zero, leave x_i^2 each.
        if rough:
            of_z.append(c * k_z * root_V_x)
            of_v.append(c * k_v * root_V_x)
        gaps = (_squares(M_x * a, L_xz * b) + (M_x * a) ** 2 + (L_xz * b) ** 2) / 2
        for weight, sizes in ((w_a, of_z), (w_b, of_v)):
            gaps += weight * (_squares(*sizes) + sum(size**2 for size in sizes)) / mu**2
        rest = sp.expand((stated - gaps).subs(rho, gamma / c) - derived)
        if sp.expand(rest.subs(root_V_x**2, V_x)) != 0:
            raise ValueError(f"the squares leave {sp.factor(rest)}")
        return "right-hand side minus the one-step inequalities is a sum of squares"

    words = "z* and v* are affine" if kind == "flat" else "z* and v* are Lipschitz"
    return Step(
        f"drift with its rooms, {kind} solutions",
        sp.Le(_drift / gamma + g**2 / 2, right),
        f"The one-step inequalities with exact means, {words}; W = Psi - inf Psi + (c/mu)(w_a a^2 + w_b b^2).",
        proof,
    )


def _merit_step() -> Step:
    psi = 4 * N * n_S
    variance = (1 / (4 * N) - _s[0]) / NOISE * S
    added = DISTANCE * delta2 + NOISE * variance - S / (2 * N)
    mean_move = sum(factor * square for factor, square in zip(moves(), (a**2, b**2, D**2), strict=True))
    left = n_S * S - sum(room * square for room, square in zip(_rooms, (a**2, b**2, D**2), strict=True)) + psi * added
    kept = {room: spent(factor) + slack for room, factor, slack in zip(_rooms, moves(), _s[1:], strict=True)}
    return Step(
        "drift of the merit",
        sp.Le(_merit, -(g**2) / 2),
        "The merit is W + gamma psi S with psi = 4 N n_S, its change over gamma. Conditions: 10 v_S <= 1/(4 N), V = "
        "v_S S the variance of the whole step, and each room is at least 8 N (1 + 4 N) n_S times its square's factor "
        "in |delta|^2.",
        by_sum(
            {S: psi * _s[0], a**2: _s[1], b**2: _s[2], D**2: _s[3]},
            "what the conditions leave",
            {_merit: -(g**2) / 2 + left.subs(delta2, mean_move)},
            kept,
        ),
    )


def _rate_step(merit: Step) -> Step:
    last = sp.Symbol("merit_K", nonnegative=True)
    gained = -merit.statement.rhs.coeff(g, 2)
    return Step(
        "rate",
        sp.Le(sp.Symbol("mean_of_squared_gradient", nonnegative=True), 2 * W_0 / (gamma * K)),
        "Sum over k < K. The memory begins with a pass at the start, where S = 0: the merit is W_0 there.",
        by_nonnegative_terms((W_0 - last) / (gained * gamma * K), "2 merit_K/(gamma K) is left", attained={last: 0}),
    )


def step_of_plan() -> Any:
    """1/gamma beyond what the single loop asks for, in u = N^(1/3)."""
    return u**2 * (7 * P + G_1) + u**3 * G_0


def _at_plan(condition: Any) -> Any:
    """A condition on 1/gamma at the step of the plan or a smaller one, u >= 1."""
    step = 1 / (step_of_plan() + _more)
    return sp.cancel(condition.subs(gamma, step).subs(u, 1 + _t))


def _room_condition() -> Any:
    # 8 N (1 + 4 N) <= 40 N^2, and twice that is compared with 1/Q.
    require_nonnegative((40 * N**2 - 8 * N * (1 + 4 * N)).subs(N, 1 + _t))
    found = 80 * u**6 * (gamma * G_1**3 + G_0**2) / (ASKED * Q) * gamma**2 * Q
    require_nonnegative(_at_plan(1 - found))
    return sp.Le(80 * N**2 * n_S * gamma**2 * Q, sp.Integer(1))


def _memory_condition() -> Any:
    require_nonnegative(_at_plan(sp.Rational(1, 4) / u**3 - NOISE * (P * gamma) ** 2))
    return sp.Le(NOISE * v_S, 1 / (4 * N))


def _require_rooms(kind: str, least: tuple[Any, Any, Any]) -> None:
    """The explicit weights, the ratio c with its coupling, and gamma <= 1/(2 L_Psi) leave at least these rooms."""
    weights, ratio = explicit_weights(), explicit_step_ratio(Certificate(False, kind), COUPLING)
    for room, smallest in zip(rooms(kind)[:2], least[:2], strict=True):
        require_nonnegative(sp.expand((room - smallest).xreplace(weights).xreplace(weights)))
    left = (rooms(kind)[2] - least[2]).subs(c, ratio).subs(gamma, 1 / (2 * L_Psi + _more))
    require_nonnegative(sp.cancel(sp.expand(left)))


def _room_step() -> Step:
    """Each room of the explicit weights against what is spent, where 80 N^2 n_S gamma^2 Q <= 1."""

    def derived() -> Any:
        factors = [factor.subs(rho, gamma / c) / gamma**2 for factor in moves()]
        room = (w_a / 2, w_b / 2, sp.Rational(1, 4) - COUPLING)
        for kind in KINDS:
            _require_rooms(kind, room)
        # 40 N^2 n_S gamma^2 factor <= room, for each: Q is at least factor/(2 room), which the sum is.
        return sp.Eq(Q, sp.Add(*(factor / (2 * each) for factor, each in zip(factors, room, strict=True))))

    return Step(
        "what the rooms ask for",
        sp.Eq(Q, (L_zz**2 + 2 * M_v**2) / (c**2 * w_a) + 2 * L_zz**2 / (c**2 * w_b) + 4),
        "Rooms w_a/2, w_b/2 and 1/8 of the explicit weights: 40 N^2 n_S times each factor of |delta|^2 is at most "
        "its room where 80 N^2 n_S gamma^2 Q <= 1.",
        by_relation(derived, "factors over twice the rooms, added up"),
    )


@cache
def merit_steps() -> tuple[Step, ...]:
    """Drift with its rooms, drift of the merit, rate, and the conditions at the step of the plan."""
    merit = _merit_step()
    moving = c * (w_a * k_z**2 + w_b * k_v**2) / mu
    slope = 2 * (w_a * lambda_z + w_b * lambda_v) / (c * mu) + (L_Psi / 2 + 2 * moving) * lambda_x
    theta = c**2 * (3 * w_a * k_z**2 + 4 * w_b * k_v**2) / mu**2 * lambda_x
    stated = {"rough": theta, "flat": sp.Integer(0)}
    return (
        *(_drift_step(kind) for kind in KINDS),
        *(
            Step(
                f"noise by the memory, {kind} solutions",
                sp.Eq(sp.Tuple(n_1, n_0), sp.Tuple(slope, stated[kind])),
                "n_S = gamma n_1 + n_0 at V_i = Lambda_i^2 S and rho = gamma/c. Only the mean motion of solutions "
                "that are not affine costs noise that does not shrink with gamma.",
                by_components(per_distance(kind), "coefficients of gamma"),
            )
            for kind in KINDS
        ),
        merit,
        _rate_step(merit),
        _room_step(),
        Step(
            "rooms at the step of the plan",
            sp.Le(80 * N**2 * n_S * gamma**2 * Q, 1),
            "1/gamma >= u^2 (7 P + G_1) + u^3 G_0 with u = N^(1/3), G_1^3 = 80 n_1 Q and G_0^2 = 80 n_0 Q.",
            by_relation(_room_condition, "by coefficients in u - 1"),
        ),
        Step(
            "memory at the step of the plan",
            sp.Le(10 * v_S, 1 / (4 * N)),
            "At the same gamma; v_S = gamma^2 P^2, P^2 = (Lambda_z^2 + Lambda_v^2)/c^2 + Lambda_x^2.",
            by_relation(_memory_condition, "by coefficients in u - 1"),
        ),
    )
