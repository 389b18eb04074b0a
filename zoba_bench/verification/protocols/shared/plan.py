"""What a protocol hands over: the cells that a claim needs, the work in them, and what its judge will want to know."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from zoba_bench.sweep import Cell

__all__ = ["Plan", "Work", "replicate_blocks", "trajectory_cells"]

_BLOCKS = 10_000  # more than the blocks of one look


@dataclass(frozen=True)
class Plan:
    """Cells of one claim, with predictions and other context for its judge."""

    cells: tuple[Cell, ...]
    context: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_lines(cls, lines: Sequence[Sequence[Cell]], **context: Any) -> Plan:
        """A plan with several cells a point; see :meth:`rows`."""
        keys = [[cell.key for cell in line] for line in lines]
        return cls(tuple(cell for line in lines for cell in line), {**context, "keys": keys})

    def rows(self, results: Mapping[str, Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
        """Results point by point."""
        return [[results[key] for key in keys] for keys in self.context["keys"]]


@dataclass(frozen=True)
class Work:
    """What a cell does.

    Attributes
    ----------
    calls : calls of functions on whole arrays, the overhead of numpy.
    numbers : random numbers drawn, or nodes handed out in their place.
    """

    calls: float = 0.0
    numbers: float = 0.0

    def __add__(self, other: Work) -> Work:
        return Work(self.calls + other.calls, self.numbers + other.numbers)

    def times(self, iterations: float, replicates: float = 1.0) -> Work:
        """So many iterations of so many replicates, which share their calls."""
        return Work(self.calls * iterations, self.numbers * iterations * replicates)


def replicate_blocks(replicates: int, work: float, most: float = 6e7) -> list[int]:
    """Sizes of blocks of replicates that keep a cell short.

    ``work`` is the number of random numbers a replicate draws; a cell draws at most about
    ``most``. Equal sizes, fixed by content.
    """
    blocks = min(replicates, max(1, math.ceil(replicates * work / most)))
    return [replicates // blocks + (i < replicates % blocks) for i in range(blocks)]


def trajectory_cells(
    parameters: Mapping[str, Any],
    replicates: int,
    work: float,
    seed: int,
    look: int = 0,
    task: str = "zoba_bench.verification.tasks:trajectory",
) -> list[Cell]:
    """Cells of a trajectory that share out the replicates of one look; see :func:`replicate_blocks`."""
    return [
        Cell(task, {**parameters, "replicates": size, "block": _BLOCKS * look + block}, seed)
        for block, size in enumerate(replicate_blocks(replicates, work))
    ]
