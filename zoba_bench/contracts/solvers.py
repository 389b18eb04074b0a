"""What the engine asks of a solver and of its state, and what a solver may declare of itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem

__all__ = ["HasDeclaredCounts", "HasExpectedDescent", "HasExpectedStep", "HasMemory", "HasOptions", "Solver", "State"]


class State(Protocol):
    """The iterates of R runs. It is a dataclass, since the driver replaces the rows of replicates that have ended.

    Attributes
    ----------
    z, v : (R, p) arrays; x : (R, d) array
    estimate : (R,) array or None
        What a run's tolerance is compared with; None as long as there is none.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def z(self) -> Array: ...
    @property
    def v(self) -> Array: ...
    @property
    def x(self) -> Array: ...
    @property
    def estimate(self) -> Array | None: ...


@runtime_checkable
class HasOptions(Protocol):
    """What a solver's class is asked before a solver is made."""

    def option_names(self) -> list[str]:
        """Names of the options that the class takes as keywords; a class method."""
        ...


@runtime_checkable
class Solver(HasOptions, Protocol):
    """A configuration of an algorithm. :class:`zoba_bench.solvers.base.Solver` has defaults for most members.

    Attributes
    ----------
    name : str
    tolerance_quantity : str
        What ``State.estimate`` is, in words.
    needs : tuple of str
        What it needs of a problem beside values, as :data:`zoba_bench.solvers.base.NEEDS` or attributes name it.
    remedy : str
        What to try where a run diverges, in the solver's own options.
    cost_options : tuple of str
        Options that make an iteration cheaper when they are lowered; an error about a small budget names them.
    """

    @property
    def name(self) -> str: ...
    @property
    def tolerance_quantity(self) -> str: ...
    @property
    def needs(self) -> tuple[str, ...]: ...
    @property
    def remedy(self) -> str: ...
    @property
    def cost_options(self) -> tuple[str, ...]: ...

    def lacking(self, problem: BilevelProblem) -> list[str]:
        """What this configuration needs that the problem does not have, in words; empty where it can run."""
        ...

    def check(self, problem: BilevelProblem) -> None:
        """Raise ValueError where the solver cannot run on the problem; the error names what is missing."""
        ...

    def stable_steps(self, problem: BilevelProblem) -> Iterable[tuple[str, float, float, str]]:
        """Steps with the end of their stable range: (name, first value, end, the end in symbols).

        Steps whose range is not known for the problem are left out.
        """
        ...

    def init(self, oracle: Oracle, rng: np.random.Generator, z: Array, v: Array, x: Array) -> State:
        """The state at iteration 0, from z, v (R, p) and x (R, d).

        Every value of F and G is asked of the oracle, every random number is drawn from ``rng``. The driver also calls
        this with an oracle that counts and evaluates nothing, and with a copy of the generator.
        """
        ...

    def step(self, state: Any) -> State:
        """One iteration of all replicates, from a state that ``init`` or ``step`` returned; that one stays as it is."""
        ...


@runtime_checkable
class HasMemory(Protocol):
    """A solver that says what memory an iteration takes, where the engine need not try."""

    def memory(self, problem: BilevelProblem, replicates: int) -> int:
        """Bytes that an iteration allocates at once, at most, beside what F and G do."""
        ...


# What a solver may declare of itself; ``verify(solver=...)`` measures it.


@runtime_checkable
class HasDeclaredCounts(Protocol):
    """A solver that says how many evaluations an iteration takes."""

    def evaluations(self, problem: BilevelProblem) -> Mapping[str, int]:
        """Queries an iteration by what the oracle counts, :data:`zoba_bench.oracle.COUNTED`; none of what is not named.

        "inner" and "outer" are values of G and F; derivatives have the names of the problem's attributes.
        """
        ...


@runtime_checkable
class HasExpectedStep(Protocol):
    """A solver that says where one iteration goes in the mean."""

    def expected_step(self, problem: BilevelProblem, state: Mapping[str, Any]) -> Any:
        """The mean of the next state, block by block, in the problem's exact derivatives.

        ``state`` has z, v (p,), x (d,), the iteration number "k", and whatever else the solver's state holds, by its
        dotted name. Returned is a mapping block -> mean, or a pair of it and of a mapping block -> bound on the bias
        that finite differences leave. Where the state holds more than z, v and x, ``expected_start(problem, z, v, x)``
        may say what is held at k = 0.
        """
        ...


@runtime_checkable
class HasExpectedDescent(Protocol):
    """A solver whose x follows the hypergradient in the mean, where z and v are exact."""

    def expected_descent(self, problem: BilevelProblem, state: Mapping[str, Any]) -> tuple[float, float]:
        """(gamma, B): from z*(x), v*(x) the mean move of x is -gamma grad Psi(x), up to gamma B in each coordinate.

        ``state`` is as in :class:`HasExpectedStep`.
        """
        ...
