"""What a run will cost, before its first cell starts: the cells to run, and CPU-seconds by protocol.

A cell costs nothing if the ledger holds its result, and as many seconds as it took before if the ledger holds it under
other code. The seconds of every other cell are estimated from its work: the number of calls of functions on arrays, and
the number of random numbers drawn. A dry run counts both for one iteration of one replicate; it evaluates nothing. All
replicates share the calls of an iteration, and each draws numbers of its own. So the calls are multiplied by the
iterations, and the numbers by iterations and replicates. What a call and a number take on this machine is measured by
runs of a few milliseconds.
"""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from zoba_bench.directions import generator
from zoba_bench.driver import run
from zoba_bench.ledger import Ledger
from zoba_bench.oracle import DryOracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.sweep import Cell, fingerprint, run_cell
from zoba_bench.tasks import target
from zoba_bench.verification.claim import Claim
from zoba_bench.verification.protocols.shared.named import build_problem, build_solver
from zoba_bench.verification.protocols.shared.plan import Plan, Work

__all__ = ["Cost", "Rates", "Share", "estimate", "measure_rates", "work_of"]


@dataclass(frozen=True)
class Rates:
    """Seconds of a cell beside its work, of a call, and of a random number with the evaluations that it serves."""

    cell: float
    call: float
    number: float

    def seconds(self, work: Work) -> float:
        """What a cell with this work takes."""
        return self.cell + self.call * work.calls + self.number * work.numbers


@dataclass(frozen=True)
class Share:
    """Cost of one protocol: its claims, the cells that are run, those that the ledger holds, CPU-seconds."""

    protocol: str
    claims: int
    cells: int
    found: int
    seconds: float


@dataclass(frozen=True)
class Cost:
    """Shares by protocol, the rates in use, and for how many cells seconds of other code stood in.

    Beside the cells: for how many claims predictions were ``derived`` just now and in how many CPU-seconds
    (``deriving``), for how many they were ``kept``; how many derivations a report would have to render
    (``unrendered``), and in about how many (``rendering``). ``expected`` has, by the key of a cell to run, 1 and its
    CPU-seconds.
    """

    shares: tuple[Share, ...]
    rates: Rates | None
    remembered: int
    derived: int = 0
    kept: int = 0
    deriving: float = 0.0
    unrendered: int = 0
    rendering: float = 0.0
    expected: Mapping[str, tuple[int, float]] = field(default_factory=dict)

    @property
    def cells(self) -> int:
        """Cells to run."""
        return sum(share.cells for share in self.shares)

    @property
    def found(self) -> int:
        """Cells that the ledger holds."""
        return sum(share.found for share in self.shares)

    @property
    def seconds(self) -> float:
        """CPU-seconds of all cells."""
        return sum(share.seconds for share in self.shares)


def estimate(
    claims: Iterable[Claim],
    plans: Mapping[str, Plan],
    ledger: Ledger,
    rates: Rates | None = None,
    fresh: bool = False,
) -> Cost:
    """Cost of the cells of these plans.

    Parameters
    ----------
    claims : those of a suite; one without a plan costs nothing. A cell that several share belongs to the first.
    plans : plan by claim.
    ledger : whose rows are not run again.
    rates : measured now where None and where a cell needs them.
    fresh : whether cells are run although the ledger holds them.
    """
    looked_up, dry = set[str](), _DryRuns()
    totals: dict[str, Share] = {}
    expected: dict[str, tuple[int, float]] = {}
    remembered = 0
    for claim in claims:
        share = totals.get(claim.protocol, Share(claim.protocol, 0, 0, 0, 0.0))
        cells = found = 0
        seconds = 0.0
        for cell in plans[claim.id].cells if claim.id in plans else ():
            if cell.key in looked_up:
                continue
            looked_up.add(cell.key)
            if not fresh and ledger.holds(cell.key, fingerprint(cell.task)):
                found += 1
                continue
            cells += 1
            before = ledger.seconds(cell.key)
            remembered += before is not None
            rates = rates or measure_rates()
            each = rates.seconds(dry.work(cell)) if before is None else before
            expected[cell.key] = 1, each
            seconds += each
        totals[claim.protocol] = replace(
            share, claims=share.claims + 1, cells=share.cells + cells, found=share.found + found,
            seconds=share.seconds + seconds,
        )  # fmt: skip
    return Cost(tuple(totals.values()), rates, remembered, expected=expected)


def work_of(cell: Cell) -> Work:
    """The work of a cell, read off the parameters that all tasks share.

    An iteration is described by ``problem``, ``solver`` and ``options`` (or a list of options, or ``batches``, or
    none). There are ``iterations`` or ``max_iterations`` of them, by default 1. The number of replicates that run
    together is ``replicates``, and they run ``blocks`` times. Where ``nodes`` (a dimension) is given, every node of the
    tensor grid counts as a replicate. A module with tasks that this does not describe has a mapping ``WORK``:
    task -> function(parameters, work of parameters).
    """
    return _DryRuns().work(cell)


class _DryRuns:
    """Work of cells; each problem is built once, each iteration tried once."""

    def __init__(self) -> None:
        self._problems: dict[str, BilevelProblem] = {}
        self._iterations: dict[str, Work] = {}

    def work(self, cell: Cell) -> Work:
        module, _, task = target(cell.task).partition(":")
        rule = getattr(importlib.import_module(module), "WORK", {}).get(task)
        return self.general(cell.parameters) if rule is None else rule(cell.parameters, self.general)

    def general(self, parameters: Mapping[str, Any]) -> Work:
        if "problem" not in parameters or "solver" not in parameters:
            return Work()
        options = parameters.get("options", parameters.get("batches", {}))
        several = options if isinstance(options, (list, tuple)) else [options]
        once = sum((self._iteration(parameters, chosen) for chosen in several), Work())
        repeats = parameters.get("iterations", parameters.get("max_iterations", 1)) * parameters.get("blocks", 1)
        return once.times(repeats, self._replicates(parameters))

    def _problem(self, spec: Mapping[str, Any]) -> BilevelProblem:
        key = json.dumps(spec, sort_keys=True)
        if key not in self._problems:
            self._problems[key] = build_problem(spec)
        return self._problems[key]

    def _replicates(self, parameters: Mapping[str, Any]) -> float:
        nodes = parameters.get("nodes")
        if nodes is None:
            return float(parameters.get("replicates") or 1)
        problem = self._problem(parameters["problem"])
        second = getattr(build_solver(parameters["solver"], {}), "needs_second_directions", False)
        return float(nodes) ** (problem.p * (2 if second else 1) + problem.d)

    def _iteration(self, parameters: Mapping[str, Any], options: Mapping[str, Any]) -> Work:
        """One iteration of one replicate."""
        if "iterations" not in parameters and "max_iterations" not in parameters and not options:
            options = {"l1": 1, "l2": 1}
        key = json.dumps([parameters["problem"], parameters["solver"], options], sort_keys=True)
        if key not in self._iterations:
            problem, solver = parameters["problem"], parameters["solver"]
            try:
                self._iterations[key] = self._dry_run(self._problem(problem), solver, options)
            except Exception:  # an estimate must not stop a run; what fails here fails there, and says why
                self._iterations[key] = Work()
        return self._iterations[key]

    @staticmethod
    def _dry_run(problem: BilevelProblem, solver: str, options: Mapping[str, Any]) -> Work:
        oracle, rng = _CallCounter(problem, 1), _NumberCounter()
        zeros = [np.zeros((1, size)) for size in (oracle.p, oracle.p, oracle.d)]
        with np.errstate(all="ignore"):
            configured = build_solver(solver, options)
            state = configured.init(oracle, rng, *zeros)
            calls, numbers = oracle.calls, rng.numbers
            configured.step(state)
        return Work(oracle.calls - calls, rng.numbers - numbers)


class _CallCounter(DryOracle):
    """Counts the calls, whatever the size of their arrays."""

    calls = 0

    def evaluate(self, *arguments: Any, **named: Any) -> Any:
        self.calls += 1
        return super().evaluate(*arguments, **named)


class _NumberCounter:
    """A generator that counts the numbers that are drawn from it, by whatever method."""

    def __init__(self) -> None:
        self.numbers = 0
        self._rng = generator(np.random.SeedSequence(0))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._rng, name)

        def draw(*arguments: Any, **named: Any) -> Any:
            drawn = method(*arguments, **named)
            self.numbers += int(np.size(drawn))
            return drawn

        return draw


def idle(rng: np.random.Generator) -> dict[str, Any]:
    """A cell that does nothing."""
    return {}


def measure_rates() -> Rates:
    """Rates of this machine now, from runs of a few milliseconds; the best of three."""
    cell = min(_timed(lambda: run_cell(Cell("zoba_bench.verification.cost:idle", {}))) for _ in range(3))
    problem = BilevelProblem("rates", 4, 4, _half_square, _half_square)
    small, large = (_calibration(problem, l, replicates) for l, replicates in ((1, 1), (64, 16)))
    few, many = (work for work, _ in (small, large))
    call = small[1] / few.calls
    number = max(large[1] - small[1], 0.1 * large[1]) / (many.numbers - few.numbers)
    return Rates(cell, call, number)


def _half_square(z: Any, x: Any, sample: Any = None) -> Any:
    difference = z - x
    return 0.5 * np.vecdot(difference, difference)


_ITERATIONS = 4


def _calibration(problem: BilevelProblem, l: int, replicates: int) -> tuple[Work, float]:
    """Work of a short run of ZOBA, and its seconds."""
    solver = build_solver("zoba", {"l1": l, "l2": l, "schedule": "constant"})
    z0, x0 = np.ones(4), np.zeros(4)
    oracle, rng = _CallCounter(problem, 1), _NumberCounter()
    solver.step(solver.init(oracle, rng, z0[None], z0[None], x0[None]))
    work = Work(oracle.calls, rng.numbers).times(_ITERATIONS, replicates)

    def trial() -> None:
        run(problem, solver, z0=z0, x0=x0, rng=generator(np.random.SeedSequence(0)), replicates=replicates,
            max_iterations=_ITERATIONS, record_every=None)  # fmt: skip

    return work, min(_timed(trial) for _ in range(3))


def _timed(function: Callable[[], Any]) -> float:
    """CPU-seconds: the machine may be shared."""
    start = time.process_time()
    function()
    return time.process_time() - start
