"""From the means that cells return, along one line of sizes, to the measurement of a claim about them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.statistics import Estimate, Limits, bend, fit_line, fit_plane, log_mean
from zoba_bench.verification.claim import Measurement

__all__ = ["JOINT", "QUANTITIES", "axis_label", "line_measurement", "log_means", "plane_measurement", "remainder"]

#: What a claim about a line can be on.
QUANTITIES = ("slope", "residual", "ratio")

#: Exponents of a fit in all sizes at once.
JOINT = ("exponent of p", "exponent of d", "exponent of 1/eps")


def log_means(rows: Sequence[Mapping[str, Any]]) -> Estimate:
    """Log of the mean of the rows' "means": infinite where a replicate diverged, -infinite where it is at most 0."""
    values = [value for row in rows for value in row["means"]]
    if any(row["failed"] for row in rows) or not np.isfinite(values).all():
        return Estimate(math.inf, 0.0, math.inf)
    return log_mean(values) if sum(values) > 0 else Estimate(-math.inf, 0.0, math.inf)


def axis_label(parameters: Mapping[str, Any]) -> str:
    """The axis of a line of problems: "p=d", or "d (p = 2)" with what is held fixed."""
    along: str = parameters["along"]
    return f"d (p = {parameters['problems'][0]['p']})" if along == "d" else along


def line_measurement(
    quantity: str,
    sizes: Sequence[float],
    measured: Sequence[Estimate],
    predicted: Sequence[float],
    level: float,
    *,
    xlabel: str,
    ylabel: str,
    note: str = "",
    slope: float | None = None,
    remainders: Sequence[float] = (),
    tolerance: float = math.inf,
) -> Measurement:
    """A slope, a residual slope or a ratio of log means against sizes.

    Parameters
    ----------
    quantity : {"slope", "residual", "ratio"}
        The slope of the log means against the log sizes (predicted: that of the predicted values, fitted alike), the
        slope of their ratios to the predicted values (predicted: 0), or the ratio itself, averaged over the line
        (predicted: 1).
    sizes : sequence of float
    measured : sequence of Estimate, natural logarithms.
    predicted : sequence of float, the derived values (not logarithms).
    level : float
        Confidence level of the limits.
    slope : float, optional
        Another slope that is claimed, for a control.
    remainders : sequence of float
        Derived relative sizes of what the predicted values leave out.
    tolerance : float
        Of the claim, in the quantity's unit: the remainders must leave half of it to the data.
    """
    if quantity not in QUANTITIES:
        raise ValueError(f"quantity must be one of {', '.join(QUANTITIES)}, got {quantity!r}")
    logs = [math.log(value) for value in predicted]
    series: dict[str, Any] = {
        "quantity": quantity, "x": list(sizes), "xlabel": xlabel, "ylabel": ylabel, "predicted": list(predicted),
        "log_measured": [e.value for e in measured],
        "log_half_width": [(e.limits(level).high - e.limits(level).low) / 2 for e in measured],
    }  # fmt: skip
    x = np.log(sizes)
    # By the numbers of samples: small means have small errors, so that inverse variances would favour them.
    weights = [e.dof + 1 if math.isfinite(e.dof) else 1.0 for e in measured]
    if slope is None:
        slope = fit_line(x, [Estimate(value, 0.0, math.inf) for value in logs], weights)[0].value
    if not all(math.isfinite(e.value) for e in measured):
        lost = sum(not math.isfinite(e.value) for e in measured)
        reason = f"{lost} of {len(measured)} means are not finite and positive: replicates diverged or did not move"
        return Measurement(_target(quantity, slope), math.inf, Limits(math.inf, math.inf), reason)
    ratios = [Estimate(e.value - s, e.error, e.dof) for e, s in zip(measured, logs, strict=True)]
    residual_slope, ratio = fit_line(x, ratios, weights)
    raw_slope, _ = fit_line(x, measured, weights)
    if quantity == "ratio":
        limits = ratio.limits(level)
        found = Measurement(
            1.0, math.exp(ratio.value), Limits(math.exp(limits.low), math.exp(limits.high)),
            f"residual slope {residual_slope.value:+.3f}", series=series,
        )  # fmt: skip
    else:
        chosen = raw_slope if quantity == "slope" else residual_slope
        found = Measurement(
            _target(quantity, slope), chosen.value, chosen.limits(level),
            f"measured/derived {math.exp(ratio.value):.3f}", series=series,
        )  # fmt: skip
    curved = None if quantity == "ratio" else bend(x, ratios, weights)
    left_out = remainder(quantity, x, weights, remainders)
    words = f"of {tolerance:g} allowed {left_out:.2g} may be what the prediction leaves out" if remainders else ""
    full = "; ".join(part for part in (found.note, words, note) if part)
    obstacle = ""
    if left_out > tolerance / 2:
        obstacle = (
            f"the prediction leaves out terms of the size {left_out:.2g}, more than half of the tolerance "
            f"{tolerance:g}: use more directions or smaller steps"
        )
    return replace(found, note=full, obstacle=obstacle, bend=None if curved is None else curved.limits(level))


def remainder(
    quantity: str, x: Sequence[float] | Array, weights: Sequence[float], remainders: Sequence[float]
) -> float:  # fmt: skip
    """How much a ratio or a slope may be off where each predicted value is, by its remainder, up or down."""
    if not remainders:
        return 0.0
    shares = np.asarray(weights, dtype=np.float64) / np.sum(weights)
    if quantity != "ratio":
        away = np.asarray(x) - shares @ np.asarray(x)
        shares = np.abs(shares * away) / float(shares @ away**2)
    return float(shares @ np.asarray(remainders))


def plane_measurement(
    quantity: str, sizes: Sequence[Sequence[float]], measured: Sequence[Estimate], predicted: Sequence[float],
    level: float, note: str = "",
) -> Measurement:  # fmt: skip
    """The exponent of one size in measured over predicted, fitted in p, d and 1/eps jointly; predicted: 0.

    Parameters
    ----------
    quantity : one of ``JOINT``.
    sizes : (p, d, 1/eps) of every point.
    measured : natural logarithms.
    predicted : the derived values.
    """
    logs = np.log(np.asarray(sizes, dtype=np.float64))
    ratios = [Estimate(e.value - math.log(s), e.error, e.dof) for e, s in zip(measured, predicted, strict=True)]
    design = np.column_stack([np.ones(len(logs)), logs])
    weights = [e.dof + 1 if math.isfinite(e.dof) else 1.0 for e in measured]
    exponents = fit_plane(design, ratios, weights)[1:]
    chosen = exponents[JOINT.index(quantity)]
    (raw,) = (e for name, e in zip(JOINT, fit_plane(design, measured, weights)[1:], strict=True) if name == quantity)
    words = f"raw exponent {raw.value:.3f}, {len(sizes)} points" + (f"; {note}" if note else "")
    return Measurement(0.0, chosen.value, chosen.limits(level), words)


def _target(quantity: str, slope: float) -> float:
    return {"slope": slope, "residual": 0.0, "ratio": 1.0}[quantity]
