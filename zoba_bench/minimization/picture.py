"""A picture of one run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw"]


def draw(history: Mapping[str, list[Any]], title: str) -> Figure:
    """Psi and the hypergradient against evaluations, and evaluations against iterations.

    Parameters
    ----------
    history : mapping
        As in :class:`zoba_bench.minimization.minimize_result.MinimizeResult`.
    title : str

    Raises
    ------
    ValueError
        Where nothing was recorded.
    """
    from matplotlib.figure import Figure

    if not history.get("evaluations"):
        raise ValueError("nothing was recorded in this run's history: there is nothing to draw")
    columns = {name: np.asarray(column, dtype=np.float64) for name, column in history.items()}
    figure = Figure(figsize=(10.5, 3.2), layout="constrained")
    value, gradient, spent = figure.subplots(1, 3)
    evaluations = columns["evaluations"]
    value.plot(evaluations, columns["value"], "o-", markersize=3)
    value.set(xlabel="evaluations of F and G", ylabel="Psi, as measured")
    for name, label in (("gradient_norm", "|hypergradient|"), ("predicted_distance", "predicted |x - x*|")):
        positive = np.where(columns[name] > 0, columns[name], np.nan)  # a logarithmic axis has no zero
        if np.isfinite(positive).any():
            gradient.plot(evaluations, positive, "o-", markersize=3, label=label)
    if gradient.lines:
        gradient.set_yscale("log")
        gradient.legend()
    gradient.set(xlabel="evaluations of F and G", ylabel="norm")
    spent.plot(columns["iteration"], evaluations, "o-", markersize=3)
    spent.set(xlabel="iterations", ylabel="evaluations of F and G")
    figure.suptitle(title)
    return figure
