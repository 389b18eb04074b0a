"""Every planted error in a process of its own, judged by the claims of a suite."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.self_test.planted import PlantedError, plant

__all__ = ["Outcome", "chosen_errors", "planted_errors", "self_test", "tried"]

#: The protocols that are tried where an error names none: those that judge every solver, the cheapest first. Not P8:
#: its fresh process runs the code without the error, so that any error would be seen.
_ORDER = ("P14", "P1", "P10", "P11", "P12", "P2s", "P2", "P2b", "P7b", "P7")


#: Protocols whose claims rest on no derivation.
_WITHOUT_THEOREM = ("P14", "P1", "P10", "P11", "P12")


@dataclass(frozen=True)
class Outcome:
    """What became of a planted error.

    Attributes
    ----------
    error : PlantedError
    seen_by : str
        Id of the first claim that was violated; empty if none was.
    reason : str
        That verdict's reason, or the exception with which the code ended.
    tried : int
        Claims that were measured.
    seconds : float
        CPU time of its process.
    """

    error: PlantedError
    seen_by: str
    reason: str
    tried: int
    seconds: float

    @property
    def seen(self) -> bool:
        """Whether a claim was violated."""
        return bool(self.seen_by)

    def row(self) -> dict[str, Any]:
        """The JSON row."""
        return {
            "error": self.error.name, "module": self.error.module, "words": self.error.words, "seen_by": self.seen_by,
            "reason": self.reason, "tried": self.tried, "seconds": round(self.seconds, 2),
        }  # fmt: skip


def planted_errors() -> list[PlantedError]:
    """All planted errors, in the order of the tables."""
    from zoba_bench.verification.self_test import (
        errors_elsewhere,
        errors_first_order,
        errors_sampled,
        errors_single_loop,
        errors_two_loops,
        errors_zeroth_order,
    )

    tables = (
        errors_single_loop, errors_two_loops, errors_first_order, errors_sampled, errors_zeroth_order, errors_elsewhere,
    )  # fmt: skip
    return [error for table in tables for error in table.ERRORS]


def chosen_errors(names: Iterable[str] = ()) -> list[PlantedError]:
    """The planted errors of these names, all where none is given.

    Raises
    ------
    ValueError
        For a name that no error has, with the nearest ones.
    """
    from zoba_bench.verification.parameters import unknown

    known = {error.name: error for error in planted_errors()}
    for name in names:
        if name not in known:
            hint = unknown("planted error", name, known, listed=False)
            raise ValueError(f"{hint}`zoba-bench self-test --list` shows all")
    return [known[name] for name in names] or list(known.values())


def self_test(
    errors: Iterable[PlantedError] | None = None,
    *,
    suite: str = "standard",
    claims: Sequence[Claim] | None = None,
    seed: int = 0,
    jobs: int = 1,
    progress: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """Plant each error and say which claim of a suite sees it first.

    Parameters
    ----------
    errors : iterable of PlantedError, optional
        All of them where None.
    suite : str
        The suite whose claims are tried, at the confidence that each has in the whole suite.
    claims : sequence of Claim, optional
        Those of the suite that are tried; all where None.
    seed : int
        Root seed of the cells.
    jobs : int
        Processes at a time; each error has one of its own.
    progress : callable(outcome), optional

    Returns
    -------
    list of Outcome, in the order of the errors.
    """
    from zoba_bench.registry import entry
    from zoba_bench.statistics import family_level
    from zoba_bench.verification.run.verify import CONFIDENCE

    wanted = planted_errors() if errors is None else list(errors)
    whole, _ = entry("claims", suite)().without_missing()
    level = family_level(CONFIDENCE, len(whole.claims))
    chosen = whole.claims if claims is None else claims
    _warm(wanted, chosen)
    found: dict[str, Outcome] = {}
    for outcome in _in_processes(wanted, chosen, seed, level, jobs):
        found[outcome.error.name] = outcome
        if progress is not None:
            progress(outcome)
    return [found[error.name] for error in wanted]


def tried(error: PlantedError, claims: Iterable[Claim]) -> list[Claim]:
    """The claims that are measured for an error: those that it names first, then the cheapest protocols first."""
    fitting = [
        claim
        for claim in claims
        if claim.origin != "control"
        and not claim.finding
        and claim.solver in error.solvers
        and (claim.solver or not error.problems or claim.problem in error.problems)
        and claim.protocol in (error.protocols or _ORDER)
    ]
    order = {name: i for i, name in enumerate(error.protocols or _ORDER)}

    def place(claim: Claim) -> tuple[int, int]:
        named = (i for i, part in enumerate(error.first) if part in claim.id)
        return next(named, len(error.first)), order[claim.protocol]

    return sorted(fitting, key=place)


def _warm(errors: Iterable[PlantedError], claims: Sequence[Claim]) -> None:
    """Load and derive what the processes share, so that none of them has to do it again."""
    from zoba_bench.registry import entry, names
    from zoba_bench.verification.checking import check_claim

    wanted = {claim.id: claim for error in errors for claim in tried(error, claims)}
    for claim in wanted.values():
        check_claim(claim)
    for name in names("solvers"):
        entry("solvers", name)
    needed = {claim.solver for claim in wanted.values() if claim.protocol not in _WITHOUT_THEOREM}
    for name in sorted(needed & set(names("theorems"))):
        entry("theorems", name)().require_checked()


def _in_processes(
    errors: Sequence[PlantedError], claims: Sequence[Claim], seed: int, level: float, jobs: int
) -> Iterator[Outcome]:
    # A process that is forked has the derivations of this one; one that is started anew would repeat them.
    context = multiprocessing.get_context("fork")
    waiting, running = list(errors)[::-1], dict[Any, tuple[Any, PlantedError]]()
    while waiting or running:
        while waiting and len(running) < jobs:
            error = waiting.pop()
            source, sender = context.Pipe(duplex=False)
            process = context.Process(target=_child, args=(sender, error, tried(error, claims), seed, level))
            process.start()
            sender.close()
            running[source] = process, error
        for ready in multiprocessing.connection.wait(list(running)):
            receiver: Any = ready
            process, error = running.pop(receiver)
            try:
                seen_by, reason, number, seconds = receiver.recv()
            except EOFError:
                process.join()
                seen_by, reason, number, seconds = "", f"its process ended with exit code {process.exitcode}", 0, 0.0
            process.join()
            yield Outcome(error, seen_by, reason, number, seconds)


def _child(sender: Any, error: PlantedError, claims: Sequence[Claim], seed: int, level: float) -> None:
    try:
        plant(error)
        sender.send((*_first_violated(claims, seed, level), time.process_time()))
    except Exception as problem:  # whatever the changed code raises belongs to this error alone
        sender.send(("", f"{type(problem).__name__}: {problem}", 0, time.process_time()))
    finally:
        sender.close()


def _first_violated(claims: Sequence[Claim], seed: int, level: float) -> tuple[str, str, int]:
    """Id and reason of the first claim that is violated, and how many were measured."""
    from zoba_bench.ledger import Ledger

    number, raised = 0, ""
    with tempfile.TemporaryDirectory() as folder, Ledger(Path(folder) / "ledger.sqlite") as ledger:
        for claim in claims:
            number += 1
            try:
                verdict, reason = _verdict(claim, seed, level, ledger)
            except Exception as problem:  # one claim that cannot be measured hides no other
                raised = raised or f"{claim.id}: {type(problem).__name__}: {problem}"
                continue
            if verdict == "violated":
                return claim.id, reason, number
    return "", raised, number


def _verdict(claim: Claim, seed: int, level: float, ledger: Any) -> tuple[str, str]:
    """Verdict and reason of one claim by itself, look after look."""
    # Loaded here: what a planted error reloads must be what runs.
    from zoba_bench.errors import DerivationError
    from zoba_bench.execution import run_cells
    from zoba_bench.verification.checking import protocol_of
    from zoba_bench.verification.claim import decide
    from zoba_bench.verification.run.looks import look_levels, merged, plan_claim, up_to

    plans: list[Any] = []
    verdict, reason = "inconclusive", ""
    for look, at in enumerate(look_levels(claim, level)):
        try:
            plans.append(plan_claim(claim, seed, look))
        except DerivationError as refused:
            return "violated", f"the derivation refuses: {refused}"
        plan = merged(plans)
        results = run_cells(plan.cells, ledger)
        verdict, reason = decide(claim, protocol_of(claim).judge(up_to(claim, look), plan, results, at))
        if verdict != "inconclusive":
            break
    return verdict, reason
