"""Images and measurements that scikit-learn ships, split once and for all by a seed into rows for three purposes."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array

__all__ = ["REQUIRES", "SIDE", "Rows", "Split", "breast_cancer", "digits", "episodes", "parts"]

#: What the card of a task on these data says.
REQUIRES = {"sklearn": "data"}
#: Pixels along a side of a digit as shipped.
SIDE = 8

Labels = NDArray[np.int64]


class Rows(NamedTuple):
    """Features (n, m), and labels 0 to K - 1."""

    features: Array
    labels: Labels


class Split(NamedTuple):
    """Rows of the inner level, of the outer level, and those that no method sees."""

    train: Rows
    validation: Rows
    test: Rows


def parts(features: Array, labels: Labels, sizes: tuple[int, int, int | None], seed: int) -> Split:
    """Rows in a random order, the first to train with; of the test at most so many, or all that are left.

    Raises
    ------
    ValueError
        Where fewer than ten rows are left to test with.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    first, second = sizes[0], sizes[0] + sizes[1]
    if second + 10 > len(labels):
        raise ValueError(
            f"n_train + n_validation must be at most {len(labels) - 10}, ten rows fewer than the data have, got "
            f"{sizes[0]} + {sizes[1]}"
        )
    last = None if sizes[2] is None else second + sizes[2]
    chosen = (order[:first], order[first:second], order[second:last])
    return Split(*(Rows(np.ascontiguousarray(features[rows]), labels[rows]) for rows in chosen))


def _shipped(name: str) -> Path:
    """A file of scikit-learn's, which is found without importing the package: that takes seconds."""
    found = importlib.util.find_spec("sklearn")
    if found is None or found.origin is None:
        raise ImportError(f'{name} comes with scikit-learn; install it with: pip install "zoba-bench[data]"')
    return Path(found.origin).parent / "datasets" / "data" / name


@functools.lru_cache(maxsize=1)
def _loaded_digits() -> tuple[Array, Labels]:
    table = np.loadtxt(_shipped("digits.csv.gz"), delimiter=",")
    return table[:, :-1].reshape(-1, SIDE, SIDE) / 16.0, table[:, -1].astype(np.int64)


def digits(classes: int, side: int = SIDE) -> Rows:
    """The digits 0 to K - 1 with values in [0, 1], flattened; with a smaller side, means of blocks of pixels."""
    images, labels = _loaded_digits()
    kept = labels < classes
    block = SIDE // side
    shrunk = images[kept].reshape(-1, side, block, side, block).mean(axis=(2, 4))
    return Rows(shrunk.reshape(len(shrunk), side * side), labels[kept])


@functools.lru_cache(maxsize=1)
def breast_cancer() -> Rows:
    """The 569 rows with 30 features, as shipped; label 1 is benign."""
    table = np.loadtxt(_shipped("breast_cancer.csv"), delimiter=",", skiprows=1)
    return Rows(np.ascontiguousarray(table[:, :-1]), table[:, -1].astype(np.int64))


def episodes(
    classes: Sequence[int], side: int, ways: int, sizes: tuple[int, int], count: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Few-shot tasks: rows to adapt with and rows to be judged by, (count, ways n, m) each, class after class.

    A task has the ``ways`` digits of which most images are left, in a random order. No image is in two tasks. Images
    have a one for the intercept.

    Parameters
    ----------
    sizes : images of each digit to adapt with and to be judged by.

    Raises
    ------
    ValueError
        Where the images do not suffice.
    """
    images, labels = digits(10, side)
    rows = np.hstack([images, np.ones((len(labels), 1))])
    left = {digit: rng.permutation(np.flatnonzero(labels == digit)) for digit in classes}
    each = sum(sizes)
    chosen = np.empty((count, ways, each), dtype=np.int64)
    for task in chosen:
        most = sorted(rng.permutation(list(classes)).tolist(), key=lambda digit: -len(left[digit]))[:ways]
        for place, digit in enumerate(rng.permutation(most).tolist()):
            if len(left[digit]) < each:
                raise ValueError(
                    f"shots + queries = {each} images of each of {ways} digits are more than the data have for "
                    f"{count} tasks of the digits {', '.join(map(str, classes))}"
                )
            task[place], left[digit] = left[digit][:each], left[digit][each:]
    support, query = chosen[..., : sizes[0]], chosen[..., sizes[0] :]
    return rows[support.reshape(count, -1)], rows[query.reshape(count, -1)]
