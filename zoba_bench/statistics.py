"""Confidence limits, log-log fits and family-wise levels. Pure functions of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Estimate", "Limits", "family_level", "fit_line", "log_mean", "mean_limits"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A number with its standard error and degrees of freedom (infinite if exact)."""

    value: float
    error: float
    dof: float

    def limits(self, level: float) -> Limits:
        """Two-sided Student limits at a confidence level, e.g. 0.99."""
        from scipy.special import stdtrit

        if self.error == 0.0:
            return Limits(self.value, self.value)
        tail = (1.0 - level) / 2.0
        width = -float(stdtrit(min(self.dof, 1e12), tail)) * self.error
        return Limits(self.value - width, self.value + width)


@dataclass(frozen=True)
class Limits:
    """A confidence interval."""

    low: float
    high: float


def family_level(confidence: float, claims: int) -> float:
    """Level of each of ``claims`` intervals that hold together with ``confidence`` (Bonferroni).

    This is Holm's first and strictest step, used for every claim, so that all intervals
    hold simultaneously and not only the verdicts.
    """
    return 1.0 - (1.0 - confidence) / max(claims, 1)


def mean_limits(samples: ArrayLike) -> Estimate:
    """Mean of independent samples."""
    values = np.asarray(samples, dtype=np.float64).ravel()
    if values.size < 2:
        raise ValueError(f"a confidence limit needs at least 2 samples, got {values.size}")
    return Estimate(float(values.mean()), float(values.std(ddof=1) / math.sqrt(values.size)), values.size - 1.0)


def log_mean(samples: ArrayLike) -> Estimate:
    """Logarithm of the mean of positive samples, by the delta method."""
    mean = mean_limits(samples)
    if not mean.value > 0.0:
        raise ValueError(f"the logarithm of a mean needs a positive mean, got {mean.value!r}")
    return Estimate(math.log(mean.value), mean.error / mean.value, mean.dof)


def fit_line(x: Sequence[float] | Array, y: Sequence[Estimate]) -> tuple[Estimate, Estimate]:
    """Weighted least squares y = a + b x over independent estimates; (slope, intercept at mean x).

    Weights are the inverse variances; the errors are propagated from the estimates, with
    Welch-Satterthwaite degrees of freedom. The intercept is the fitted value at the
    weighted mean of x, which is uncorrelated with the slope.
    """
    at = np.asarray(x, dtype=np.float64)
    if at.size != len(y) or at.size < 2 or np.ptp(at) == 0:
        raise ValueError(f"a line needs at least two different x, got {list(at)} for {len(y)} values")
    values = np.array([e.value for e in y])
    variances = np.array([e.error**2 for e in y])
    dofs = np.array([e.dof for e in y])
    # Exact values among noisy ones would take all the weight: a floor far below any error.
    floor = max(float(variances.max()) * 1e-12, np.finfo(float).tiny)
    weights = 1.0 / np.maximum(variances, floor)
    centre = float(np.average(at, weights=weights))
    spread = float((weights * (at - centre) ** 2).sum())
    slope_weights = weights * (at - centre) / spread
    mean_weights = weights / weights.sum()
    return _combine(slope_weights, values, variances, dofs), _combine(mean_weights, values, variances, dofs)


def _combine(weights: Array, values: Array, variances: Array, dofs: Array) -> Estimate:
    parts = weights**2 * variances
    variance = float(parts.sum())
    dof = variance**2 / float((parts**2 / dofs).sum()) if variance > 0 else math.inf
    return Estimate(float(weights @ values), math.sqrt(variance), dof)
