"""P14: published settings: defaults, and how far apart the points are that one step asks for.

Most radii leave every mean as it is, so that a mean cannot tell them. Each default of a solver is compared with the
published one. Then many replicates take one step from the same state. Of every point that is queried, the nearest other
one is sought; how far apart both are in z and in x, in the mean square for each coordinate, must be a radius that the
algorithm's box states, and each of these radii must be met.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from typing import Any

import numpy as np

from zoba_bench.arrays import Array, Samples
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.registry import entry
from zoba_bench.statistics import Limits
from zoba_bench.sweep import Cell
from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.declarations import start
from zoba_bench.verification.parameters import COUNT, FLAG, OPTIONS, PROBLEM, Parameters
from zoba_bench.verification.protocols.shared.named import build_problem, build_solver
from zoba_bench.verification.protocols.shared.plan import Plan
from zoba_bench.verification.protocols.whole_step import blocks, copies

__all__ = ["PARAMETERS", "RESTS_ON_THEOREM", "TITLE", "distances", "judge", "plan"]

TITLE = "published settings and radii"
TOLERANCE = "None: no default and no radius may differ; measured squares have the limits of a mean of normal squares."
LEAVES_OPEN = "Radii that a method finds by itself, and laws of directions beyond their second moments."
#: Settings are no statement of a theorem.
RESTS_ON_THEOREM = False
PARAMETERS = Parameters(
    {"problem": PROBLEM, "options": OPTIONS, "replicates": COUNT}, {"default_doubled": FLAG, "radius_doubled": FLAG}
)  # fmt: skip

_TASK = "query_distances"
#: Iterations before the state, points of a step that are looked at, of each level.
_SETTLED, _POINTS = 2, 40
_BLOCKS = ("z", "x")


def plan(claim: Claim, seed: int) -> Plan:
    """One cell, none for a method whose box states no radius.

    ``parameters``: "problem", "options" (with radii of different sizes and one direction, so that the nearest point
    tells them apart) and "replicates". For a control, "default_doubled": the first published number is another one,
    "radius_doubled": so are the stated radii.
    """
    if entry("updates", claim.solver).radii is None:
        return Plan(())
    chosen = claim.parameters
    common = {name: chosen[name] for name in ("problem", "options", "replicates")}
    return Plan((Cell(_TASK, {**common, "solver": claim.solver}, seed),))


class _Points(Oracle):
    """An oracle that keeps the points of the first queries of a step, by level."""

    def __init__(self, problem: BilevelProblem, replicates: int) -> None:
        super().__init__(problem, replicates)
        self.asked: dict[str, list[Array]] = {"G": [], "F": []}

    def _query(self, name: str, vectors: tuple[Array, ...], sample: Samples | None) -> Array:
        asked = self.asked["G" if name.startswith("inner") else "F"]
        if sum(points.shape[1] for points in asked) < _POINTS:
            leading = np.broadcast_shapes(*(vector.shape[:-1] for vector in vectors[:2]))
            both = [np.broadcast_to(vector, (*leading, vector.shape[-1])) for vector in vectors[:2]]
            asked.append(np.concatenate(both, axis=-1).reshape(len(vectors[0]), -1, self.p + self.d))
        return super()._query(name, vectors, sample)


def distances(
    rng: np.random.Generator, problem: Mapping[str, Any], solver: str, options: Mapping[str, Any], replicates: int
) -> dict[str, Any]:
    """Mean squares for each coordinate of z and of x, between each point and the nearest other one, and of all pairs.

    Also the state from which the step is taken.
    """
    built, configuration = build_problem(problem), build_solver(solver, options)
    configuration.check(built)
    one = configuration.init(Oracle(built, 1), rng, *(a[None] for a in start(built)))
    for _ in range(_SETTLED):
        one = configuration.step(one)
    oracle = _Points(built, replicates)
    configuration.step(copies(one, oracle, rng))
    nearest: list[list[float]] = []
    pairs: dict[str, list[float]] = {"z": [], "x": []}
    for asked in oracle.asked.values():
        if asked:
            squares = _squares(np.concatenate(asked, axis=1)[:, :_POINTS], built.p)
            total = squares["z"] * built.p + squares["x"] * built.d
            total[total == 0] = np.inf
            for i, j in enumerate(np.argmin(total, axis=1)):
                if np.isfinite(total[i, j]):
                    nearest.append([float(squares[block][i, j]) for block in _BLOCKS])
            for block in _BLOCKS:
                pairs[block] += squares[block][np.triu_indices(len(total), 1)].tolist()
    return {"before": {name: values[0].tolist() for name, values in blocks(one) if name in ("z", "v", "x")},
            "nearest": nearest, "pairs": pairs}  # fmt: skip


def _squares(points: Array, p: int) -> dict[str, Array]:
    """Mean squares over replicates and coordinates, (N, N), of what is between points (R, N, p + d); by block."""
    between = points[:, :, None] - points[:, None]
    squares = (between**2).mean(axis=0)
    return {"z": squares[..., :p].mean(axis=-1), "x": squares[..., p:].mean(axis=-1)}


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """How many settings differ; none may."""
    chosen, update = claim.parameters, entry("updates", claim.solver)
    found = list(_of_defaults(claim.solver, update.published, chosen.get("default_doubled", False)))
    problem, compared = build_problem(chosen["problem"]), len(update.published)
    for cell in plan.cells:
        row = results[cell.key]
        state = {name: np.array(values) for name, values in row["before"].items()}
        radii = update.radii(problem, chosen["options"], state)
        if chosen.get("radius_doubled"):
            radii = {block: tuple(2 * radius for radius in each) for block, each in radii.items()}
        found += _of_radii(radii, row, {"z": problem.p, "x": problem.d}, chosen["replicates"], level)
        compared += sum(map(len, radii.values()))
    number = float(len(found))
    note = f"{compared} settings compared" + (f"; {'; '.join(found)}" if found else "")
    return Measurement(0.0, number, Limits(number, number), note)


def _of_defaults(solver: str, published: Mapping[str, Any], doubled: bool) -> Iterator[str]:
    """Defaults that are not the published ones."""
    stated = dict(published)
    if doubled:
        first = next(name for name, value in stated.items() if isinstance(value, (int, float)) and value)
        stated[first] = 2 * stated[first]
    own = {each.name: each.default for each in fields(type(build_solver(solver, {})))}
    for name in dict.fromkeys([*own, *stated]):
        one, other = own.get(name, MISSING), stated.get(name, MISSING)
        if one is MISSING or other is MISSING or one != other:
            shown = ["none" if each is MISSING else repr(each) for each in (one, other)]
            yield f"the default of {name} is {shown[0]}, published is {shown[1]}"


def _of_radii(
    radii: Mapping[str, tuple[float, ...]], row: Mapping[str, Any], sizes: Mapping[str, int], replicates: int,
    level: float,
) -> Iterator[str]:  # fmt: skip
    """Distances that are no radius of the box, and radii that no distance is."""
    from scipy.special import gammaincinv

    tests = 2 * len(row["nearest"]) + sum(map(len, row["pairs"].values()))
    for block, stated in radii.items():
        # Squares of normal numbers; those of the other laws vary less. Differences of points are rounded.
        half, tail = replicates * sizes[block] / 2, (1 - level) / (2 * max(1, tests))
        low, high = (float(gammaincinv(half, at)) / half for at in (tail, 1 - tail))

        def is_radius(square: float, radius: float, low: float = low, high: float = high) -> bool:
            return (1 - 1e-6) * low * radius**2 <= square <= (1 + 1e-6) * high * radius**2

        seen = [squares[_BLOCKS.index(block)] for squares in row["nearest"]]
        foreign = [square for square in seen if square and not any(is_radius(square, radius) for radius in stated)]
        if foreign:
            yield f"points are {max(foreign) ** 0.5:.3g} apart in a coordinate of {block}, not {_listed(stated)}"
        for radius in stated:
            if not any(is_radius(square, radius) for square in [*seen, *row["pairs"][block]]):
                yield f"no points are {radius:.3g} apart in a coordinate of {block}"


def _listed(radii: tuple[float, ...]) -> str:
    return " or ".join(f"{radius:.3g}" for radius in radii)
