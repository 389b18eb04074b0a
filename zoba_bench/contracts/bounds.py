"""What a theorem may bound: runs at constant steps, the cost of a planned run, and what one iteration does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, SupportsFloat, runtime_checkable

from zoba_bench.contracts.solvers import Solver
from zoba_bench.problem import Constants

__all__ = ["CertifiedBound", "HasBound", "HasExport", "HasOneStep", "HasPlan", "RunPlan"]


class CertifiedBound(Protocol):
    """A bound on the mean of E|grad Psi|^2, and its two parts: what the start adds, and what stays."""

    @property
    def bound(self) -> SupportsFloat: ...
    @property
    def transient(self) -> SupportsFloat: ...
    @property
    def tau(self) -> SupportsFloat: ...


@runtime_checkable
class HasBound(Protocol):
    """A theorem that bounds the mean over k < K of E|grad Psi(x_k)|^2 at constant steps.

    The options of ``solver`` are read as its attributes: rho, gamma, h, l1, ...
    ``start`` is a mapping with gap = Psi(x0) - inf Psi, z_error = |z0 - z*(x0)| and v_error = |v0 - v*(x0)|.
    All three raise DerivationError where the theorem does not speak of such a run, and ValueError that names a constant
    which is needed and is unknown, or only sampled.
    """

    def bound(
        self, constants: Constants, p: int, d: int, solver: Solver, K: int, start: Mapping[str, float]
    ) -> float:  # fmt: skip
        """The bound for one configuration of the solver."""
        ...

    def certificate(
        self, constants: Constants, p: int, d: int, solver: Solver, K: int, start: Mapping[str, float]
    ) -> CertifiedBound:
        """The same bound with its parts."""
        ...


class RunPlan(Protocol):
    """A configuration whose bound is at most eps: radii, directions, steps, iterations, evaluations of both levels."""

    @property
    def h(self) -> float: ...
    @property
    def eta(self) -> float: ...
    @property
    def h_bar(self) -> float: ...
    @property
    def normalize_h_bar(self) -> bool: ...
    @property
    def l1(self) -> int: ...
    @property
    def l2(self) -> int: ...
    @property
    def rho(self) -> float: ...
    @property
    def gamma(self) -> float: ...
    @property
    def K(self) -> int: ...
    @property
    def evaluations(self) -> int: ...
    @property
    def bound(self) -> float: ...


@runtime_checkable
class HasPlan(Protocol):
    """A theorem that plans a run to accuracy eps, and bounds what that costs. All raise as :class:`HasBound`."""

    def plan(self, constants: Constants, p: int, d: int, eps: float, start: Mapping[str, float]) -> RunPlan:
        """Radii, directions, steps and iterations with which the bound is at most ``eps``."""
        ...

    def derived_count(self, constants: Constants, p: int, d: int, eps: float, start: Mapping[str, float]) -> float:
        """n(eps), at least the evaluations of the plan."""
        ...

    def dominating_count(
        self, order: str, constants: Constants, p: int, d: int, eps: float, start: Mapping[str, float],
        at: str | None = None,
    ) -> float:  # fmt: skip
        """C times an order in p, d and eps, with the C for which n(eps) is proved to be at most that.

        ``order`` is an expression, or "published" for the order that the theorems quote.
        ``at`` is another order that is given the same C, for a control. Raises DerivationError where nothing is proved.
        """
        ...


@runtime_checkable
class HasExport(Protocol):
    """A theorem whose plans have certificates that :mod:`zoba_bench.check_certificate` checks. Raises as the plan."""

    def exported(
        self, constants: Constants, p: int, d: int, eps: float, start: Mapping[str, float], problem: str = ""
    ) -> str:
        """The text of the file; ``problem`` says what the constants are of."""
        ...


@runtime_checkable
class HasOneStep(Protocol):
    """A theorem that bounds what one iteration does from a given state."""

    def one_step(
        self, constants: Constants, p: int, d: int, solver: Solver, state: Mapping[str, float],
        wrong: Mapping[str, float] | None = None,
    ) -> Mapping[str, float]:  # fmt: skip
        """Bounds "a", "b" and "psi" of E|z+ - z*(x+)|^2, E|v+ - v*(x+)|^2 and E Psi(x+) - Psi(x).

        ``state`` has "a" = |z - z*(x)|, "b" = |v - v*(x)|, "g" = |grad Psi(x)|, "v" = |v| and "D", the length of the
        mean direction of x. ``wrong``, for a control, has factors of numbers in the inequalities, by name. Raises as
        :class:`HasBound`.
        """
        ...
