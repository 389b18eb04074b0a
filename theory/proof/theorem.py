"""What a derivation consists of: steps with their proofs, quoted results, tables, and the theorem that holds them.

A step is checked by giving its statement to its proof, so that a changed statement is refused. A theorem whose
steps do not all hold refuses to give a number (:class:`TheoremError`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

from zoba_bench.errors import DerivationError

from .render import render_details, render_markdown, render_text

__all__ = ["Assumption", "CheckResult", "Quoted", "Step", "Table", "Theorem", "TheoremError"]


class TheoremError(DerivationError):
    """A theorem that may not be used here: a step fails, or a condition does not hold."""


class Assumption(str):
    """An assumption in words, with the symbols that it gives a meaning.

    Attributes
    ----------
    introduces : symbols that statements of a theorem may use only where the theorem makes this assumption.
    """

    __slots__ = ("introduces",)
    introduces: frozenset[Any]

    def __new__(cls, words: str, *introduces: Any) -> Self:
        """From the words and the symbols."""
        made = super().__new__(cls, words)
        made.introduces = frozenset(introduces)
        return made


@dataclass(frozen=True)
class CheckResult:
    """Outcome of one step's verification.

    Attributes
    ----------
    step : its name.
    ok : whether the statement was proved.
    detail : what was verified, or why not.
    crashed : the proof ended with an error of another kind than a refusal; nothing was proved then either.
    """

    step: str
    ok: bool
    detail: str
    crashed: bool = False


@dataclass(frozen=True)
class Step:
    """One statement of a derivation.

    Attributes
    ----------
    name : how errors call it.
    statement : the claim, a sympy relation.
    justification : why it holds, in a sentence or two.
    proof : exact verification of a statement; returns what was verified, raises ``ValueError``
        (of which :class:`TheoremError` and ``SurrogateError`` are kinds) where it fails. It is
        given the statement, so that a changed one is refused.
    """

    name: str
    statement: Any
    justification: str
    proof: Callable[[Any], str]

    @cached_property
    def outcome(self) -> CheckResult:
        """The result of :meth:`check`, computed once: theorems share steps."""
        return self.check()

    def check(self) -> CheckResult:
        """Verify the statement exactly, now."""
        try:
            return CheckResult(self.name, True, self.proof(self.statement))
        except ValueError as error:
            return CheckResult(self.name, False, str(error))
        except Exception as error:
            return CheckResult(self.name, False, f"the proof ended with {type(error).__name__}: {error}", crashed=True)


@dataclass(frozen=True)
class Quoted:
    """A published result that is stated, not proved here.

    Attributes
    ----------
    name : what it is about.
    statement : the claim, a sympy relation or expression.
    source : where it stands, and how far that text was available.
    """

    name: str
    statement: Any
    source: str


@dataclass(frozen=True)
class Table:
    """A derived table: a title, column heads, and rows of text and sympy expressions."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, eq=False)
class Theorem:
    """A named derivation: what is assumed, what follows by which steps, and what is only quoted.

    Attributes
    ----------
    name, title, solver : the theorem's name, what it says, the solver it speaks of.
    assumptions : in words.
    source : where algorithm and published rate come from, and what is this project's own.
    steps : the derivation.
    symbols : public symbols by name.
    quoted : published results beside the derivation.
    evaluations : what an iteration costs, by kind ("inner", "outer" for function values).
    tables : derived tables that go with the steps.
    vocabulary : symbols that have a meaning only through an :class:`Assumption`; a step that uses one of them fails
        where no assumption of the theorem introduces it.
    """

    name: str
    title: str
    solver: str
    assumptions: tuple[str, ...]
    source: str
    steps: tuple[Step, ...]
    symbols: Mapping[str, Any] = field(default_factory=dict)
    quoted: tuple[Quoted, ...] = ()
    evaluations: Mapping[str, Any] = field(default_factory=dict)
    tables: tuple[Table, ...] = ()
    vocabulary: frozenset[Any] = frozenset()

    @property
    def evaluations_per_iteration(self) -> dict[str, Any]:
        """Cost of an iteration by kind, as sympy expressions."""
        return dict(self.evaluations)

    @cached_property
    def results(self) -> tuple[CheckResult, ...]:
        """The outcome of every step, computed once."""
        return tuple(self.outcomes())

    def outcomes(self) -> Iterator[CheckResult]:
        """The outcome of one step after the other, each computed when it is asked for, and once."""
        return (self._granted(step, step.outcome) for step in self.steps)

    def check(self) -> list[CheckResult]:
        """Verify every step, now."""
        return [self._granted(step, step.check()) for step in self.steps]

    def _granted(self, step: Step, result: CheckResult) -> CheckResult:
        """The result, or a refusal where the statement uses what nothing introduces."""
        introduced = {symbol for one in self.assumptions if isinstance(one, Assumption) for symbol in one.introduces}
        missing = (step.statement.free_symbols & self.vocabulary) - introduced
        if not result.ok or not missing:
            return result
        names = ", ".join(sorted(map(str, missing)))
        return CheckResult(step.name, False, f"no assumption of the theorem introduces {names}")

    def require_checked(self) -> None:
        """Raise :class:`TheoremError` that names the first step that fails."""
        for result in self.results:
            if not result.ok:
                raise TheoremError(f"theorem {self.name!r}: step {result.step!r} fails: {result.detail}")

    @property
    def complexity(self) -> Any:
        """Derived order and count, or None where the steps lead to none."""
        self.require_checked()
        return None

    def render(self) -> dict[str, Any]:
        """What a report shows: assumptions, steps with their outcomes, formulas. Strings only."""
        return render_details(self)

    def render_text(self) -> str:
        """The derivation as plain text."""
        return render_text(self)

    def render_markdown(self) -> str:
        """The derivation as Markdown with LaTeX."""
        return render_markdown(self)
