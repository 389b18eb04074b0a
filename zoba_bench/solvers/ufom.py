"""UFOM: FOM with a randomised correction that makes it unbiased; its probability fixed or adapted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.solvers.fom import Fom, Unrolled
from zoba_bench.solvers.truncated import GRADIENTS, Program, gradients
from zoba_bench.validation import check_choice, check_passes, check_positive, check_probability

__all__ = ["Adaptive", "Ufom", "UfomAdaptive", "best_probability"]


@dataclass(frozen=True)
class Ufom(Fom):
    """UFOM: G = g_FO + (xi / q)(g - g_FO) with a coin xi ~ Bernoulli(q) for each task, the step along the mean of G.

    Problem class: as for ``fom``; r inner steps are differentiated exactly (g), which on one task is the gradient of
    F(phi_r(x), x) and differs from that of Psi by the truncation of the inner loop.
    Assumptions: as for ``fom``, with bounded second moments of g and of g - g_FO.
    Cost: that of ``fom``; a task whose coin is 1 costs r products with the inner Hessian (and r mixed ones where
    L_in depends on theta) more with ``gradient="stored"``, in memory of r vectors; r (r - 1) / 2 inner gradients
    more than that with "recomputed", in constant memory; d r products of each kind with "forward" (q r mixed ones
    for tasks, which offer products with v only). Where phi_0 is constant its own Hessian product is not asked for.
    A budget counts every coin as 1.
    Rate: unbiased, E|G|^2 = |g|^2 + (1/q - 1)|g - g_FO|^2 for each task, and with both terms bounded the least
    E|grad M|^2 goes to 0 for steps with infinite sum and finite sum of squares (derived here, theorem "ufom");
    O(k^(c - 1/2)) for every c > 0 with gamma / sqrt(k + 1) (quoted).
    Source: arXiv 2106.02487 (ICML 2021) and its authors' public code, github.com/xingyousong/ufom (toy.py), from
    which the defaults are; the code adds 1e-8 to q, this solver does not.

    Parameters
    ----------
    q : float
        Probability of the correction, in (0, 1]; 1 makes every gradient exact.
    gradient : {"stored", "forward", "recomputed"}
        How g is computed; the result is the same.
    """

    q: float = 0.1
    gradient: str = "stored"

    name: ClassVar[str] = "ufom"
    rate: ClassVar[str] = "derived"
    cost_options: ClassVar[tuple[str, ...]] = (*Fom.cost_options, "q")
    needs: ClassVar[tuple[str, ...]] = (*Fom.needs, "outer_grad_z", "inner_hvp_zz", "inner_jvp_xz")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_probability("q", self.q)
        check_choice("gradient", self.gradient, GRADIENTS)
        if self.gradient == "recomputed" and self.inner_steps is not None:
            name = "inner_steps^2 / 2, the inner gradients of gradient='recomputed',"
            check_passes(name, max(1, self.inner_steps**2 // 2))

    def check(self, problem: BilevelProblem) -> None:
        """Raise ValueError where the solver cannot run on the problem, naming what is missing or too much."""
        super().check(problem)
        if self.gradient == "forward" and problem.capabilities.tasks is None and problem.inner_jvp_zx is None:
            raise ValueError(
                f"{self.name} with gradient='forward' needs inner_jvp_zx, which {problem.name} does not declare; "
                "use 'stored' or 'recomputed'"
            )

    def estimates(self, state: Any, program: Program) -> tuple[Array, Array, dict[str, Any]]:
        """phi_r (R, m, q), each task's G (R, m, d), and what the state learns."""
        q = self.probability(state)
        coins = state.rng.random(program.start.shape[:2]) < q[:, None]
        phi, first, rest = gradients(program, self.gradient, coins)
        return phi, first + rest / q[:, None, None], self.learned(state, program, coins, first + rest, rest)

    def probability(self, state: Any) -> Array:
        """q of each replicate."""
        return np.full(state.oracle.replicates, self.q)

    def learned(
        self, state: Any, program: Program, coins: NDArray[np.bool_], exact: Array, rest: Array
    ) -> dict[str, Any]:
        """Fields of the next state, from the exact gradients and their distance to g_FO where a coin is 1."""
        return {}


@dataclass(frozen=True, eq=False, kw_only=True)
class Adaptive(Unrolled):
    """The state of an adaptive run: q, and moving averages from zero of |g - g_FO|^2 and |g|^2, each (R,).

    ``weight`` is the sum of the weights in them, 1 - decay^t after t exact gradients.
    """

    q: Array
    sum_D2: Array
    sum_V2: Array
    weight: Array

    @property
    def D2(self) -> Array:
        """Mean of |g - g_FO|^2, corrected for the start from zero; zero before the first exact gradient."""
        return np.divide(self.sum_D2, self.weight, out=np.zeros_like(self.sum_D2), where=self.weight > 0)

    @property
    def V2(self) -> Array:
        """Mean of |g|^2, corrected likewise."""
        return np.divide(self.sum_V2, self.weight, out=np.zeros_like(self.sum_V2), where=self.weight > 0)


@dataclass(frozen=True)
class UfomAdaptive(Ufom):
    """UFOM whose q follows moving averages of |g - g_FO|^2 and |g|^2 (one q a replicate).

    After an iteration with exact gradients, q = max(q_min, argmin of (C_det + q C_rnd)(V^2 + (1/q - 1) D^2)^s), where
    C_det and C_rnd count what the first-order gradient and its correction query. A coin is tossed with the q known
    before it, so that G stays unbiased.

    Problem class: as for ``fom``, a distribution of tasks, or a bilevel problem with derivatives as one task.
    Assumptions: as for ``ufom``; the averages of past gradients say something of the next ones.
    Cost: that of ``ufom`` at the q in use.
    Rate: that of ``ufom`` with q_min in place of q; q* is derived here (theorem "ufom").
    Source: arXiv 2106.02487 and its authors' public code, github.com/xingyousong/ufom (supervised_reptile/reptile.py),
    from which decay, q_min, s and the first q are. The code takes D^2 from the gradient that is already corrected,
    which is (1/q - 1)^2 D^2, and divides it by 10; here it is |g - g_FO|^2. All tasks at once (``batch=None``) are
    averaged with their probabilities.

    Parameters
    ----------
    q : float
        Until the first exact gradient.
    q_min : float
        Least q, at most ``q``.
    decay : float
        Of the moving averages, in (0, 1).
    s : float
        Power of the second moment: 2 for steps that ignore it (as released), 1 for tuned ones.
    """

    q: float = 0.05
    q_min: float = 0.05
    decay: float = 0.99
    s: float = 2.0

    name: ClassVar[str] = "ufom-adaptive"
    rate: ClassVar[str] = "quoted"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_probability("q_min", self.q_min)
        if self.q_min > self.q:
            raise ValueError(f"q_min must be at most q={self.q}, got {self.q_min}; raise q or lower q_min")
        check_probability("decay", self.decay)
        if self.decay == 1:
            raise ValueError("decay must be below 1, got 1: nothing would ever enter the averages")
        check_positive("s", self.s)

    def init(self, oracle: Oracle, rng: np.random.Generator, z: Array, v: Array, x: Array) -> Adaptive:
        """State at iteration 0 from iterates z, v (R, p) and x (R, d)."""
        zero = np.zeros(oracle.replicates)
        return Adaptive(
            z=z, v=v, x=x, k=0, oracle=oracle, rng=rng, start=z,
            q=np.full(oracle.replicates, self.q), sum_D2=zero, sum_V2=zero, weight=zero,
        )  # fmt: skip

    def probability(self, state: Adaptive) -> Array:
        """q of each replicate."""
        return state.q

    def learned(
        self, state: Adaptive, program: Program, coins: NDArray[np.bool_], exact: Array, rest: Array
    ) -> dict[str, Any]:
        """The averages after one update for each coin that is 1, in the order of the tasks, and the next q."""
        number = coins.sum(axis=1)
        kept = self.decay**number
        after = number[:, None] - coins.cumsum(axis=1)  # updates that come later
        # Tasks that are not drawn but taken with their probabilities enter with them.
        share = (1 - self.decay) * self.decay**after * coins * (program.weights * coins.shape[1])
        sum_D2 = kept * state.sum_D2 + (share * np.vecdot(rest, rest)).sum(axis=1)
        sum_V2 = kept * state.sum_V2 + (share * np.vecdot(exact, exact)).sum(axis=1)
        best = best_probability(sum_V2, sum_D2, *program.costs(self.gradient), self.s)  # a common factor drops out
        return {
            "q": np.where(number > 0, np.maximum(self.q_min, best), state.q),
            "sum_D2": sum_D2, "sum_V2": sum_V2, "weight": kept * state.weight + 1 - kept,
        }  # fmt: skip


def best_probability(V2: Array, D2: Array, fixed: float, random: float, s: float) -> Array:
    """The q in (0, 1] that minimises (fixed + q random)(V2 + (1/q - 1) D2)^s, elementwise; 0 for D2 = 0.

    A minimum inside (0, 1) is the smaller positive root of C_rnd (V2 - D2) q^2 + (1 - s) C_rnd D2 q - s C_det D2; it is
    compared with q = 1, which can be better for s < 1 < D2 / V2.
    """
    with np.errstate(all="ignore"):
        relative = np.divide(V2, D2)
        excess, linear, constant = relative - 1, 1 - s, s * fixed / random
        root = np.sqrt(linear**2 + 4 * excess * constant)  # NaN where there is no root
        if linear >= 0:
            q = 2 * constant / (linear + root)
        else:
            q = np.where(excess > 0, (root - linear) / (2 * excess), np.inf)
        at_root = np.log(fixed + q * random) + s * np.log(relative + (1 - q) / q)
        at_one = np.log(fixed + random) + s * np.log(relative)
        # Comparisons with NaN are false.
        best = np.where((q < 1) & (at_root < at_one), q, 1.0)
    # V2 / D2 beyond the range of floats leaves the limit, 0.
    return np.where((D2 == 0) | (q == 0), 0.0, best)
