"""Which solver is tried on which problem, with which options: the plan of a comparison."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from zoba_bench.comparison.cases import Case, cases_of
from zoba_bench.comparison.grids import GRIDS, Entry
from zoba_bench.comparison.suites import SIZES, SUITES
from zoba_bench.comparison.trial import metric_name
from zoba_bench.driver import iteration_cost
from zoba_bench.problem import BilevelProblem
from zoba_bench.problem.file import is_file
from zoba_bench.registry import card_of, list_problems, list_solvers, make_solver, problem_groups
from zoba_bench.solver_file import is_solver_file, load_solver_class, name_of_solver, title_of_solver
from zoba_bench.suggestions import unknown
from zoba_bench.sweep import Cell

__all__ = ["ACCESS", "Pair", "chosen_suite", "plan"]

#: What a solver may query: values alone, first derivatives, or products with second derivatives too.
ACCESS = ("values", "gradients", "second")
_TASK = "zoba_bench.comparison.trial:trial"
_SECOND = ("inner_hvp_zz", "inner_jvp_xz", "inner_jvp_zx")
_FIRST = ("inner_grad_z", "inner_grad_x", "outer_grad_z", "outer_grad_x")


@dataclass(frozen=True, eq=False)
class Pair:
    """A solver on a problem at one size, with the options that are tried."""

    case: Case
    solver: str
    entry: Entry
    metric: str

    @property
    def title(self) -> str:
        """Of the pair in words."""
        return f"{title_of_solver(self.solver)} on {self.case.title}"

    def budget(self, suite: Mapping[str, Any]) -> int:
        """Evaluations of a run: as many as the suite says, or as many for each coordinate."""
        whole = suite.get("budget")
        return int(whole or suite["budget_per_dimension"] * (self.case.problem.p + self.case.problem.d))

    def cells(
        self, options: Mapping[str, Any], suite: Mapping[str, Any], seed: int, phase: str, share: float = 1.0
    ) -> list[Cell]:
        """A cell for each instance of the phase, "tune" or "measure", with a share of the budget."""
        tuning = phase == "tune"
        return [
            Cell(
                _TASK,
                {"problem": dict(instance.spec), "solver": self.solver, "options": dict(options), "phase": phase,
                 "budget": round(share * self.budget(suite)), "gradient_cost": suite["gradient_cost"],
                 "start": instance.start, "replicates": suite["tuning_replicates" if tuning else "replicates"]},
                seed,
            )
            for instance in (self.case.tuned if tuning else self.case.measured)
        ]  # fmt: skip


def chosen_suite(suite: str, **changes: Any) -> dict[str, Any]:
    """The settings of a suite with what is not None replaced; ValueError for an unknown name."""
    if suite not in SUITES:
        raise ValueError(unknown("comparison", suite, sorted(SUITES)))
    made = {**SUITES[suite], **{name: value for name, value in changes.items() if value is not None}}
    if changes.get("sizes"):  # asked for by name: of every family that has them
        made.pop("sized", None)
    for size in made["sizes"]:
        if size not in SIZES:
            raise ValueError(unknown("size", size, list(SIZES)))
    return made


def plan(
    suite: str = "compare", *, problems: Iterable[str] = (), solvers: Iterable[str] = (), groups: Iterable[str] = (),
    sizes: Iterable[str] = (), access: Iterable[str] = (), perturbation: Mapping[str, Any] = {},
    settings: Mapping[str, Any] | None = None,
) -> tuple[list[Pair], dict[str, str]]:  # fmt: skip
    """Pairs of a suite, and why every other solver does not run on a problem ("solver on problem" -> reason).

    Parameters
    ----------
    suite : name of a comparison.
    problems, solvers : names; all of the suite's where empty. "file.py:name" and "file.py:Class" are one's own.
    groups : parts of the catalogue; all where empty.
    sizes : of ``SIZES``; the suite's where empty.
    access : of ``ACCESS``, what solvers may query; any where empty.
    perturbation : keywords of :func:`zoba_bench.problems.combinators.perturbed`.
    settings : of the suite, changed; as they are declared where None.

    Raises
    ------
    ValueError
        For a name that the suite does not have.
    """
    settings = chosen_suite(suite, sizes=list(sizes) or None) if settings is None else settings
    names = list(problems)
    specs = settings["problems"] or [
        {"name": name} for name in list_problems() if name in names or not _costly(name)
    ]  # fmt: skip
    wanted = _chosen("problem", [name for name in names if not is_file(name)], [spec["name"] for spec in specs])
    if names and all(map(is_file, names)):
        wanted = []
    for kind in (access := list(access)):
        if kind not in ACCESS:
            raise ValueError(unknown("access", kind, list(ACCESS)))
    allowed = _in_groups(list(groups))
    specs = [spec for spec in specs if spec["name"] in wanted and (allowed is None or spec["name"] in allowed)]
    specs += [{"name": name} for name in names if is_file(name)]
    left_out: dict[str, str] = {}
    cases = [case for spec in specs for case in cases_of(spec, settings, left_out, perturbation)]
    pairs = []
    entries = _entries(list(solvers), cases)
    for case, (name, entry) in itertools.product(cases, entries.items()):
        if access and entry.oracle not in access:
            continue
        metric = metric_name(case.problem)
        lacking = make_solver(name).lacking(case.problem)
        if not metric:
            lacking = ["a known hypergradient or minimum to be measured by"]
        if lacking:
            left_out[Pair(case, name, entry, metric).title] = f"needs {', and '.join(lacking)}"
        else:
            pairs.append(Pair(case, name, entry, metric))
    return pairs, left_out


def _costly(name: str) -> bool:
    """Whether closed forms are found by iterations: such a problem is compared where it is asked for by name."""
    card = card_of(name)
    return card is not None and card.costly


def _in_groups(groups: list[str]) -> set[str] | None:
    """Names of the problems in these parts of the catalogue; None for all."""
    if not groups:
        return None
    known = problem_groups()
    for group in groups:
        if group not in known:
            raise ValueError(unknown("group", group, [each for each in known if each]))
    return {name for group in groups for name in known[group]}


def _entries(names: list[str], cases: list[Case]) -> dict[str, Entry]:
    """The solvers with their places; of one's own with the grid that it declares."""
    own = [name for name in names if is_solver_file(name)]
    listed = [name for name in names if not is_solver_file(name)]
    known = [name for name in list_solvers() if name in GRIDS]
    chosen = [] if own and not listed else _chosen("solver", listed, known)
    return {**{name: GRIDS[name] for name in chosen}, **{name_of_solver(name): _own_entry(name, cases) for name in own}}


def _own_entry(name: str, cases: list[Case]) -> Entry:
    """Of a class that may have ``grid``, options with the values to try, and ``loops``, "single" or "two".

    What it may query is what an iteration does query on the first problem that it fits.
    """
    made = load_solver_class(name)
    grid = getattr(made, "grid", {})
    if not isinstance(grid, Mapping):
        raise ValueError(f"grid of {name} must be a mapping of options to the values to try, got {grid!r}")
    options = tuple(dict(zip(grid, point, strict=True)) for point in itertools.product(*grid.values()))
    entry = Entry(str(getattr(made, "loops", "single")), "values", options)
    solver = make_solver(name, **options[0])
    fitting = (case.problem for case in cases if not solver.lacking(case.problem))
    problem = next(fitting, None)
    return entry if problem is None else replace(entry, oracle=_queried(solver, problem))


def _queried(solver: Any, problem: BilevelProblem) -> str:
    cost = iteration_cost(problem, solver, np.random.default_rng(0))
    return "second" if any(map(cost.get, _SECOND)) else "gradients" if any(map(cost.get, _FIRST)) else "values"


def _chosen(what: str, names: Iterable[str], known: list[str]) -> list[str]:
    wanted = list(names) or known
    for name in wanted:
        if name not in known:
            raise ValueError(unknown(f"{what} of the comparison:", name, known))
    return wanted
