"""MeZO-BCD and LOZO: two values an iteration, along a block of coordinates or a matrix of low rank."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.directions import Block
from zoba_bench.estimators import average
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.solvers.base import State
from zoba_bench.solvers.black_box import BlackBox
from zoba_bench.validation import check_count, check_real

__all__ = ["Lozo", "LozoState", "MezoBcd"]


@dataclass(frozen=True)
class MezoBcd(BlackBox):
    """MeZO-BCD on the value after an inner run: two-point Gaussian differences along one block of coordinates.

    Problem class: smooth values F(A(x), x); values only. A is T inner steps from where the last iteration's runs ended
    (this project's choice: the method fine-tunes language models, at one level).
    Assumptions: F(A(x), x) smooth.
    Cost: 2 inner runs, each 2 p T values of G or T gradients, and 2 values of F an iteration; on finite sums each is
    exact.
    Rate: that of MeZO up to constants (second hand, quoted). On quadratics the mean of a step is gamma/N_b times the
    gradient, and with blocks of B coordinates E|g|^2 = ((B + 2)/N_b)|grad|^2 (derived here): at equal mean no fewer
    evaluations than MeZO takes. What the paper saves is time in memory, which no count shows.
    Source: arXiv 2501.19099, by its abstract and summaries; no code was found. Ours: a block is drawn uniformly in each
    iteration, where a third party reports cycles in random order; the inner run, radius and step.

    Parameters
    ----------
    block_size : int or None
        Consecutive coordinates a block, the last one with what is left; None is sqrt(d) rounded up.
    """

    block_size: int | None = None

    name: ClassVar[str] = "mezo-bcd"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.block_size is not None:
            check_count("block_size", self.block_size)

    def blocks(self, d: int) -> tuple[int, int]:
        """Coordinates a block, and blocks."""
        size = min(self.block_size or math.ceil(math.sqrt(d)), d)
        return size, -(-d // size)

    def noise(self, d: int) -> tuple[float, str]:
        """See :class:`BlackBox`."""
        return self.blocks(d)[0] + 2.0, "(block_size + 2)"

    def step(self, state: State) -> State:
        """One iteration: two inner runs at once, then the step of x."""
        oracle = state.oracle
        size, number = self.blocks(oracle.d)
        # The law scales its directions by sqrt(N_b), for E ww' = I; here they are the Gaussian ones of the block.
        u = Block(size).draw(state.rng, (oracle.replicates, 1), oracle.d) / math.sqrt(number)
        coefficients, ends = self.pairs(state, u)
        return self.moved(state, average(coefficients, u[:, None]), ends)


@dataclass(frozen=True, eq=False, kw_only=True)
class LozoState(State):
    """A state with what LOZO keeps.

    Attributes
    ----------
    basis : (R, columns, rank) array
        V of the last iteration; zero before the first one, and 1 for vectors.
    momentum : (R, d / columns, rank) array
        N of LOZO-M; of LOZO the last coefficient times U.
    """

    basis: Array
    momentum: Array


@dataclass(frozen=True)
class Lozo(BlackBox):
    """LOZO on the value after an inner run: two-point differences along U V', V being kept for a while.

    Problem class: smooth values F(A(x), x) where x is a matrix, row by row; values only. A is T inner steps from where
    the last iteration's runs ended (this project's choice: the method fine-tunes language models, at one level). A
    vector, ``columns=1``, has plain Gaussian directions, as in MeZO.
    Assumptions: F(A(x), x) smooth.
    Cost: 2 inner runs, each 2 p T values of G or T gradients, and 2 values of F an iteration; on finite sums each is
    exact.
    Rate: that of MeZO up to constants (second hand, quoted). Over U and V the mean of a step is gamma times the
    gradient, and E|g|^2 = (m n + 2 (m + n + r + 1)/r)|grad|^2 for m x n matrices and rank r, more than MeZO's m n + 2
    (derived here); while V is kept x moves within its range.
    Source: arXiv 2410.07698 and its authors' public code, with the factor 1/r that the code lacks. There the U of an
    update differs from the one that was evaluated whenever V is new, so that this step is noise; here they are the
    same. Momentum starts with the weight 1 - beta. Radius and step are this project's.

    N_k = beta N_{k-1} + (1 - beta) c U with c = [f(X + eta U V') - f(X - eta U V')] / (2 eta), X - gamma N_k V'/r;
    where V is new, N_{k-1} is seen through V_old'V_new/n.

    Parameters
    ----------
    columns : int
        n; the rows are d / n.
    rank : int
        r, at most n.
    refresh : int
        Iterations for which a V is kept.
    beta : float
        Memory of LOZO-M, in [0, 1); 0 is LOZO.
    """

    columns: int = 1
    rank: int = 1
    refresh: int = 50
    beta: float = 0.0

    name: ClassVar[str] = "lozo"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("columns", "rank", "refresh"):
            check_count(name, getattr(self, name))
        check_real("beta", self.beta, at_least=0.0, below=1.0)
        if self.rank > self.columns:
            raise ValueError(f"rank must be at most columns={self.columns}, got {self.rank}; a vector has columns=1")

    def lacking(self, problem: BilevelProblem) -> list[str]:
        """See :meth:`Solver.lacking`."""
        missing = super().lacking(problem)
        if problem.d % self.columns:
            missing.append(f"d that is a multiple of columns={self.columns}; {problem.name} has d={problem.d}")
        return missing

    def noise(self, d: int) -> tuple[float, str]:
        """See :class:`BlackBox`; without momentum."""
        n, r = self.columns, self.rank
        if n == 1:
            return d + 2.0, "(d + 2)"
        m = d // n
        return d + 2 * (m + n + r + 1) / r, "(m n + 2 (m + n + r + 1) / r)"

    def init(self, oracle: Oracle, rng: np.random.Generator, z: Array, v: Array, x: Array) -> LozoState:
        """State at iteration 0 from iterates z, v (R, p) and x (R, d); v is not used."""
        R, n = len(x), self.columns
        basis = np.ones((R, 1, 1)) if n == 1 else np.zeros((R, n, self.rank))
        return LozoState(z, v, x, 0, oracle, rng, basis=basis, momentum=np.zeros((R, oracle.d // n, self.rank)))

    def step(self, state: LozoState) -> LozoState:
        """One iteration: two inner runs at once, then the step of x."""
        oracle, rng, R, n, r = state.oracle, state.rng, state.oracle.replicates, self.columns, self.rank
        V, N = state.basis, state.momentum
        if n > 1 and state.k % self.refresh == 0:
            V = rng.standard_normal((R, n, r))
            N = N @ (np.swapaxes(state.basis, 1, 2) @ V) / n
        U = rng.standard_normal((R, oracle.d // n, r))
        Vt = np.swapaxes(V, 1, 2)
        coefficients, ends = self.pairs(state, (U @ Vt).reshape(R, 1, oracle.d))
        N = self.beta * N + (1 - self.beta) * coefficients * U
        after = self.moved(state, (N @ Vt).reshape(R, oracle.d) / r, ends)
        return LozoState(after.z, after.v, after.x, after.k, oracle, rng, after.estimate, basis=V, momentum=N)
