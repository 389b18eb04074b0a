"""What a solver's steps draw: whether anything, whether it moves them, and whether replicates share it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.directions import generator
from zoba_bench.oracle import Oracle
from zoba_bench.verification.declarations import start
from zoba_bench.verification.protocols.shared.named import build_problem, build_solver
from zoba_bench.verification.protocols.whole_step import blocks, copies
from zoba_bench.verification.suites.own_solver.parts import Parts, Spec, pilot_rng

__all__ = ["Randomness", "randomness"]

#: Streams from which the same step is taken; of whole numbers that are drawn the same ones may come several times.
_STREAMS = 12
_REPLICATES = 4
#: Iterations before the step: the first step of a method with a memory may have no noise.
_BEFORE = (0, 2)


@dataclass(frozen=True)
class Randomness:
    """What steps from one state showed.

    Attributes
    ----------
    drawn : whether the solver's generator was asked for anything.
    moves : whether a step differs from replicate to replicate, or from stream to stream.
    shared : blocks of the state that differ from stream to stream, and never from replicate to replicate.
    """

    drawn: bool
    moves: bool
    shared: tuple[str, ...]


def randomness(parts: Parts, spec: Spec) -> Randomness:
    """Steps from the same state, for several replicates, from several streams."""
    problem, solver = build_problem(spec), build_solver(parts.solver, parts.options)
    rng = pilot_rng()
    untouched = _mark(rng)
    one = solver.init(Oracle(problem, 1), rng, *(a[None] for a in start(problem)))
    drawn, of_replicates, of_streams = False, set[str](), set[str]()
    with np.errstate(all="ignore"):
        for k in range(max(_BEFORE) + 1):
            if k in _BEFORE:
                ends: dict[str, list[Array]] = {}
                for number in range(_STREAMS):
                    stream = generator(np.random.SeedSequence([13, number]))
                    fresh = _mark(stream)
                    after = solver.step(copies(one, Oracle(problem, _REPLICATES), stream))
                    drawn = drawn or _mark(stream) != fresh
                    for name, values in blocks(after):
                        ends.setdefault(name, []).append(values)
                stacked = {name: np.stack(values) for name, values in ends.items()}  # streams, replicates, coordinates
                of_replicates |= {name for name, values in stacked.items() if _differ(values, 1)}
                of_streams |= {name for name, values in stacked.items() if _differ(values[:, 0], 0)}
            one = solver.step(one)
    shared = tuple(sorted(of_streams - of_replicates))
    return Randomness(drawn or _mark(rng) != untouched, bool(of_replicates | of_streams), shared)


def _mark(rng: np.random.Generator) -> tuple[str, int]:
    """What every draw changes, and every child that is spawned."""
    sequence: Any = rng.bit_generator.seed_seq
    return str(rng.bit_generator.state), sequence.n_children_spawned


def _differ(values: Array, axis: int) -> bool:
    """Whether numbers differ along an axis by more than BLAS rounds differently from row to row."""
    with np.errstate(all="ignore"):
        apart = np.ptp(values, axis=axis) > 1e-12 * (1 + np.abs(values).max(axis=axis))
    return bool(apart.any())
