"""Which instances of which problems a comparison is about: some to tune on, others to measure on."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.comparison.suites import SIZES
from zoba_bench.problem import BilevelProblem
from zoba_bench.problem.file import file_spec, is_file
from zoba_bench.registry import RegistryError, entry, load_problem, missing_requirements

__all__ = ["Case", "Instance", "cases_of", "start_of"]

#: Instances to tune on have this added to their number, so that none of them is measured.
_TUNED = 1000


@dataclass(frozen=True)
class Instance:
    """One problem with one start: what a run is made of.

    Attributes
    ----------
    spec : the arguments of :func:`zoba_bench.load_problem`.
    start : names the start.
    """

    spec: Mapping[str, Any]
    start: int


@dataclass(frozen=True, eq=False)
class Case:
    """A problem at one size.

    Attributes
    ----------
    title : how it is shown: the name, and the size where it is not the family's own.
    name, group, size : of the problem, of its part of the catalogue, and of p and d.
    problem : the first instance, for what does not depend on which it is.
    tuned, measured : instances, none of them in both.
    """

    title: str
    name: str
    group: str
    size: str
    problem: BilevelProblem
    tuned: tuple[Instance, ...]
    measured: tuple[Instance, ...]


def cases_of(
    spec: Mapping[str, Any], suite: Mapping[str, Any], left_out: dict[str, str], perturbation: Mapping[str, Any] = {},
) -> list[Case]:  # fmt: skip
    """A case for each size that the problem has; of the others ``left_out`` gets the reasons.

    Parameters
    ----------
    spec : "name" and parameters; its p and d are those of the size "small".
    suite : with "sizes", "instances" and "tuning_instances"; "sized" names the families that have all of the sizes,
        where not all of them do.
    perturbation : keywords of :func:`zoba_bench.problems.combinators.perturbed`, which every instance gets.
    """
    name = str(spec["name"])
    if not is_file(name):
        try:
            missing = missing_requirements(name)
        except RegistryError as error:  # of a broken plug-in
            left_out[f"all on {name}"] = str(error)
            return []
        if missing:
            left_out[f"all on {name}"] = f"not installed: {', '.join(missing)}"
            return []
    alone = is_file(name) or name not in suite.get("sized", [name])
    sizes = {"small": (None, None)} if alone else {size: SIZES[size] for size in suite["sizes"]}
    found, seen = [], set()
    for size, (p, d) in sizes.items():
        wanted = dict(spec) if p is None else {**spec, "p": p, "d": d}
        short = name.replace("\\", "/").rpartition("/")[2]
        title = short if p is None else f"{short} ({size})"
        try:
            case = _case(title, size, wanted, suite, perturbation)
        except RegistryError as error:
            left_out[f"all on {title}"] = str(error)
            continue
        except ValueError as error:
            if (p is None and not perturbation) or is_file(name):
                raise
            left_out[f"all on {title}"] = str(error) if p is None else f"no such size: {error}"
            continue
        if (dimensions := (case.problem.p, case.problem.d)) not in seen:
            found.append(case)
        seen.add(dimensions)
    return found


def start_of(problem: BilevelProblem, number: int) -> tuple[Array, Array]:
    """The start (z0, x0) of that number.

    A problem whose start is always the same has it under 0. Under another number x0 is moved in a random direction, by
    about half of 1 + |x0|, and back into X, so that no run that is measured starts where one was tuned. A direction
    that leads out of X at once, and so back to x0, is turned round.
    """
    z0, x0 = problem.initial_point(np.random.default_rng(number))
    if number == 0 or not np.array_equal(x0, problem.initial_point(np.random.default_rng(0))[1]):
        return z0, x0
    step = np.random.default_rng(number).standard_normal(problem.d) / np.sqrt(problem.d)
    move = 0.5 * (1.0 + np.linalg.norm(x0)) * step
    project = problem.capabilities.project_x
    if project is None:
        return z0, x0 + move
    moved = project(x0 + move)
    return z0, project(x0 - move) if np.array_equal(moved, x0) else moved


def _case(
    title: str, size: str, spec: Mapping[str, Any], suite: Mapping[str, Any], perturbation: Mapping[str, Any]
) -> Case:  # fmt: skip
    def numbered(numbers: range) -> tuple[Instance, ...]:
        return tuple(Instance(_numbered(spec, number, perturbation), number) for number in numbers)

    measured = numbered(range(suite["instances"]))
    tuned = numbered(range(_TUNED, _TUNED + suite["tuning_instances"]))
    plain = load_problem(**_numbered(spec, 0, {}))
    problem = load_problem(**dict(measured[0].spec)) if perturbation else plain
    group = "own" if is_file(str(spec["name"])) else (plain.card.group if plain.card is not None else "")
    return Case(title, str(spec["name"]), group, size, problem, tuned, measured)


def _numbered(spec: Mapping[str, Any], number: int, perturbation: Mapping[str, Any]) -> dict[str, Any]:
    """The instance of that number: its seed, where the family has one."""
    name = str(spec["name"])
    if is_file(name):
        if perturbation:
            raise ValueError(
                f"{name} is perturbed in its own file: return zoba_bench.problems.combinators.perturbed(problem, ...)"
            )
        return {**spec, **file_spec(name)}
    seeded = "seed" in inspect.signature(entry("problems", name)).parameters
    made: dict[str, Any] = {**spec, "seed": number} if seeded else dict(spec)
    if not perturbation:
        return made
    taken: dict[str, Any] = {key: made.pop(key) for key in ("p", "d", "seed") if key in made}
    options = {key: value for key, value in made.items() if key != "name"}
    asked: dict[str, Any] = {"permute": False, "rotate": False, **perturbation}
    return {"name": "perturbed", "base": name, **taken, "options": options, **asked}
