"""Planted errors: one wrong component, one per cent too much, half a bound. ``python mutants.py`` prints the rates."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from zoba_bench.certification.certify import _own, measured
from zoba_bench.certification.comparison import compare, compare_constants
from zoba_bench.certification.constants import measure_constants
from zoba_bench.certification.measurement import measure
from zoba_bench.certification.numeric import points
from zoba_bench.certification.optimum import optimum
from zoba_bench.certification.outcome import Check
from zoba_bench.certification.samples import measure_spreads
from zoba_bench.certification.shapes import shapes
from zoba_bench.problem import BilevelProblem, Constants
from zoba_bench.registry import entry, list_problems, load_problem, missing_requirements

__all__ = ["Outcome", "closed_forms", "constants", "pair", "plant"]

#: Relative to 1 + the size of the entry, and as a factor.
ADDED, FACTOR = 1e-3, 1.01
#: Constants below this are zero.
ROUNDING = 1e-10
OF_X = ("inner_solution", "adjoint", "hypergradient", "value")
OF_ZX = ("inner_grad_z", "inner_grad_x", "outer_grad_z", "outer_grad_x")
PRODUCTS = ("inner_hvp_zz", "inner_jvp_xz", "inner_jvp_zx")
HESSIANS = ("inner_hessian", "outer_hessian")
FIXED = ("minimizer", "minimum")

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


def pair(name: str) -> tuple[BilevelProblem, BilevelProblem]:
    """The default instance of a registered family and the one that is proved."""
    card = getattr(entry("problems", name), "card", None)
    problem = load_problem(name)
    return problem, load_problem(name, **dict(card.small)) if card is not None and card.small else problem


def plant(problem: BilevelProblem, name: str) -> Iterator[tuple[str, Plant]]:
    """Errors in one closed form, as changes of any instance of the family; none that changes nothing."""
    kept = getattr(problem, name)
    if kept is None:
        return
    if name in FIXED:
        yield f"{name}: added", lambda q: replace(q, **{name: _added(np.asarray(getattr(q, name), float), -1)})
        if np.any(kept):
            yield f"{name}: scaled", lambda q: replace(q, **{name: FACTOR * getattr(q, name)})
        if name == "minimum":
            lower = lambda q: replace(q, minimum=q.minimum - ADDED * (1 + abs(q.minimum)))  # noqa: E731
            yield f"{name}: subtracted", lower
        return
    if name in HESSIANS:
        z, x = (w[0] for w in points(problem, np.random.default_rng(5), 1))
        for block, title in enumerate(("zz", "xz", "xx")):
            for word in ("added", "scaled") if np.any(kept(z, x)[block]) else ("added",):
                yield f"{name} {title}: {word}", _block_change(name, block, word == "scaled")
        return
    z, x = points(problem, np.random.default_rng(5), 4)
    arguments = {True: (x,), False: (z, x)}[name in OF_X]
    if name in PRODUCTS:
        arguments = (*arguments, np.ones((1, problem.d if name == "inner_jvp_zx" else problem.p)))
    index = None if name == "value" else np.shape(kept(*arguments))[-1] // 2
    yield f"{name}: added", lambda q: replace(q, **{name: _adds(getattr(q, name), index)})
    if np.any(kept(*arguments)):
        yield f"{name}: scaled", lambda q: replace(q, **{name: _scales(getattr(q, name))})


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
    for name in (*OF_X, *OF_ZX, *PRODUCTS, *HESSIANS, *FIXED):
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
        instances = pair(title)
        for kind, outcome in (("closed forms", closed_forms(*instances)), ("constants", constants(*instances))):
            total[kind][0] += len(outcome.planted)
            total[kind][1] += len(outcome.missed)
            print(f"{title:<24} {kind:<12} {outcome}", flush=True)
    for kind, (count, lost) in total.items():
        print(f"{kind}: {count - lost} of {count}")
