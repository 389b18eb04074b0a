"""What the engine asks of every theorem: statements with their proofs, what an iteration costs, and the complexity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

__all__ = ["CheckOutcome", "Complexity", "DerivationStep", "Theorem"]


class CheckOutcome(Protocol):
    """The result of verifying one step: its name, whether it holds, and what was verified or what failed."""

    @property
    def step(self) -> str: ...
    @property
    def ok(self) -> bool: ...
    @property
    def detail(self) -> str: ...


class DerivationStep(Protocol):
    """One statement with its proof. It is a dataclass: a control replaces ``statement``, and the proof must refuse it.

    Attributes
    ----------
    name : str
    statement : sympy relation, left and right side in ``statement.args``
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def name(self) -> str: ...
    @property
    def statement(self) -> Any: ...

    def check(self) -> CheckOutcome:
        """Verify the statement now. A statement that does not hold is an outcome, not an exception."""
        ...


class Complexity(Protocol):
    """What a theorem says of the cost, as sympy expressions in its public symbols.

    Attributes
    ----------
    per_direction : the largest second moment of one direction, of which a claim reads the degree in p and d.
    published : the published order of evaluations, or None.
    """

    @property
    def per_direction(self) -> Any: ...
    @property
    def published(self) -> Any: ...


@runtime_checkable
class Theorem(Protocol):
    """A derivation about one solver, as a registered factory without arguments returns it.

    Attributes
    ----------
    name : str
    symbols : mapping
        Public symbols by name, such as ``symbols["p"]``: symbols with assumptions are not found by name alone.
    steps : sequence of DerivationStep
    results : sequence of CheckOutcome
        The outcome of every step, computed once.
    evaluations_per_iteration : mapping
        Cost of an iteration as sympy expressions: "inner" and "outer" for values, derivatives by the names of the
        problem's attributes.
    complexity : Complexity or None
        None where the steps lead to no count. Raises DerivationError where a step fails.
    """

    @property
    def name(self) -> str: ...
    @property
    def symbols(self) -> Mapping[str, Any]: ...
    @property
    def steps(self) -> Sequence[DerivationStep]: ...
    @property
    def results(self) -> Sequence[CheckOutcome]: ...
    @property
    def evaluations_per_iteration(self) -> Mapping[str, Any]: ...
    @property
    def complexity(self) -> Complexity | None: ...

    def check(self) -> Sequence[CheckOutcome]:
        """Verify every step, now."""
        ...

    def require_checked(self) -> None:
        """Raise DerivationError that names the first step that fails, if one does."""
        ...

    def render(self) -> dict[str, Any]:
        """Assumptions, steps with their outcomes and formulas, as strings that JSON can hold."""
        ...

    def render_text(self) -> str:
        """The derivation as plain text."""
        ...

    def render_markdown(self) -> str:
        """The derivation as Markdown with LaTeX."""
        ...
