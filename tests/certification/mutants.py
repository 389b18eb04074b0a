"""Planted errors: one wrong component, one per cent too much, half a bound. ``python mutants.py`` prints the rates."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from zoba_bench.certification.against_symbols import compare, compare_constants
from zoba_bench.certification.certificate import Check
from zoba_bench.certification.certify import _own, instances, measured
from zoba_bench.certification.closed_forms import measure
from zoba_bench.certification.constants import measure_constants
from zoba_bench.certification.differences import points
from zoba_bench.certification.optimum import optimum
from zoba_bench.certification.shapes import shapes
from zoba_bench.certification.spreads import measure_spreads
from zoba_bench.problem import BilevelProblem, Constants
from zoba_bench.registry import list_problems, missing_requirements

__all__ = ["Outcome", "closed_forms", "constants", "plant"]

#: Relative to 1 + the size of the entry, and as a factor.
ADDED, FACTOR = 1e-3, 1.01
#: Constants below this are zero.
ROUNDING = 1e-10
OF_X = ("inner_solution", "adjoint", "hypergradient", "value")
OF_ZX = ("inner_grad_z", "inner_grad_x", "outer_grad_z", "outer_grad_x")
PRODUCTS = ("inner_hvp_zz", "inner_jvp_xz", "inner_jvp_zx")
HESSIANS = ("inner_hessian", "outer_hessian")
FIXED = ("minimizer", "minimum")
VALUES = ("inner", "outer")
# What a problem offers beyond its objectives, with the arguments: z, x, a step; of tasks phi, theta, the task, v.
OFFERED = {
    **dict.fromkeys(("project_x", "optimistic_solution", "distance_to_solutions", "reduced_adjoint"), "x"),
    "project_z": "z",
    **dict.fromkeys(
        (
            "inner_smooth", "inner_smooth_grad_z", "inner_smooth_grad_x", "inner_rest", "inner_rest_grad_x",
            "distance_to_lower",
        ),
        "zx",
    ),
    "inner_prox": "zxs",
    "mirror_step": "zzs",
    **dict.fromkeys(("tasks.initial", "tasks.adapted"), "ti"),
    "tasks.initial_pullback": "tiv",
    **dict.fromkeys(
        ("tasks.inner_grad", "tasks.outer", "tasks.outer_grad_phi", "tasks.outer_grad_theta"), "fti"
    ),
    **dict.fromkeys(("tasks.inner_hvp", "tasks.inner_cross"), "ftiv"),
}  # fmt: skip
OFFERED_FIXED = ("pl", "tasks.probabilities", "tasks.first_order_point")
# One number a point.
NUMBERS = (*VALUES, "value", "inner_smooth", "inner_rest", "distance_to_lower", "distance_to_solutions", "tasks.outer")

Plant = Callable[[BilevelProblem], BilevelProblem]


@dataclass(frozen=True)
class Outcome:
    """What became of the planted errors of one problem."""

    planted: tuple[str, ...]
    missed: tuple[str, ...]

    def __str__(self) -> str:
        seen = len(self.planted) - len(self.missed)
        return f"{seen} of {len(self.planted)} planted errors seen" + (
            f"; not {', '.join(self.missed)}" if self.missed else ""
        )


def plant(problem: BilevelProblem, name: str) -> Iterator[tuple[str, Plant]]:
    """Errors in one closed form, as changes of any instance of the family; none that changes nothing."""
    kept = _declared(problem, name)
    if kept is None:
        return
    if name in HESSIANS:
        z, x = (w[0] for w in points(problem, np.random.default_rng(5), 1))
        for block, title in enumerate(("zz", "xz", "xx")):
            for word in ("added", "scaled") if np.any(kept(z, x)[block]) else ("added",):
                yield f"{name} {title}: {word}", _block_change(name, block, word == "scaled")
        return
    if name in (*FIXED, *OFFERED_FIXED):
        yield f"{name}: added", lambda q: _with(q, name, lambda right: _added(np.asarray(right, float), -1))
        if np.any(kept):
            yield f"{name}: scaled", lambda q: _with(q, name, lambda right: FACTOR * right)
        if name == "minimum":
            yield f"{name}: subtracted", lambda q: replace(q, minimum=q.minimum - ADDED * (1 + abs(q.minimum)))
        return
    at = _arguments(problem, name)
    index = None if name in NUMBERS else np.shape(kept(*at))[-1] // 2
    yield f"{name}: added", lambda q: _with(q, name, lambda right: _adds(right, index))
    if np.any(kept(*at)):
        yield f"{name}: scaled", lambda q: _with(q, name, _scales)


def _declared(problem: BilevelProblem, name: str) -> Any:
    """What is declared under a name of the problem, of its capabilities, or of their tasks."""
    if name not in OFFERED and name not in OFFERED_FIXED:
        return getattr(problem, name)
    owner, _, last = name.rpartition(".")
    holder = problem.capabilities.tasks if owner else problem.capabilities
    return None if holder is None else getattr(holder, last)


def _with(problem: BilevelProblem, name: str, change: Callable[[Any], Any]) -> BilevelProblem:
    wrong = change(_declared(problem, name))
    if name not in OFFERED and name not in OFFERED_FIXED:
        return replace(problem, **{name: wrong})
    owner, _, last = name.rpartition(".")
    if owner:
        last, wrong = owner, replace(problem.capabilities.tasks, **{last: wrong})
    return replace(problem, capabilities=replace(problem.capabilities, **{last: wrong}))


def _arguments(problem: BilevelProblem, name: str) -> tuple[Any, ...]:
    """Points where a function is not zero, if it is not zero everywhere."""
    z, x = points(problem, np.random.default_rng(5), 4)
    if name in OFFERED:
        tasks = problem.capabilities.tasks
        phi = np.ones(1) if tasks is None else np.ones((4, tasks.count, tasks.q))
        letters = {"z": z, "x": x, "s": 0.5, "f": phi, "t": x[:, None], "v": phi}
        if tasks is not None:
            letters["i"] = np.arange(tasks.count)
        return tuple(letters[letter] for letter in OFFERED[name])
    if name in PRODUCTS:
        return z, x, np.ones((1, problem.d if name == "inner_jvp_zx" else problem.p))
    return (x,) if name in OF_X else (z, x)


def _block_change(name: str, block: int, scaled: bool) -> Plant:
    return lambda q: replace(q, **{name: _in_block(getattr(q, name), block, scaled)})


def _adds(function: Callable[..., Any], index: int | None) -> Callable[..., Any]:
    return lambda *at: _added(np.asarray(function(*at)), index)


def _scales(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *at: FACTOR * function(*at)


def _added(values: np.ndarray, index: int | None) -> Any:
    values = np.array(values, dtype=float)
    if index is None or values.ndim == 0:
        return (values + ADDED * (1 + np.abs(values)))[()]
    # A small instance may have fewer entries.
    index = min(index, values.shape[-1] - 1)
    values[..., index] += ADDED * (1 + np.abs(values[..., index]))
    return values


def _in_block(function: Callable[..., Any], index: int, scaled: bool) -> Callable[..., Any]:
    def wrong(z: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, ...]:
        blocks = [np.array(block) for block in function(z, x)]
        if scaled:
            blocks[index] *= FACTOR
        else:
            blocks[index][-1, 0] += ADDED * (1 + abs(blocks[index][-1, 0]))
        return tuple(blocks)

    return wrong


def closed_forms(problem: BilevelProblem, small: BilevelProblem) -> Outcome:
    """Which of the errors planted in every declared closed form the certificate does not see."""
    planted, missed = [], []
    for name in (*VALUES, *OF_X, *OF_ZX, *PRODUCTS, *HESSIANS, *FIXED, *OFFERED, *OFFERED_FIXED):
        for label, change in plant(problem, name):
            planted.append(label)
            if not any(_fails(part) for part in _parts(change(problem), change(small))):
                missed.append(label)
    return Outcome(tuple(planted), tuple(missed))


def _parts(problem: BilevelProblem, small: BilevelProblem) -> Iterator[Callable[[], list[Check]]]:
    """The parts of a certificate, the cheap ones first; its proofs do not depend on the numerical functions."""
    for part in (measure, shapes, optimum):
        yield lambda part=part: part(problem, np.random.default_rng(1))
    yield lambda: _own(problem)
    if small.symbolic is not None:
        yield lambda: compare(small, small.symbolic(), np.random.default_rng(2))
    yield lambda: measured(problem)


def _fails(part: Callable[[], list[Check]]) -> bool:
    try:
        return any(not check.ok for check in part())
    except Exception:  # the certificate reports it as a failing check
        return True


def constants(problem: BilevelProblem, small: BilevelProblem) -> Outcome:
    """Which declared constants could be half (mu: twice) what they are, and the certificate would not see it."""
    symbols = None if small.symbolic is None else small.symbolic()
    planted, missed = [], []
    for name in (f.name for f in fields(Constants)):
        value = getattr(problem.constants, name)
        if name in ("radius", "sampled") or value is None or abs(value) < ROUNDING:  # half of zero is zero
            continue
        planted.append(name)

        def wrong(q: BilevelProblem, name: str = name) -> BilevelProblem:
            kept = getattr(q.constants, name)
            changed = None if kept is None else kept * (2 if name == "mu" else 0.5)
            return replace(q, constants=replace(q.constants, **{name: changed}))

        of = "R_0" if name == "R_g" else name
        parts: list[Callable[[], list[Check]]] = [
            lambda: measure_constants(wrong(problem), np.random.default_rng(3), only=of),  # noqa: B023
            lambda: measure_constants(wrong(small), np.random.default_rng(3), only=of),  # noqa: B023
            lambda: measure_spreads(wrong(problem), np.random.default_rng(3)),
        ]
        if symbols is not None and name in symbols.constants:
            parts.append(lambda: compare_constants(wrong(small), symbols, only=name))  # noqa: B023
        if not any(map(_fails, parts)):
            missed.append(name)
    return Outcome(tuple(planted), tuple(missed))


if __name__ == "__main__":
    total = {"closed forms": [0, 0], "constants": [0, 0]}
    for title in sys.argv[1:] or [n for n in list_problems() if not missing_requirements(n)]:
        both = instances(title)
        for kind, outcome in (("closed forms", closed_forms(*both)), ("constants", constants(*both))):
            total[kind][0] += len(outcome.planted)
            total[kind][1] += len(outcome.missed)
            print(f"{title:<24} {kind:<12} {outcome}", flush=True)
    for kind, (count, lost) in total.items():
        print(f"{kind}: {count - lost} of {count}")
