"""Confidence limits, log-log fits and family-wise levels. Pure functions of numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from zoba_bench.arrays import Array

__all__ = [
    "Estimate",
    "Limits",
    "bend",
    "family_level",
    "fit_line",
    "fit_plane",
    "log_mean",
    "mean_limits",
    "pooled",
    "proportion_limits",
    "spending",
    "weighted_level",
]


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

    This is Holm's first and strictest step, so that all intervals hold simultaneously and not only the verdicts.
    """
    return 1.0 - (1.0 - confidence) / max(claims, 1)


def weighted_level(confidence: float, weights: Sequence[float]) -> float:
    """Level of intervals whose wrong verdicts, each with the weight that says how much of the level's error it can use,
    have at most the probability 1 - ``confidence`` together."""
    return 1.0 - (1.0 - confidence) / max(math.fsum(weights), 0.5)


def mean_limits(samples: ArrayLike) -> Estimate:
    """Mean of independent samples."""
    values = np.asarray(samples, dtype=np.float64).ravel()
    if values.size < 2:
        raise ValueError(f"a confidence limit needs at least 2 samples, got {values.size}")
    return Estimate(float(values.mean()), float(values.std(ddof=1) / math.sqrt(values.size)), values.size - 1.0)


def pooled(means: Sequence[Estimate]) -> Estimate:
    """The mean of all samples of several blocks, from the mean of each (whose degrees of freedom are samples - 1)."""
    counts = np.array([mean.dof + 1.0 for mean in means])
    values, errors = (np.array([getattr(mean, name) for mean in means]) for name in ("value", "error"))
    total = float(counts.sum())
    value = float(counts @ values / total)
    squares = float(((counts - 1) * counts * errors**2 + counts * (values - value) ** 2).sum())
    return Estimate(value, math.sqrt(squares / (total - 1) / total), total - 1.0)


def log_mean(samples: ArrayLike) -> Estimate:
    """Logarithm of the mean of positive samples, by the delta method.

    The logarithm of a sample mean is too small by half its squared relative error on average, which is added.
    """
    mean = mean_limits(samples)
    if not mean.value > 0.0:
        raise ValueError(f"the logarithm of a mean needs a positive mean, got {mean.value!r}")
    error = mean.error / mean.value
    return Estimate(math.log(mean.value) + error**2 / 2, error, mean.dof)


def fit_line(
    x: Sequence[float] | Array, y: Sequence[Estimate], weights: ArrayLike | None = None
) -> tuple[Estimate, Estimate]:
    """Weighted least squares y = a + b x over independent estimates; (slope, value at the weighted mean of x).

    See :func:`fit_plane`.
    """
    at = np.asarray(x, dtype=np.float64)
    if at.size != len(y) or at.size < 2 or np.ptp(at) == 0:
        raise ValueError(f"a line needs at least two different x, got {list(at)} for {len(y)} values")
    centre = float(np.average(at, weights=_weights(y) if weights is None else np.asarray(weights, dtype=np.float64)))
    value, slope = fit_plane(np.column_stack([np.ones_like(at), at - centre]), y, weights)
    return slope, value


def fit_plane(design: ArrayLike, y: Sequence[Estimate], weights: ArrayLike | None = None) -> list[Estimate]:
    """Coefficients of the columns of a design matrix (n, k), by weighted least squares over independent estimates.

    The errors are propagated from the estimates, with Welch-Satterthwaite degrees of freedom.

    Parameters
    ----------
    weights : (n,) array, optional
        The inverse variances where None. Those of samples whose mean and variance are correlated, as of all skewed
        ones, bias the fit: give weights that do not depend on the samples then, such as their numbers.
    """
    columns = np.asarray(design, dtype=np.float64)
    if columns.ndim != 2 or len(columns) != len(y):
        raise ValueError(f"the design must have a row for each of {len(y)} values, got shape {columns.shape}")
    if np.linalg.matrix_rank(columns) < columns.shape[1]:
        raise ValueError(f"{len(y)} points do not determine {columns.shape[1]} coefficients: use more different sizes")
    weighted = columns * (_weights(y) if weights is None else np.asarray(weights, dtype=np.float64))[:, None]
    rows = np.linalg.solve(columns.T @ weighted, weighted.T)
    values = np.array([e.value for e in y])
    variances = np.array([e.error**2 for e in y])
    dofs = np.array([e.dof for e in y])
    return [_combine(row, values, variances, dofs) for row in rows]


def bend(x: Sequence[float] | Array, y: Sequence[Estimate], weights: ArrayLike | None = None) -> Estimate | None:
    """How much the local slope changes from the first x to the last, by a weighted parabola.

    None with fewer than three different x, which show no curvature.
    """
    at = np.asarray(x, dtype=np.float64)
    if np.unique(at).size < 3:
        return None
    width, middle = float(np.ptp(at)), float(at.min() + at.max()) / 2
    scaled = (at - middle) / width
    *_, curvature = fit_plane(np.column_stack([np.ones_like(at), scaled, scaled**2]), y, weights)
    # y = ... + c ((x - m)/w)^2 has the slope 2 c (x - m)/w^2, which changes by 2 c / w over the width.
    return Estimate(2 * curvature.value / width, 2 * curvature.error / width, curvature.dof)


def spending(level: float, looks: Sequence[float], power: float = 2.0) -> list[float]:
    """Confidence level of the limits at each of several looks at growing data.

    The error 1 - level is spent as t^power in the share t of the data seen so far. The limits of all looks hold
    together with ``level``, whatever the dependence between them: their errors add up to 1 - level. That is the
    power family of Kim and DeMets (Biometrika 74, 1987) for the spending functions of Lan and DeMets (Biometrika
    70, 1983), with the union bound in place of the joint law, which for means of skewed samples is not known.

    Parameters
    ----------
    looks : increasing shares of the data in (0, 1], the last of which is 1.
    """
    shares = [0.0, *looks]
    if not looks or shares[-1] != 1.0 or any(a >= b for a, b in itertools.pairwise(shares)):
        raise ValueError(f"looks must increase from above 0 to 1, got {list(looks)!r}")
    return [1.0 - (1.0 - level) * (b**power - a**power) for a, b in itertools.pairwise(shares)]


def proportion_limits(successes: int, trials: int, level: float) -> Limits:
    """Clopper-Pearson limits of a probability: exact, never below the level."""
    from scipy.special import betaincinv

    tail = (1.0 - level) / 2.0
    low = 0.0 if successes == 0 else float(betaincinv(successes, trials - successes + 1, tail))
    high = 1.0 if successes == trials else float(betaincinv(successes + 1, trials - successes, 1.0 - tail))
    return Limits(low, high)


def _weights(y: Sequence[Estimate]) -> Array:
    variances = np.array([e.error**2 for e in y])
    # Exact values among noisy ones would take all the weight: a floor far below any error.
    floor = max(float(variances.max()) * 1e-12, np.finfo(float).tiny)
    weights = 1.0 / np.maximum(variances, floor)
    relative: Array = weights / weights.max()
    return relative


def _combine(weights: Array, values: Array, variances: Array, dofs: Array) -> Estimate:
    parts = weights**2 * variances
    variance = float(parts.sum())
    dof = variance**2 / float((parts**2 / dofs).sum()) if variance > 0 else math.inf
    return Estimate(float(weights @ values), math.sqrt(variance), dof)
