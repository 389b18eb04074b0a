"""A few replicates from a few iterations of P10: what a claim has to run, and which mistakes it then sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoba_bench.driver import iteration_cost
from zoba_bench.oracle import DERIVATIVES
from zoba_bench.problem import BilevelProblem
from zoba_bench.verification.declarations import MISTAKES, DeclarationError, mistaken
from zoba_bench.verification.protocols.shared.named import build_problem, build_solver
from zoba_bench.verification.protocols.whole_step import FAR, steps_from
from zoba_bench.verification.suites.own_solver.numbering import beside_k
from zoba_bench.verification.suites.own_solver.parts import Parts, Spec, pilot_rng
from zoba_bench.verification.suites.own_solver.randomness import randomness

__all__ = ["pilot"]

_PILOT = 64  # replicates
#: What is allowed shall be this share of a move; P10 refuses to judge beyond 0.5.
_SHARP = 0.2
_BLUNT = 0.4  # and no larger one
_CRITICAL = 5.5  # of a t test among all coordinates, blocks and claims
_FEWEST = 1024  # replicates, where there is noise
_AT_ONCE, _MOST_NUMBERS = 1e7, 2e8  # doubles that one step may hold, and that the steps of a cell may
_LATER = 1000
_ITERATIONS: tuple[tuple[int, ...], ...] = ((0, 3, 50), (0, 3, 20), (0, 3, 11))


def pilot(parts: Parts, spec: Spec, update: Any, exact: bool) -> tuple[dict[str, Any], list[str]] | str:
    """The parameters of a claim that a few replicates show to be sharp, and the mistakes that it can see.

    Where its steps diverge it has no mistake to see. A word instead says why there is none. A declaration of a wrong
    form is an error here, before anything is measured.
    """
    problem, solver, options = build_problem(spec), parts.solver, parts.options
    queries = sum(iteration_cost(problem, build_solver(solver, options), pilot_rng()).values()) + 2
    width = queries * (problem.p + problem.d)
    most = max(_PILOT, int(_MOST_NUMBERS / width))
    # Of a step that all replicates share, their mean is one draw: that is for P11 to refuse.
    if shared := randomness(parts, spec).shared:
        return f"replicates share their random numbers ({', '.join(shared)}): their mean is no mean over draws; see P11"
    steps: dict[int, _Step] = {}
    best: tuple[float, tuple[int, ...]] = (np.inf, ())
    iterations: tuple[int, ...]
    for iterations in _ITERATIONS:
        for k in (k for k in iterations if k not in steps):
            with np.errstate(all="ignore"):
                row = steps_from(pilot_rng(), spec, solver, options, k, _PILOT, exact)
            values = [np.ravel(row[side][name]) for side in ("before", "mean") for name in ("z", "v", "x")]
            if any(each is None or abs(each) > FAR for several in values for each in several):
                # A claim on this step, and on the state to which it leads: inconclusive if steps are as declared.
                diverged = {"problem": spec, "options": options, "iterations": [k, k + 1], "replicates": _PILOT}
                return ({**diverged, "exact": True} if exact else diverged), []
            try:
                steps[k] = _Step.seen(problem, update, options, row, k, exact)
            except DeclarationError:
                raise
            except ValueError as error:  # the declaration does not speak of this problem
                return str(error)
            except TypeError:
                absent = [name for name in DERIVATIVES if getattr(problem, name) is None]
                if not absent:
                    raise
                return f"the expected step asks for a derivative, and {spec['name']} declares no {', '.join(absent)}"
        needed = _needed([steps[k] for k in iterations])
        best = min(best, (needed, iterations))
        if needed <= most:
            break
    needed, iterations = best
    if needed > most * (_BLUNT / _SHARP) ** 2:
        return f"its noise hides a factor 2 in the step: {needed:.2g} replicates would show it, {most} fit into a cell"
    # Limits of a mean that is rarely anything but zero, as of a memory of one sample, take many replicates.
    replicates = 1 if needed == 0 else int(min(most, max(_FEWEST, 2.0 ** np.ceil(np.log2(needed)))))
    size = max(1, int(_AT_ONCE / width))
    blocks = -(-replicates // size)
    replicates = blocks * (-(-replicates // blocks))
    seen = [name for name in MISTAKES if any(steps[k].shows(name, problem, replicates) for k in iterations)]
    if not seen:
        return "the declared step moves nothing there"
    found = {"problem": spec, "options": options, "iterations": list(iterations), "replicates": replicates // blocks}
    if blocks > 1:
        found["blocks"] = blocks
    if not exact:
        found["company"] = True
    _add_far_on(parts, spec, found, problem, update, exact, replicates)
    return {**found, "exact": True} if exact else found, seen


def _add_far_on(
    parts: Parts, spec: Spec, found: dict[str, Any], problem: BilevelProblem, update: Any, exact: bool, replicates: int
) -> None:
    """A step far on, if so many replicates see it: of an early state with another k, or of one that a run comes to.

    The latter where a state counts something beside k. What is not looked at is left out by name.
    """
    counted = bool(beside_k(parts, spec))
    given: dict[str, Any] = {"iteration": _LATER} if counted else {"iteration": 3, "numbered": _LATER}
    with np.errstate(all="ignore"):
        row = steps_from(pilot_rng(), spec, parts.solver, parts.options, replicates=_PILOT, exact=exact, **given)
    reason = "it diverges there"
    ends = np.concatenate([np.array(row[side][name], dtype=float) for side in ("before", "mean") for name in "zvx"])
    if np.all(np.abs(ends) <= FAR):
        step = _Step.seen(problem, update, parts.options, row, _LATER, exact)
        if _needed([step]) <= replicates * (_BLUNT / _SHARP) ** 2:
            if counted:
                found["iterations"].append(_LATER)
            else:
                found["later"] = _LATER
            return
        reason = "its noise hides a factor 2 there"
    parts.left_out[f"P10 on {spec['name']} beyond k = {found['iterations'][-1]}"] = reason


@dataclass(frozen=True)
class _Step:
    """One step of a pilot: the state, its expected next one, and the noise of each block."""

    update: Any
    options: Mapping[str, Any]
    state: dict[str, Any]
    expected: Any
    variance: dict[str, Any]

    @classmethod
    def seen(cls, problem: BilevelProblem, update: Any, options: Mapping[str, Any], row: Mapping[str, Any], k: int,
             exact: bool) -> _Step:  # fmt: skip
        state: dict[str, Any] = {name: np.array(values, dtype=float) for name, values in row["before"].items()}
        state["k"] = k
        variance = {
            name: np.array(values, dtype=float) for name, values in row["variance"].items() if name == "x" or not exact
        }  # fmt: skip
        for name, values in variance.items():  # what BLAS rounds differently from row to row is no noise
            values[np.sqrt(values) < 1e-13 * (1 + np.max(np.abs(state[name]), initial=0.0))] = 0.0
        return cls(update, options, state, update.step(problem, options, state), variance)

    def needed(self) -> dict[str, float]:
        """By block, how many replicates make what is allowed a small share of its move; 0 where nothing is random."""
        found = {}
        for name, variance in self.variance.items():
            move = float(np.mean((self.expected.mean[name] - self.state[name]) ** 2)) if variance.size else 0.0
            if move > 0:
                found[name] = _CRITICAL**2 * float(np.mean(variance)) / (_SHARP**2 * move)
            elif np.any(variance > 0):
                found[name] = np.inf  # noise alone: of that nothing can be said
        return found

    def shows(self, mistake: str, problem: BilevelProblem, replicates: int) -> bool:
        """Whether the mistake moves a coordinate by twice what is allowed."""
        wrong = mistaken(self.update, mistake).step(problem, self.options, self.state)
        return any(
            bool(np.any(
                np.abs(wrong.mean[name] - self.expected.mean[name])
                > 2 * (_CRITICAL * np.sqrt(variance / replicates) + self.expected.bias.get(name, 0.0))
            ))
            for name, variance in self.variance.items()
        )  # fmt: skip


def _needed(steps: Sequence[_Step]) -> float:
    """Iterates must be sharp at every k, memories, which settle, at one; pure noise is left to the coordinates."""
    blocks: dict[str, list[float]] = {}
    for step in steps:
        for name, number in step.needed().items():
            blocks.setdefault(name, []).append(number)
    return max(
        (max((n for n in numbers if n < np.inf), default=0.0) if name in ("z", "v", "x") else min(numbers)
         for name, numbers in blocks.items()), default=0.0,
    )  # fmt: skip
