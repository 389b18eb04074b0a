"""The adjoint of r gradient steps: programs that run and are counted, and how far first order is from it.

The inner loop is phi_0 = V(theta), phi_j = phi_{j-1} - alpha grad L_in(phi_{j-1}); the adjoint is
b_r = grad L_out(phi_r), b_{j-1} = b_j - alpha H(phi_{j-1}) b_j. Each way to compute it is one
program: running it gives b_0, adding up over its loops gives its cost for symbolic r.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from ...proof.rules import by_derivation, by_induction, by_slack
from ...proof.theorem import Step
from .coin import D, V, over_coin, q

__all__ = [
    "COLUMNS",
    "COSTLY",
    "FIRST_ORDER",
    "L_1",
    "L_2",
    "M_1",
    "RECOMPUTED",
    "STORED",
    "Call",
    "Loop",
    "Unrolled",
    "alpha",
    "bias_steps",
    "cost_steps",
    "count",
    "expected_cost",
    "first_order_cost_step",
    "r",
    "run",
]

#: Inner steps, inner step size, bounds on |grad L| and |Hess L|, Lipschitz constant of V.
r = sp.Symbol("r", integer=True, positive=True)
alpha, L_1, L_2 = sp.symbols("alpha L_1 L_2", positive=True)
M_1 = sp.Symbol("M_1", nonnegative=True)
_i, _j = sp.symbols("i j", integer=True, positive=True)


@dataclass
class Unrolled:
    """State of a run: the oracle's functions of phi, the vectors held, and the calls so far."""

    start: Any
    alpha: Any
    inner_gradient: Callable[[Any], Any]
    inner_hessian: Callable[[Any], Any]
    outer_gradient: Callable[[Any], Any]
    phi: Any = None
    b: Any = None
    trajectory: list[Any] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)


def _restart(state: Unrolled) -> None:
    state.phi = state.start


def _descend(state: Unrolled) -> None:
    state.phi = state.phi - state.alpha * state.inner_gradient(state.phi)


def _store(state: Unrolled) -> None:
    state.trajectory.append(state.phi)


def _recall(state: Unrolled) -> None:
    state.phi = state.trajectory.pop()


def _seed(state: Unrolled) -> None:
    state.b = state.outer_gradient(state.phi)


def _pull_back(state: Unrolled) -> None:
    state.b = state.b - state.alpha * state.inner_hessian(state.phi) * state.b


@dataclass(frozen=True)
class Call:
    """One operation, and what it asks for: an evaluation of a kind in ``COSTLY``, "stored" (a vector), or nothing."""

    kind: str
    act: Callable[[Unrolled], None]


@dataclass(frozen=True)
class Loop:
    """A body that is repeated for index = 1..last, upwards or downwards."""

    index: Any
    last: Any
    body: tuple[Call | Loop, ...]
    downwards: bool = False


Program = tuple[Call | Loop, ...]

_RESTART, _RECALL = Call("", _restart), Call("", _recall)
_DESCEND, _SEED = Call("inner_gradient", _descend), Call("outer_gradient", _seed)
_STORE, _PULL_BACK = Call("stored", _store), Call("hvp", _pull_back)

#: r steps and the outer gradient: b_r is the first-order gradient.
FIRST_ORDER: Program = (_RESTART, Loop(_j, r, (_DESCEND,)), _SEED)
#: The adjoint with phi_0..phi_{r-1} kept.
STORED: Program = (
    _RESTART,
    Loop(_j, r, (_STORE, _DESCEND)),
    _SEED,
    Loop(_j, r, (_RECALL, _PULL_BACK), downwards=True),
)
#: The adjoint with phi_{j-1} computed anew from phi_0 for each j.
RECOMPUTED: Program = (
    *FIRST_ORDER,
    Loop(_j, r, (_RESTART, Loop(_i, _j - 1, (_DESCEND,)), _PULL_BACK), downwards=True),
)


def run(program: Program, state: Unrolled, steps: int) -> Unrolled:
    """Run a program with ``steps`` inner steps; ``state.b`` is the result, ``state.calls`` its cost."""

    def execute(body: Program, values: dict[Any, int]) -> None:
        for item in body:
            if isinstance(item, Call):
                state.calls[item.kind] += 1
                item.act(state)
                continue
            indices = range(1, int(item.last.subs(values)) + 1)
            for value in reversed(indices) if item.downwards else indices:
                execute(item.body, values | {item.index: value})

    execute(program, {r: steps})
    return state


def count(program: Program, *kinds: str) -> Any:
    """Evaluations of the given kinds, added up over the loops for symbolic r."""
    total = sp.Integer(0)
    for item in program:
        if isinstance(item, Call):
            total += int(item.kind in kinds)
        else:
            total += sp.summation(count(item.body, *kinds), (item.index, 1, item.last))
    return sp.expand(total)


#: What costs one unit each.
COSTLY = ("inner_gradient", "outer_gradient", "hvp")
#: Their columns in the oracle's counter, for losses of phi alone.
COLUMNS = {"inner_gradient": "inner_grad_z", "outer_gradient": "outer_grad_z", "hvp": "inner_hvp_zz"}


def _cost(program: Program) -> Any:
    return count(program, *COSTLY)


def expected_cost(program: Program, *kinds: str) -> Any:
    """Mean evaluations over the coin: ``program`` where it is 1, the first-order one otherwise."""
    return sp.expand(over_coin(count(program, *kinds), count(FIRST_ORDER, *kinds)))


def first_order_cost_step() -> Step:
    """Cost of the first-order gradient."""
    return Step(
        "first-order cost",
        sp.Eq(sp.Symbol("C_det"), r + 1),
        "r inner gradients and the outer one; nothing is kept. A gradient and a Hessian-vector product are one "
        "unit each; a mixed product counts with its Hessian-vector product.",
        by_derivation(lambda: _cost(FIRST_ORDER), "calls of the program that runs, added up over its loop"),
    )


def cost_steps() -> tuple[Step, ...]:
    """What the correction adds, and the expected cost."""
    detail = "calls of the program that runs, added up over its loops"
    return (
        first_order_cost_step(),
        Step(
            "correction with the trajectory stored",
            sp.Eq(sp.Symbol("C_stored"), r),
            "One Hessian-vector product a step of the adjoint.",
            by_derivation(lambda: _cost(STORED) - _cost(FIRST_ORDER), detail),
        ),
        Step(
            "vectors stored",
            sp.Eq(sp.Symbol("stored"), r),
            "phi_0 to phi_{r-1}. The other two programs keep none.",
            by_derivation(lambda: count(STORED, "stored") + count(RECOMPUTED, "stored"), detail),
        ),
        Step(
            "correction in constant memory",
            sp.Eq(sp.Symbol("C_rnd"), r * (r - 1) / 2 + r),
            "phi_{j-1} takes j - 1 gradients from phi_0, for each j, beside the Hessian-vector products.",
            by_derivation(lambda: _cost(RECOMPUTED) - _cost(FIRST_ORDER), detail),
        ),
        Step(
            "expected cost",
            sp.Eq(sp.Symbol("T"), r + 1 + q * (r * (r - 1) / 2 + r)),
            "The two outcomes of the coin, in constant memory.",
            by_derivation(lambda: expected_cost(RECOMPUTED, *COSTLY), detail),
        ),
        Step(
            "expected cost with the trajectory stored",
            sp.Eq(sp.Symbol("T_stored"), r + 1 + q * r),
            "The two outcomes of the coin, in memory of r vectors.",
            by_derivation(lambda: expected_cost(STORED, *COSTLY), detail),
        ),
    )


# Distance of the first-order gradient from the exact one.

_m = sp.Symbol("m", integer=True, nonnegative=True)
_RATE = 1 + alpha * L_2
#: Bound on |b_{r-m}|, and on alpha L_2 sum |b_j| over j = 1..r.
_ADJOINT = L_1 * _RATE**_m
_SECOND_ORDER = L_1 * (_RATE**r - 1)


def _adjoint_step() -> Any:
    """|b - alpha H b|^2 <= (1 + alpha L_2)^2 |b|^2 for |H b| <= L_2 |b|."""
    b, hb, e, c = sp.symbols("|b_j| |H_b| e c", nonnegative=True)
    # e and c are what the norm and Cauchy-Schwarz give away: |H b| = L_2 |b| - e, b'H b = c - |b||H b|.
    left = b**2 - 2 * alpha * (c - b * hb) + alpha**2 * hb**2
    slack = 2 * alpha * b * e + alpha**2 * (e**2 + 2 * e * hb) + 2 * alpha * c
    proof = by_slack(left, slack, "exact remainder, with Cauchy-Schwarz in it", {L_2: (hb + e) / b})
    return sp.Le(sp.Symbol("|b_{j-1}|^2"), _RATE**2 * b**2), proof


def _triangle(terms: dict[str, Any]) -> Any:
    """Triangle inequality: norms of the terms with their factors, each at most its bound."""
    slacks = sp.symbols(f"s_1:{len(terms) + 1}", nonnegative=True)
    left = slack = sp.Integer(0)
    for s, (factor, largest) in zip(slacks, terms.values(), strict=True):
        left += factor * (largest - s)
        slack += factor * s
    lost = sp.Symbol("s_triangle", nonnegative=True)
    return by_slack(left - lost, slack + lost, "triangle inequality over " + ", ".join(terms) + "; exact remainder")


def bias_steps() -> tuple[Step, ...]:
    """Bounds on D and V by the constants of L and of the inner loop."""
    adjoint, adjoint_proof = _adjoint_step()
    one = sp.Integer(1)
    published = _RATE * _SECOND_ORDER
    return (
        Step(
            "adjoint step",
            adjoint,
            "b_{j-1} = b_j - alpha H b_j with |H| <= L_2, by Cauchy-Schwarz.",
            adjoint_proof,
        ),
        Step(
            "adjoint growth",
            sp.Eq(sp.Function("bound")(sp.Symbol("|b_{r-m}|")), _ADJOINT),
            "|b_r| <= L_1, and each step multiplies by at most 1 + alpha L_2.",
            by_induction(_m, L_1, lambda value: _RATE * value, "base and step of the recursion"),
        ),
        Step(
            "second-order terms",
            sp.Eq(sp.Symbol("S"), _SECOND_ORDER),
            "S bounds alpha L_2 (|b_1| + ... + |b_r|), hence |b_0 - b_r| = alpha |sum H b_j|, and likewise the mixed "
            "terms: one step more adds alpha L_2 times the bound on its |b|.",
            by_induction(r, sp.Integer(0), lambda value: value + alpha * L_2 * _ADJOINT.subs(_m, r), "telescoping sum"),
        ),
        Step(
            "bias bound",
            sp.Le(D, (1 + M_1) * _SECOND_ORDER),
            "g - g_FO consists of the mixed terms and of V'(theta)^T (b_0 - b_r), with |V'| <= M_1. With V the "
            "identity and L_in free of theta the mixed terms vanish and S alone remains.",
            _triangle({"mixed terms": (one, _SECOND_ORDER), "b_0 - b_r": (M_1, _SECOND_ORDER)}),
        ),
        Step(
            "gradient bound",
            sp.Le(V, L_1 + M_1 * L_1 * _RATE**r + _SECOND_ORDER),
            "g consists of the partial gradient, V'(theta)^T b_0 and the mixed terms.",
            _triangle(
                {
                    "partial gradient": (one, L_1),
                    "b_0": (M_1, _ADJOINT.subs(_m, r)),
                    "mixed terms": (one, _SECOND_ORDER),
                }
            ),
        ),
        Step(
            "bias for short inner steps",
            sp.Eq(sp.Function("slope_at_zero")(sp.Symbol("D_bound")), (1 + M_1) * L_1 * L_2 * r),
            "As alpha -> 0: the bias is of first order in alpha, and with it the best q goes to 0.",
            by_derivation(lambda: sp.diff((1 + M_1) * _SECOND_ORDER, alpha).subs(alpha, 0), "derivative at alpha = 0"),
        ),
        Step(
            "sum in the released code",
            sp.Eq(sp.Symbol("S_code"), published),
            "L_1 L_2 alpha sum_{j=1..r} (1 + alpha L_2)^j starts one power later than needed: valid, and larger "
            "than S by the factor 1 + alpha L_2.",
            by_induction(
                r,
                sp.Integer(0),
                lambda value: value + L_1 * L_2 * alpha * _RATE ** (r + 1),
                "telescoping sum",
            ),
        ),
    )
