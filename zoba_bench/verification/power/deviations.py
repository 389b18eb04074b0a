"""Power of claims without limits of their own: those that hide them in what is allowed for each mean, and counts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.verification.declarations import update_of
from zoba_bench.verification.power.seen import Seen
from zoba_bench.verification.power.stated import POWER
from zoba_bench.verification.protocols.shared.named import build_problem
from zoba_bench.verification.protocols.whole_step import numbers

__all__ = ["EXACT", "plant", "smallest_deviation"]

#: Of these any difference is refused: there is nothing random and no tolerance.
EXACT = ("count", "bits", "statement", "breach", "setting")
_DRAWS = 2000
_ITERATES = ("z", "v", "x")
_MOST = 1e6


def smallest_deviation(seen: Seen, rng: np.random.Generator) -> tuple[float, str]:
    """The smallest relative error that is refused with the probability ``POWER``, and what it is the error of.

    It is 0 where any is refused, and infinite if none is. Of several means (of surrogates, or of z, v and x) it is that
    of the one that is seen least. Of a correlation it is the correlation.
    """
    protocol = seen.claim.protocol
    if protocol in _SPECIAL:
        return _SPECIAL[protocol](seen, rng)
    found = seen.judged(seen.levels[-1])
    if seen.claim.relation == "at_most" and found.measured > 0:
        return (found.predicted + seen.claim.tolerance) / found.measured - 1, ""
    return (seen.claim.tolerance + abs(found.measured - found.predicted)) / (abs(found.predicted) or 1.0), ""


def plant(seen: Seen, error: float, where: str) -> Mapping[str, Mapping[str, Any]] | None:
    """The results with a relative error of one mean, with one difference more, or with a correlation; or None."""
    planted = _PLANTED.get(seen.claim.protocol)
    if planted is None or not seen.plan.cells or seen.claim.parameters.get("quantity") == "order":
        return None
    return {cell.key: planted(seen.results[cell.key], error, where) for cell in seen.plan.cells}


def _bisected(refused: Callable[[float], float]) -> float:
    """The least error of which the share of refusals is ``POWER``."""
    low, high = 0.0, 1e-12
    while refused(high) < POWER:
        low, high = high, 4 * high
        if high > _MOST:
            return math.inf
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if refused(middle) >= POWER else (middle, high)
    return high


def _of_surrogates(seen: Seen, rng: np.random.Generator) -> tuple[float, str]:
    """P2: a factor on one surrogate, which its mean shows and its second moment; with the noise of draws if there are.

    What is allowed is the deviation over its ratio.
    """
    found, context = seen.judged(seen.levels[-1]), seen.plan.context
    parts = [seen.results[cell.key] for cell in seen.plan.cells]
    count, exact = sum(part["weight"] for part in parts), "nodes" in seen.claim.parameters
    ratios = {str(name): float(ratio) for ratio, name in found.series["rows"]}
    largest = (0.0, "")
    for name, target in context["target"].items():
        merged = {key: np.mean([np.asarray(part[name][key]) for part in parts], axis=0) for key in parts[0][name]}
        seen_by = []
        away, ratio = float(np.linalg.norm(merged["mean"] - target)), ratios[f"mean of {name}"]
        if ratio > 0:
            # Without noise what is there is known, and an error adds to it.
            error = np.sqrt(merged["variance"] / count)
            noise = (merged["mean"] - target)[None] if exact else rng.standard_normal((_DRAWS, len(target))) * error
            seen_by.append((noise, np.asarray(target), away / ratio, 1))
        derived, ratio = context["derived"].get(name), ratios.get(f"second moment of {name}", 0.0)
        if derived is not None and ratio > 0:
            error = np.sqrt(float(merged["second_variance"]) / count)
            away = float(merged["second"]) - derived
            noise = np.array([[away]]) if exact else rng.standard_normal((_DRAWS, 1)) * error
            seen_by.append((noise, np.array([derived]), abs(away) / ratio, 2))
        if seen_by:
            largest = max(largest, (_bisected(_beyond(seen_by)), name))
    return largest


def _beyond(seen_by: list[tuple[Array, Array, float, int]]) -> Callable[[float], float]:
    """The share of draws with |noise + ((1 + error)^power - 1) value| above what is allowed, in any of several."""

    def share(error: float) -> float:
        over = [
            np.linalg.norm(noise + ((1 + error) ** power - 1) * value, axis=1) > allowed
            for noise, value, allowed, power in seen_by
        ]
        return float(np.mean(np.any(over, axis=0)))

    return share


def _of_steps(seen: Seen, rng: np.random.Generator) -> tuple[float, str]:
    """P2s: the move of one of z, v and x, without noise; the one that is seen least."""
    level = seen.levels[-1]

    def share(name: str) -> Callable[[float], float]:
        def refused(error: float) -> float:
            planted = plant(seen, error, name)
            assert planted is not None
            return float(seen.judged(level, planted).measured > seen.claim.tolerance)

        return refused

    return max((_bisected(share(name)), name) for name in _ITERATES)


def _of_whole_steps(seen: Seen, rng: np.random.Generator) -> tuple[float, str]:
    """P10: the move of one of z, v and x, at every k; the one that is seen least."""
    from scipy.special import stdtrit

    chosen, level = seen.claim.parameters, seen.levels[-1]
    problem, update = build_problem(chosen["problem"]), update_of(seen.claim.solver, chosen["options"])
    replicates = chosen["replicates"] * chosen.get("blocks", 1)
    rows = [seen.results[cell.key] for cell in seen.plan.cells]
    if chosen.get("exact"):
        rows = [{**row, "mean": {"x": row["mean"]["x"]}} for row in rows]
    tests = sum(np.size(values) for row in rows for values in row["mean"].values())
    critical = -float(stdtrit(replicates - 1.0, (1 - level) / (2 * tests))) if replicates > 1 else 0.0
    parts: dict[str, list[tuple[Array, Array, Array]]] = {}
    for k, row in zip(numbers(chosen), rows, strict=True):
        state = {name: np.array(values, dtype=float) for name, values in row["before"].items()}
        expected = update.step(problem, chosen["options"], {**state, "k": k})
        for name in _ITERATES:
            if name not in expected.mean or name not in row["mean"]:
                continue
            move = np.asarray(expected.mean[name]) - state[name]
            error = np.sqrt(np.array(row["variance"][name], dtype=float) / replicates)
            allowed = critical * error + expected.bias.get(name, 0.0)
            if np.any(move != 0):
                parts.setdefault(name, []).append((move, error, allowed))
    sizes = ((_bisected(_any_beyond(found, rng)), name) for name, found in parts.items())
    return max(sizes, default=(math.inf, ""))


def _any_beyond(parts: list[tuple[Array, Array, Array]], rng: np.random.Generator) -> Callable[[float], float]:
    move, error, allowed = (np.concatenate([np.broadcast_to(p[i], p[0].shape) for p in parts]) for i in range(3))
    noise = rng.standard_normal((_DRAWS if error.any() else 1, move.size)) * error

    def share(relative: float) -> float:
        return float(np.mean(np.any(np.abs(noise + relative * move) > allowed, axis=1)))

    return share


def _of_correlations(seen: Seen, rng: np.random.Generator) -> tuple[float, str]:
    """P11: the correlation of one pair; its Fisher transform is normal with the variance 1/(n - 3), n the draws."""
    allowed = float(seen.judged(seen.levels[-1]).series["allowed"])
    noise = rng.standard_normal(_DRAWS) / math.sqrt(seen.claim.parameters["draws"] - 4.0)

    def share(correlation: float) -> float:
        if correlation >= 1:
            return 1.0
        return float(np.mean(np.abs(np.tanh(math.atanh(correlation) + noise)) > allowed))

    return _bisected(share), "the first two replicates"


_SPECIAL: dict[str, Callable[[Seen, np.random.Generator], tuple[float, str]]] = {
    "P2": _of_surrogates, "P2s": _of_steps, "P10": _of_whole_steps, "P11": _of_correlations,
}  # fmt: skip


_Row = Mapping[str, Any]


def _scaled_surrogate(row: _Row, error: float, where: str) -> _Row:
    part, factor = row[where], 1 + error
    scaled = {"mean": (factor * np.asarray(part["mean"])).tolist(), "second": factor**2 * np.asarray(part["second"])}
    return {**row, where: {**part, **scaled}}


def _scaled_move(row: _Row, error: float, where: str) -> _Row:
    moves = list(row["moves"])
    moves[_ITERATES.index(where)] = ((1 + error) * np.asarray(moves[_ITERATES.index(where)])).tolist()
    return {**row, "moves": moves}


def _scaled_step(row: _Row, error: float, where: str) -> _Row:
    """One of z, v and x goes too far."""
    before, after = (np.array(row[name][where], dtype=float) for name in ("before", "mean"))
    return {**row, "mean": {**row["mean"], where: (before + (1 + error) * (after - before)).tolist()}}


def _correlated(row: _Row, error: float, where: str) -> _Row:
    """The second replicate follows the first one, at unit variance, by as much as the correlation."""
    found = dict(row["series"])
    for name, values in row["series"].items():
        drawn = np.array(values, dtype=float)
        if drawn.ndim < 2 or drawn.shape[1] < 2 or not np.all(np.ptp(drawn[:, :2], axis=0) > 0):
            continue
        first, second = ((drawn[:, i] - drawn[:, i].mean(axis=0)) / drawn[:, i].std(axis=0) for i in (0, 1))
        drawn[:, 1] = error * first + math.sqrt(1 - error**2) * second
        found[name] = drawn.tolist()
    return {**row, "series": found}


def _one_query_more(row: _Row, error: float, where: str) -> _Row:
    """A query more in the first column, whatever the size: there is no smaller error of a count."""
    first, *others = row["counts"]
    name = next(iter(first))
    return {**row, "counts": [{**first, name: [n + 1 for n in first[name]]}, *others]}


def _one_declared_more(row: _Row, error: float, where: str) -> _Row:
    """The same in the first iteration of the first options."""
    (first, *later), *others = row["counts"]
    more = _one_query_more({"counts": [first]}, error, where)["counts"]
    return {**row, "counts": [[*more, *later], *others]}


def _one_more_of(key: str) -> Callable[[_Row, float, str], _Row]:
    return lambda row, error, where: {**row, key: [*row[key], "planted"]}


def _farther_apart(row: _Row, error: float, where: str) -> _Row:
    """Radii twice as large, whatever the size."""
    return {**row, "nearest": [[4 * square for square in pair] for pair in row["nearest"]]}


_PLANTED: dict[str, Callable[[_Row, float, str], _Row]] = {
    "P1": _one_query_more, "P1d": _one_declared_more, "P2": _scaled_surrogate,
    "P2s": _scaled_move, "P10": _scaled_step, "P11": _correlated,
    "P8": lambda row, error, where: {**row, "differing": [["x"] for _ in row["differing"]]},
    "P9": _one_more_of("failed"), "P12": _one_more_of("breaches"), "P14": _farther_apart,
    "P6c": lambda row, error, where: {**row, "evaluations": [(1 + error) * n for n in row["evaluations"]]},
}  # fmt: skip
