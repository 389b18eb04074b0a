"""The directions of an iteration: what is drawn, and in which blocks.

An iteration with many directions draws and uses them block by block, so that its memory does not grow with their
number. The blocks follow from the sizes of the problem and the options of the solver alone. Results therefore depend
neither on the memory of a machine nor on any limit: a sum over directions is the sum over the same blocks in the same
order everywhere.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from zoba_bench.arrays import Array, Samples
from zoba_bench.directions import Law
from zoba_bench.oracle import Oracle
from zoba_bench.solvers.base import State

__all__ = ["ENTRIES", "Bases", "Block", "BlockState", "Common", "Directions", "Draws", "KeptState"]

#: Entries of the largest array of directions, 32 MB of doubles. Results depend on it: it is no option.
ENTRIES = 2**22

Bases = tuple[Array | None, ...]


class Directions(NamedTuple):
    """Directions and samples of one iteration, or of a block of it; arrays (R, b, l, n), samples (R, b, 1).

    ``bases`` is what the law may keep for the next iteration, in the order of the draws; None where it keeps nothing.
    """

    w: Array
    u: Array
    outer_w: Array
    outer_u: Array
    second_w: Array | None
    inner_sample: Samples | None
    outer_sample: Samples | None
    bases: Bases | None = None


@dataclass(frozen=True, eq=False)
class KeptState(State):
    """A state with the bases of the directions of its iteration."""

    bases: Bases = ()


@dataclass(frozen=True, eq=False)
class BlockState(State):
    """A state in an iteration of several blocks: values at points that no direction moves, for all of them."""

    centres: dict[str, Array] = field(default_factory=dict)


class Block(NamedTuple):
    """Samples, and directions of each, that are drawn and used together."""

    samples: slice
    directions: slice


class Common(NamedTuple):
    """What is drawn before the directions: samples (R, b, 1), and bases of all directions."""

    inner_sample: Samples | None
    outer_sample: Samples | None
    bases: Bases


class Draws(NamedTuple):
    """What an iteration draws, or a block of it: b1 x l1 inner and b2 x l2 outer directions.

    ``shared`` says that outer directions are the first of the inner ones, ``second`` that inner ones have a second w.
    """

    law: Law
    replicates: int
    p: int
    d: int
    b1: int
    l1: int
    b2: int
    l2: int
    shared: bool
    second: bool

    def shapes(self) -> list[tuple[tuple[int, ...], int]]:
        """Shapes and dimensions of the draws, in order: w, u, outer ones that are others, second ones."""
        return _shapes(*self[1:])

    @property
    def in_one_block(self) -> bool:
        """Whether :meth:`blocks` returns one."""
        entries = max(self.b1, self.b2) * max(self.l1, self.l2) * self.replicates * max(self.p, self.d)
        return entries <= ENTRIES or len(self.blocks()) == 1

    def begin(self, oracle: Oracle, rng: np.random.Generator, kept: Bases | None) -> Common:
        """Samples and bases of an iteration; ``kept`` are bases to use again."""
        inner_sample = oracle.draw_inner(rng, self.b1)
        outer_sample = oracle.draw_outer(rng, self.b2)
        bases = kept or tuple(self.law.basis(rng, shape, n) for shape, n in self.shapes())
        return Common(inner_sample, outer_sample, bases)

    def directions(self, rng: np.random.Generator, common: Common) -> Directions:
        """Directions with what was drawn before them."""
        law, _, _, _, b1, l1, b2, l2, shared, second = self
        inner_sample, outer_sample, bases = common
        drawn = [law.draw(rng, shape, n, basis) for (shape, n), basis in zip(self.shapes(), bases, strict=True)]
        w, u = drawn[:2]
        outer_w, outer_u = (w[:, :b2, :l2], u[:, :b2, :l2]) if shared else drawn[2:4]
        return Directions(
            w[:, :b1, :l1], u[:, :b1, :l1], outer_w, outer_u, drawn[-1] if second else None, inner_sample,
            outer_sample, None if bases[0] is None else bases,
        )  # fmt: skip

    def blocks(self) -> list[Block]:
        """Blocks of at most ``ENTRIES`` entries each, or of one direction in all replicates where that has more.

        A block has a multiple of the directions that the law draws together, or all of a sample.
        """
        samples, directions, each = max(self.b1, self.b2), max(self.l1, self.l2), self.replicates * max(self.p, self.d)
        if samples * directions * each <= ENTRIES:
            return [Block(slice(0, samples), slice(0, directions))]
        together = math.lcm(self.law.together(self.p), self.law.together(self.d))
        room = max(1, ENTRIES // each)
        step = min(directions, max(together, room // samples // together * together))
        many = max(1, min(samples, room // step))
        return [
            Block(slice(first, min(first + many, samples)), slice(start, min(start + step, directions)))
            for first in range(0, samples, many)
            for start in range(0, directions, step)
        ]

    def parts(self, common: Common) -> Iterator[tuple[Block, Draws, Common]]:
        """Block by block, what is drawn for it, and its samples and bases."""
        for block in self.blocks():
            samples, directions = block
            b1, b2 = (len(range(b)[samples]) for b in (self.b1, self.b2))
            l1, l2 = (len(range(l)[directions]) for l in (self.l1, self.l2))
            inner, outer = (None if sample is None else sample[:, samples] for sample in common[:2])
            bases = tuple(None if basis is None else basis[:, samples, directions] for basis in common.bases)
            yield block, self._replace(b1=b1, l1=l1, b2=b2, l2=l2), Common(inner, outer, bases)


@functools.lru_cache(maxsize=64)
def _shapes(
    r: int, p: int, d: int, b1: int, l1: int, b2: int, l2: int, shared: bool, second: bool
) -> list[tuple[tuple[int, ...], int]]:
    """See :meth:`Draws.shapes`."""
    inner = (r, max(b1, b2), max(l1, l2)) if shared else (r, b1, l1)
    shapes: list[tuple[tuple[int, ...], int]] = [(inner, p), (inner, d)]
    if not shared:
        shapes += [((r, b2, l2), p), ((r, b2, l2), d)]
    if second:
        shapes.append(((r, b1, l1), p))
    return shapes
