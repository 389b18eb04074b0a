"""Run a suite: plan, measure, judge, pair with controls, store."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from zoba_bench.cluster import workers
from zoba_bench.errors import DerivationError
from zoba_bench.execution import FailedCell, run_cells
from zoba_bench.json_values import strict_json
from zoba_bench.ledger import Ledger
from zoba_bench.problem.file import file_spec
from zoba_bench.processes import Runner
from zoba_bench.registry import entry
from zoba_bench.statistics import family_level
from zoba_bench.sweep import Cell
from zoba_bench.validation import is_integer
from zoba_bench.verification.checking import protocol_of
from zoba_bench.verification.claim import Claim, Verdict, decide
from zoba_bench.verification.power.seen import Seen
from zoba_bench.verification.protocols import descriptions
from zoba_bench.verification.protocols.shared.plan import Plan
from zoba_bench.verification.run.cost import Cost, estimate
from zoba_bench.verification.run.judgements import Judgements
from zoba_bench.verification.run.looks import look_levels, merged, up_to
from zoba_bench.verification.run.plans import Plans
from zoba_bench.verification.run.provenance import command, derivations, provenance, rendering_cost
from zoba_bench.verification.run.sequence import decide_in_sequence
from zoba_bench.verification.solver_spec import solver_spec
from zoba_bench.verification.suite import Suite, select
from zoba_bench.verification.suites.own_problem import own_suite
from zoba_bench.verification.suites.own_solver import own_solver_suite
from zoba_bench.verification.suites.toml_file import is_suite_file, read_suite

__all__ = ["CONFIDENCE", "chosen_suite", "exit_code", "report_row", "verify"]

CONFIDENCE = 0.99  # of all limits of a run together
Progress = Callable[[int, int, str], None]
#: Told (word, things, done, total, expected) as a phase begins: what is done, what is counted, how many are done before
#: and in the end, and number and CPU-seconds by the name that its steps tell. Returns what is told of each step.
Phase = Callable[[str, str, int, int, Mapping[str, tuple[int, float]]], Progress]
_Results = dict[str, dict[str, Any]]


def verify(
    suite: str = "quick",
    seed: int = 0,
    *,
    problem: str | None = None,
    solver: Any = None,
    claims: Iterable[str] = (),
    only: Mapping[str, str | Iterable[str]] | None = None,
    out: str | Path = "zoba-results",
    jobs: int = 1,
    fresh: bool = False,
    render: bool = False,
    progress: Progress | None = None,
    announce: Callable[[Suite, dict[str, str]], None] | None = None,
    announce_cost: Callable[[Cost], None] | None = None,
    announce_failed: Callable[[list[FailedCell]], None] | None = None,
    isolated: bool = False,
    cell_timeout: float | None = None,
    max_memory: int | str | None = None,
    dask: str | None = None,
    fail_fast: bool = False,
    inspect: Callable[[list[Seen]], None] | None = None,
    announce_phase: Phase | None = None,
    configuration: Mapping[str, Any] | None = None,
) -> list[Verdict]:
    """Measure every claim of a suite and judge it.

    Parameters
    ----------
    suite : str
        Name of a registered suite, or the path of a TOML file with one (``docs/explanation/verification.md`` says what
        it holds); without effect where a problem or a solver is given.
    seed : int
        Root seed; same seed, same code, same machine: same bits, whatever ``jobs`` or ``dask``.
    problem : str, optional
        "file.py:name" or a registered name: what the protocols can say of that problem alone is measured. The
        file's content is part of every cell's key.
    solver : str, class or object, optional
        "file.py:Class", a registered name, a solver's class or a configuration of it: what it declares of itself is
        measured, how it behaves and what it reaches (``docs/how_to/own_solver.md``). Not together with a problem. The
        content of the file and of the local modules that it imports is part of every cell's key.
    claims : iterable of str
        Ids of the claims to measure, with their controls; all where empty.
    only : mapping, optional
        Values, or lists of them, by "solver", "problem", "protocol" or "origin": what a claim must have to be measured.
        The confidence is shared by the claims that are measured.
    out : path-like
        Folder of the ledger; finished cells found there are not run again.
    jobs : int
        Processes.
    fresh : bool
        Derive and run everything anew, whatever the ledger holds, and replace its rows.
    render : bool
        Whether a report will be written: where predictions are derived in several processes, these also render the
        derivations that it shows.
    progress : callable(done, total, key), optional
    announce : callable(suite, left_out), optional
        Told what will be measured, and which problems were left out for want of an extra.
    announce_cost : callable(cost), optional
        Told what it will cost, once predictions are derived and before the first cell runs.
    announce_failed : callable(failed), optional
        Told at the end which cells failed, if any did. The claims that need one are inconclusive.
    isolated : bool
        Run cells in another process also where there is one job: a cell that crashes or ends its process is then
        named, and takes nothing along.
    cell_timeout : float, optional
        Seconds of wall time that a cell may take; it is isolated for it.
    max_memory : int or str, optional
        Bytes, or text such as "1G", that a cell may allocate at once; it is isolated for it.
    dask : str, optional
        Address of the scheduler of a Dask cluster that runs the cells, or "local:N"; in place of ``jobs``.
    fail_fast : bool
        Run no further cell after one that failed.
    inspect : callable(seen), optional
        Given each claim with its plans and results, once all are measured: what :mod:`zoba_bench.verification.power`
        needs.
    announce_phase : callable(word, things, done, total, expected) -> progress, optional
        Told when predictions begin to be derived, claims to be planned, and cells to be run; what it returns is told
        of each step, in place of ``progress``.
    configuration : mapping, optional
        The settings from which these arguments come, as JSON; the ledger keeps it with the run.

    Returns
    -------
    list of Verdict, in the suite's order.
    """
    apart = workers(jobs, dask=dask, isolated=isolated, cell_timeout=cell_timeout, max_memory=max_memory)
    if not is_integer(seed) or seed < 0:
        raise ValueError(f"seed must be a non-negative integer, got {seed!r}")
    claims = [claims] if isinstance(claims, str) else list(claims)
    only = {key: [value] if isinstance(value, str) else list(value) for key, value in (only or {}).items()}
    chosen, left_out = chosen_suite(suite, problem, claims, only, solver)
    chosen = replace(
        chosen, provenance={**chosen.provenance, "command": command(suite, seed, problem, solver, claims, only)}
    )
    if announce is not None:
        announce(chosen, left_out)
    failed: dict[str, FailedCell] = {}
    with Ledger(Path(out) / "ledger.sqlite") as ledger, apart or contextlib.nullcontext():

        def measure(cells: Iterable[Cell], known: _Results, cost: Cost | None) -> _Results:
            if fail_fast and failed:
                return known
            wanted = {cell.key: cell for cell in cells}
            follow = progress
            if announce_phase is not None:
                done = len(known) if cost is None else cost.found
                follow = announce_phase("measuring", "cells", done, len(wanted), {} if cost is None else cost.expected)
            return run_cells(
                wanted.values(), ledger, workers=apart, progress=follow, known=known, fresh=fresh, failed=failed,
                fail_fast=fail_fast,
            )  # fmt: skip

        started = time.perf_counter()
        level = family_level(CONFIDENCE, len(chosen.claims))
        own, seen = _decided(
            chosen, int(seed), level, ledger, apart, measure, failed, fresh, render, announce_cost, announce_phase
        )
        if inspect is not None:
            inspect(seen)
        verdicts = [_paired(own[claim.id], own) for claim in chosen.claims]
        content = _content(chosen, verdicts, left_out, seed, level, time.perf_counter() - started)
        if configuration is not None:
            content["provenance"]["configuration"] = dict(configuration)
        ledger.add_run(chosen.name, int(seed), {**content, "failed": [one.row() for one in failed.values()]})
    if failed and announce_failed is not None:
        announce_failed(list(failed.values()))
    return verdicts


def _decided(
    suite: Suite,
    seed: int,
    level: float,
    ledger: Ledger,
    apart: Runner | None,
    measure: Callable[[Iterable[Cell], _Results, Cost | None], _Results],
    failed: Mapping[str, FailedCell],
    fresh: bool,
    render: bool,
    announce_cost: Callable[[Cost], None] | None,
    announce_phase: Phase | None,
) -> tuple[dict[str, Verdict], list[Seen]]:
    """Verdicts of the claims by themselves, and what was measured for those that were planned.

    Look after look, while some are neither consistent nor violated; then what is left in Holm's sequence.
    """
    own: dict[str, Verdict] = {}
    results: _Results = {}
    planner, judgements = Plans(ledger, fresh), Judgements(ledger, fresh)
    plans: dict[str, list[Plan]] = {claim.id: [] for claim in suite.claims}
    levels = {claim.id: look_levels(claim, level) for claim in suite.claims}
    for look in range(max(map(len, levels.values()), default=0)):
        open_claims = [
            claim
            for claim in suite.claims
            if look < len(levels[claim.id])
            and (look == 0 or own[claim.id].verdict == "inconclusive")
            and not any(cell.key in failed for plan in plans[claim.id] for cell in plan.cells)
        ]
        if look == 0:
            shown = derivations(_proved(suite.claims)) if render else {}
            planner.ahead(open_claims, seed, apart, shown, _derived_by_theorem(announce_phase))
        follow: Progress = _nothing
        if announce_phase is not None:
            follow = announce_phase("planning", "claims", 0, len(open_claims), {})
        with threadpool_limits(limits=1):  # as in the processes, so that the numbers have the same bits
            for number, claim in enumerate(open_claims, start=1):
                try:
                    plans[claim.id].append(planner.plan(claim, seed, look))
                except DerivationError as error:
                    # A control that is refused was not measured: it shows nothing of what a measurement could reject.
                    verdict = "inconclusive" if claim.origin == "control" else "violated"
                    own[claim.id] = Verdict(claim, verdict, f"the derivation refuses: {error}")
                follow(number, len(open_claims), claim.id)
        cost = None
        if look == 0 and announce_cost is not None:
            cost = _cost(suite, plans, planner, ledger, fresh)
            announce_cost(cost)
        cells = (cell for made in plans.values() for plan in made for cell in plan.cells)
        results = measure(cells, results, cost)
        for claim in open_claims:
            if len(plans[claim.id]) == look + 1:
                own[claim.id] = _judged(claim, plans[claim.id], results, failed, level, judgements)

    def again(claim: Claim, level: float) -> Verdict:
        return _judged(claim, plans[claim.id], results, failed, level, judgements)

    seen = [Seen(claim, tuple(plans[claim.id]), results, level) for claim in suite.claims if plans[claim.id]]
    decided = decide_in_sequence(suite.claims, own, again, CONFIDENCE)
    judgements.keep()
    return decided, seen


def _nothing(done: int, total: int, item: str) -> None:
    """Nobody follows."""


def _derived_by_theorem(
    announce_phase: Phase | None,
) -> Callable[[dict[str, tuple[int, float]]], Callable[[int, str], None]] | None:
    """Turns what plans tell into the counts of a phase."""
    if announce_phase is None:
        return None

    def begin(expected: dict[str, tuple[int, float]]) -> Callable[[int, str], None]:
        total, done = sum(number for number, _ in expected.values()), 0
        follow = announce_phase("deriving", "predictions", 0, total, expected)

        def step(number: int, name: str) -> None:
            nonlocal done
            for _ in range(number):
                done += 1
                follow(done, total, name)

        return step

    return begin


def _cost(suite: Suite, plans: Mapping[str, list[Plan]], planner: Plans, ledger: Ledger, fresh: bool) -> Cost:
    """What the cells of the first look cost, and the deriving beside them."""
    first = {name: made[0] for name, made in plans.items() if made}
    unrendered, rendering = rendering_cost(derivations(_proved(suite.claims)), ledger)
    return replace(
        estimate(suite.claims, first, ledger, fresh=fresh), derived=planner.derived, kept=planner.kept,
        deriving=planner.seconds, unrendered=unrendered, rendering=rendering,
    )  # fmt: skip


def _proved(claims: Iterable[Claim]) -> set[str]:
    """The solvers on whose theorems claims rest."""
    return {claim.solver for claim in claims if getattr(protocol_of(claim), "RESTS_ON_THEOREM", True)}


def _judged(
    claim: Claim, plans: list[Plan], results: _Results, failed: Mapping[str, FailedCell], level: float,
    judgements: Judgements,
) -> Verdict:  # fmt: skip
    """The claim after as many looks as there are plans, with a level for all of its looks together."""
    missing = [cell.key for plan in plans for cell in plan.cells if cell.key not in results]
    if missing:
        why = next(
            (failed[key].short() for key in missing if key in failed), "a cell was not run, since another one failed"
        )
        return Verdict(claim, "inconclusive", f"{len(missing)} of its cells have no result: {why}")
    look, levels = len(plans) - 1, look_levels(claim, level)
    at = levels[look]
    found = replace(_at_level(claim, up_to(claim, look), merged(plans), results, at, judgements), level=at)
    return found if len(levels) == 1 else replace(found, reason=f"{found.reason}; look {look + 1} of {len(levels)}")


def _at_level(
    claim: Claim, seen: Claim, plan: Plan, results: _Results, level: float, judgements: Judgements
) -> Verdict:
    met = [results[cell.key]["non_finite"] for cell in plan.cells if "non_finite" in results[cell.key]]
    if met:  # here, so that no protocol can forget it
        return Verdict(claim, "inconclusive", f"the run met a value that is not finite: {met[0]}")
    try:
        measurement = judgements.judge(seen, plan, results, level)
    except (ArithmeticError, ValueError) as error:  # one claim's numbers must not take the others along
        return Verdict(claim, "inconclusive", f"could not be judged: {error}")
    verdict, reason = decide(claim, measurement)
    return Verdict(claim, verdict, reason, measurement)


def chosen_suite(
    suite: str = "quick",
    problem: str | None = None,
    claims: Iterable[str] = (),
    only: Mapping[str, str | Iterable[str]] | None = None,
    solver: Any = None,
) -> tuple[Suite, dict[str, str]]:
    """What :func:`verify` measures for these arguments, and what is left out, with the reason."""
    if solver is not None:
        if problem is not None:
            raise ValueError(
                "problem and solver exclude each other: each has claims of its own; `zb.solve(problem, solver)` runs "
                "one on the other"
            )
        own, left_out = own_solver_suite(*solver_spec(solver))
        chosen = select(own, claims, only)
    elif problem is None:
        whole: Suite = read_suite(suite) if is_suite_file(suite) else entry("claims", suite)()
        chosen, left_out = select(whole, claims, only).without_missing()
    else:
        own, left_out = own_suite(file_spec(problem))
        chosen = select(own, claims, only)
    if not chosen.claims:
        hints = ", ".join(sorted(set(left_out.values()))) or "nothing that is installed"
        raise ValueError(f"suite {chosen.name!r} is left without claims; they need {hints}")
    return chosen, left_out


def exit_code(verdicts: Iterable[Verdict]) -> int:
    """0 if every verdict is the expected one, 1 if one is wrong, 3 if some are only inconclusive."""
    unexpected = [v for v in verdicts if not v.as_expected]
    if not unexpected:
        return 0
    return 3 if all(v.verdict == "inconclusive" for v in unexpected) else 1


def _paired(verdict: Verdict, own: dict[str, Verdict]) -> Verdict:
    """A consistent claim whose control was not rejected has shown no power."""
    if verdict.verdict != "consistent":
        return verdict
    for control in verdict.claim.controls:
        found = own[control].verdict
        if found != "violated":
            loose = " too, so that what is claimed or declared is looser than what is measured" * (
                found == "consistent"
            )
            reason = f"no power shown: the control {control} is {found}{loose}; {verdict.reason}"
            return replace(verdict, verdict="inconclusive", reason=reason)
    return verdict


def report_row(verdict: Verdict) -> dict[str, Any]:
    """The row of a verdict with what tables and figures say of its protocol."""
    claim, protocol = verdict.claim, protocol_of(verdict.claim)
    return {
        **verdict.row(),
        "protocol": claim.protocol,
        "title": protocol.TITLE,
        "summary": dict(getattr(protocol, "SUMMARY", {})),
        "tolerance": claim.tolerance,
        "controls": list(claim.controls),
        "series": strict_json(dict(verdict.measurement.series)) if verdict.measurement else {},
    }


def _content(
    suite: Suite, verdicts: list[Verdict], left_out: dict[str, str], seed: int, level: float, seconds: float
) -> dict[str, Any]:
    """What the report needs, as JSON."""
    return {
        "suite": suite.name,
        "description": suite.description,
        "seed": int(seed),
        "claims": [report_row(verdict) for verdict in verdicts],
        "protocols": descriptions(dict.fromkeys(claim.protocol for claim in suite.claims)),
        "matrix": suite.matrix(),
        "left_out": left_out,
        "confidence": CONFIDENCE,
        "level": level,
        "seconds": seconds,
        "provenance": {**provenance(), **suite.provenance},
        "derivations": derivations(_proved(verdict.claim for verdict in verdicts)),
    }
