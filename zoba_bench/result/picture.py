"""A picture of one run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw"]

_LABELS = {"stationarity": "|grad Psi(x)|²", "gap": "Psi(x) − min Psi", "distance": "|x − x*|"}
_MANY = 20  # replicates beyond which only their range is drawn
_DECADE = 10.0  # values that differ by no more are drawn on a linear axis


def draw(history: Mapping[str, NDArray[Any]], nit: NDArray[Any], nfev: NDArray[Any], title: str) -> Figure:
    """What was recorded against evaluations: every replicate thin, their median bold.

    Evaluations are spread evenly over a run's iterations. Values of zero or below, which a logarithmic axis does not
    have, are left out; the axis is linear where values differ by less than a factor ten.

    Parameters
    ----------
    history : mapping
        "iteration" (n,), and "stationarity", "gap", "distance" (n, R) where known.
    nit, nfev : (R,) arrays
    title : str

    Raises
    ------
    ValueError
        Where nothing was recorded.
    """
    from matplotlib.figure import Figure

    names = [name for name in _LABELS if name in history]
    if not names:
        raise ValueError(
            "nothing was recorded along this run, so there is nothing to draw: that takes record_every=1 and a problem "
            "that declares hypergradient, value with minimum, or minimizer"
        )
    steps = np.maximum(nit, 1)
    # (n, R): a replicate that has ended stays where it is.
    spent = np.minimum(history["iteration"][:, None], steps) * (nfev / steps)
    figure = Figure(figsize=(3.6 * len(names) + 0.6, 3.4), layout="constrained")
    for axis, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        rows = history[name]
        positive = np.where(rows > 0, rows, np.nan)
        several = rows.shape[1] > 1
        if rows.shape[1] <= _MANY:
            for r in range(rows.shape[1]):
                label = f"{rows.shape[1]} replicates" if several and r == 0 else None
                axis.plot(spent[:, r], positive[:, r], color="#0072B2", alpha=0.35 if several else 1.0,
                          linewidth=0.8 if several else 1.5, label=label)  # fmt: skip
        if several:
            low, middle, high = _quantiles(positive)
            at = np.median(spent, axis=1)
            axis.plot(at, middle, color="#000000", linewidth=1.8, label="median")
            if rows.shape[1] > _MANY:
                axis.fill_between(at, low, high, color="#0072B2", alpha=0.2, linewidth=0,
                                  label=f"range of {rows.shape[1]} replicates")  # fmt: skip
            axis.legend(frameon=False)
        shown = positive[np.isfinite(positive)]
        if shown.size and shown.max() > _DECADE * shown.min():
            axis.set_yscale("log")
        axis.set(xlabel="evaluations of F and G, a replicate", ylabel=_LABELS[name])
    figure.suptitle(title)
    return figure


def _quantiles(rows: Array) -> Array:
    """(3, n) least, median and largest of the numbers in each row; NaN where a row has none."""
    found = np.full((3, len(rows)), np.nan)
    some = ~np.isnan(rows).all(axis=1)
    found[:, some] = np.nanquantile(rows[some], (0.0, 0.5, 1.0), axis=1)
    return found
