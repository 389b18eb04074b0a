"""Steps that derive the family of :mod:`.counterexample` from its inner recursion, and its printed numbers."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import sympy as sp

from ...proof.algebra import require_equal, require_nonnegative, sides
from ...proof.rules import Proof, by_derivation, by_induction
from ...proof.theorem import Step
from .counterexample import (
    Counterexample,
    exact,
    first_order,
    in_millionths,
    mean_slope,
    released,
    second_slope,
    toy_moments,
)
from .unrolled import alpha, r

__all__ = ["FAMILY", "counterexample_steps", "released_steps", "resting_point", "toy_steps"]

theta, phi, b, b_1 = sp.symbols("theta phi b b_1", real=True)
a, a_1, a_2, rho, rho_1, rho_2, b_2, gamma = sp.symbols("a a_1 a_2 rho rho_1 rho_2 b_2 gamma", positive=True)
#: The family's D, with a name of its own beside the bound on the bias.
level = sp.Symbol("D_0", positive=True)
A = sp.Symbol("A", positive=True)

#: The family in symbols, with contractions and b_2 as symbols of their own, and its b_2 for a given D.
FAMILY = Counterexample((a_1, a_2), (rho_1, rho_2), b_2)
_SECOND_SLOPE = second_slope(FAMILY.a, FAMILY.rho, level)
_TASK = a / 2 * (phi - b / a) ** 2
_SLOPE, _CURVATURE = sp.diff(_TASK, phi), sp.diff(_TASK, phi, 2)
#: Curvatures of the mean first-order gradient and of M, both without their 1/2.
_FO, _M = rho_1 * a_1 + rho_2 * a_2, rho_1**2 * a_1 + rho_2**2 * a_2
_GENERAL = ((a_1, a_2), (b_1, b_2), (rho_1, rho_2))


def _mean_first_order(point: Any) -> Any:
    return sum(first_order(point, *task) for task in zip(*_GENERAL, strict=True)) / 2


def _zero(affine: Any) -> Any:
    return sp.cancel(-affine.subs(theta, 0) / sp.diff(affine, theta))


def _last_iterate() -> Any:
    return b / a + rho * (theta - b / a)


def _exact_gradient() -> Any:
    """The adjoint rho b_r, which must be the derivative of f(phi_r(theta))."""
    adjoint = rho * _SLOPE.subs(phi, _last_iterate())
    require_equal(adjoint, sp.diff(_TASK.subs(phi, _last_iterate()), theta))
    require_equal(adjoint, exact(theta, a, b, rho))
    return adjoint


def _recursion_steps() -> tuple[Step, ...]:
    detail = "base and step of the recursion"
    return (
        Step(
            "inner recursion",
            sp.Eq(sp.Symbol("phi_r - b/a"), (1 - alpha * a) ** r * (theta - b / a)),
            "Gradient steps on a/2 (phi - b/a)^2 from theta; rho = (1 - alpha a)^r.",
            by_induction(
                r,
                theta - b / a,
                lambda value: value - alpha * _SLOPE.subs(phi, value + b / a),
                detail,
            ),
        ),
        Step(
            "adjoint recursion",
            sp.Eq(sp.Symbol("adjoint_0"), (1 - alpha * a) ** r * sp.Symbol("adjoint_r")),
            "Each step back multiplies by 1 - alpha f''.",
            by_induction(r, sp.Symbol("adjoint_r"), lambda value: value - alpha * _CURVATURE * value, detail),
        ),
        Step(
            "first-order gradient",
            sp.Eq(sp.Symbol("g_FO"), rho * (a * theta - b)),
            "f'(phi_r), and V is the identity.",
            by_derivation(lambda: _SLOPE.subs(phi, _last_iterate()), "f' at the last iterate"),
        ),
        Step(
            "exact gradient",
            sp.Eq(sp.Symbol("g"), rho**2 * (a * theta - b)),
            "The adjoint rho f'(phi_r); it is the derivative of f(phi_r(theta)) as well.",
            by_derivation(_exact_gradient, "adjoint and derivative of the composition agree"),
        ),
    )


def resting_point(a: Any, b: Any, rho: Any) -> float:
    """theta_FO from the curvatures, slopes and contractions of both tasks, each (2,)."""
    symbols = [symbol for group in _GENERAL for symbol in group]
    target = sp.lambdify(symbols, _zero(_mean_first_order(theta)))
    return float(target(*a, *b, *rho))


def _dynamics_steps() -> tuple[Step, ...]:
    target = _zero(_mean_first_order(theta))
    error, next_error = sp.symbols("e e_next", real=True)
    return (
        Step(
            "fixed point of FOM",
            sp.Eq(sp.Symbol("theta_FO"), (rho_1 * b_1 + rho_2 * b_2) / _FO),
            "Zero of the mean of the first-order gradients.",
            by_derivation(lambda: target, "zero of an affine function"),
        ),
        Step(
            "minimiser",
            sp.Eq(sp.Symbol("theta_*"), (rho_1**2 * b_1 + rho_2**2 * b_2) / _M),
            "Zero of M', where M is the mean of the tasks' f(phi_r).",
            by_derivation(lambda: _zero(mean_slope(theta, *_GENERAL)), "derivative of M, zero of an affine function"),
        ),
        Step(
            "FOM contracts to its fixed point",
            sp.Eq(next_error, (1 - gamma * _FO / 2) * error),
            "e is the mean of theta - theta_FO over the tasks drawn so far: for 0 < gamma_k < 2/(rho_1 a_1 + rho_2 a_2)"
            " with infinite sum it goes to 0, whether a step uses all tasks or one, while all is quadratic.",
            by_derivation(
                lambda: target + error - gamma * _mean_first_order(target + error) - target,
                "one step from theta_FO + e",
            ),
        ),
        Step(
            "mean slope of M under FOM",
            sp.Eq(sp.Function("E")(sp.Symbol("M'(theta) - M'(theta_FO)")), _M * error / 2),
            "M' is affine: its mean goes to M'(theta_FO), so lim E|M'|^2 >= |M'(theta_FO)|^2.",
            by_derivation(
                lambda: mean_slope(target + error, *_GENERAL) - mean_slope(target, *_GENERAL),
                "M' at theta_FO + e",
            ),
        ),
        Step(
            "FOM stays between the minimisers",
            sp.Eq(sp.Symbol("theta_next"), (1 - gamma * rho * a) * theta + gamma * rho * a * (b / a)),
            "With gamma rho a <= 1 a step on a task leads to a mean of theta and b/a, and all is quadratic there.",
            by_derivation(lambda: theta - gamma * first_order(theta, a, b, rho), "one step on one task"),
        ),
    )


def _second_task(statement: Any) -> str:
    stated = sides(statement)[1]
    require_equal(sp.expand(FAMILY.slope(FAMILY.theta_fo).subs(b_2, stated) ** 2), 2 * level)
    # The distance of the contractions as a positive symbol.
    require_nonnegative(stated.xreplace({sp.Abs(rho_1 - rho_2): sp.Symbol("u", positive=True)}))
    return "M'(theta_FO) is proportional to b_2; its square at the stated, positive value is 2 D_0"


@cache
def _slope_left() -> Any:
    return sp.cancel(FAMILY.slope(FAMILY.theta_fo) ** 2).subs(b_2, _SECOND_SLOPE)


@cache
def _excess() -> Any:
    return sp.cancel(FAMILY.value(FAMILY.theta_fo) - FAMILY.value(FAMILY.theta_star)).subs(b_2, _SECOND_SLOPE)


def _room(point: Any, first: bool) -> Any:
    """A minus the distance of the point from a minimiser, which exceeds 1."""
    distance = point if first else FAMILY.minimisers[1] - point
    found = sp.cancel(FAMILY.A - distance)
    require_nonnegative(found)
    require_nonnegative(distance)
    return found


def _room_steps() -> tuple[Step, ...]:
    steps = []
    for name, point, power, total in (
        ("theta_FO", FAMILY.theta_fo, rho_2, _FO),
        ("theta_*", FAMILY.theta_star, rho_2**2, _M),
    ):
        other = rho_1 if power == rho_2 else rho_1**2
        for first, room in (
            (True, 1 + a_1 * other * b_2 / (a_2 * total)),
            (False, 1 + power * b_2 / total),
        ):
            steps.append(
                Step(
                    f"room at {name} for task {1 if first else 2}",
                    sp.Eq(sp.Function(f"room_{1 if first else 2}")(sp.Symbol(name)), room),
                    "A minus the distance from the task's minimiser, positive. The inner steps only come closer "
                    "(0 < 1 - alpha a < 1), so every iterate is on the quadratic part.",
                    by_derivation(partial(_room, point, first), "all coefficients are positive"),
                )
            )
    return tuple(steps)


def _outer_slope() -> Any:
    """Slope of the line: f'' falls from a to 0 on a length of 1."""
    t = sp.Symbol("t", nonnegative=True)
    curvature = a * (1 - t)
    require_equal(curvature.subs(t, 0), _CURVATURE)
    require_equal(curvature.subs(t, 1), 0)
    return _SLOPE.subs(phi, b / a + A) + sp.integrate(curvature, (t, 0, 1))


def counterexample_steps() -> tuple[Step, ...]:
    """The family in closed form: where FOM goes, where it should go, and what is left."""
    return (
        *_recursion_steps(),
        *_dynamics_steps(),
        Step(
            "slope of the second task",
            sp.Eq(b_2, 2 * sp.sqrt(2 * level) * _FO / (a_1 * rho_1 * rho_2 * sp.Abs(rho_1 - rho_2))),
            "With b_1 = 0 this b_2 makes |M'(theta_FO)| = sqrt(2 D_0), for every D_0 > 0; rho_1 and rho_2 differ.",
            _second_task,
        ),
        Step(
            "slope that FOM leaves",
            sp.Eq(sp.Symbol("M'(theta_FO)^2"), 2 * level),
            "At the family's b_2, for all curvatures, steps and D_0.",
            by_derivation(_slope_left, "identity in all symbols"),
        ),
        Step(
            "distance of the fixed point",
            sp.Eq(sp.Symbol("theta_FO - theta_*"), a_1 * rho_1 * rho_2 * (rho_1 - rho_2) * b_2 / (_FO * _M)),
            "With b_1 = 0.",
            by_derivation(lambda: FAMILY.theta_fo - FAMILY.theta_star, "difference of the two zeros"),
        ),
        Step(
            "excess of the objective",
            sp.Eq(sp.Symbol("M(theta_FO) - M(theta_*)"), 2 * level / _M),
            "M is quadratic between them.",
            by_derivation(_excess, "difference of the two values, identity in all symbols"),
        ),
        *_room_steps(),
        Step(
            "largest slope of a task",
            sp.Eq(sp.Symbol("L_1"), a * (A + sp.Rational(1, 2))),
            "f'' = a (1 - t) at the distance A + t, 0 <= t <= 1, continuous at both ends: f' is bounded, f'' is "
            "Lipschitz with constant a. The failure of FOM is not due to a lack of regularity.",
            by_derivation(_outer_slope, "f' at A plus the integral of f''"),
        ),
    )


def released_steps() -> tuple[Step, ...]:
    """The numbers of the released instance, to six decimals."""
    given = released()
    numbers = {
        "b_2": (given.b2, 17395270),
        "A": (given.A, 12596847),
        "theta_FO": (given.theta_fo, 5758867),
        "theta_*": (given.theta_star, 2840282),
        "M'(theta_FO)": (given.slope(given.theta_fo), 346410),
        "M(theta_FO)": (given.value(given.theta_fo), 1981504),
        "M(theta_*)": (given.value(given.theta_star), 1475990),
    }

    def rounding(value: Any) -> Proof:
        return by_derivation(lambda: in_millionths(value), "rounded exactly, in integers")

    return tuple(
        Step(
            f"released instance, {name}",
            sp.Eq(sp.Function("millionths")(sp.Symbol(name)), sp.Integer(rounded)),
            "r = 10, alpha = 1/10, a = (1/2, 3/2), D_0 = 6/100; to the nearest millionth.",
            rounding(value),
        )
        for name, (value, rounded) in numbers.items()
    )


def toy_steps() -> tuple[Step, ...]:
    """V^2 and D^2 of the toy that compares probabilities."""
    words = "a = (1/2, 3/2), b = (0, 10), A = 400, |theta| <= 50: both means are convex in theta and largest at -50."
    rest = (rho_1 * (1 - rho_1)) ** 2, (rho_2 * (1 - rho_2)) ** 2
    return (
        Step(
            "toy, V^2",
            sp.Eq(sp.Symbol("V^2"), (625 * rho_1**4 + 7225 * rho_2**4) / 2),
            words,
            by_derivation(lambda: toy_moments((rho_1, rho_2))[0], "value at -50, not below that at 50 in any term"),
        ),
        Step(
            "toy, D^2",
            sp.Eq(sp.Symbol("D^2"), (625 * rest[0] + 7225 * rest[1]) / 2),
            words,
            by_derivation(lambda: toy_moments((rho_1, rho_2))[1], "value at -50, not below that at 50 in any term"),
        ),
    )
