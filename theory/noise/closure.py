"""Gaussian closure: mean and covariance of a whole run, to second order in the noise.

The law of s = (z, v, x) is replaced by the normal law with the same mean m and covariance P, once in each iteration.
With the mean direction D(s) = (G_z, G_zz v + F_z, G_xz v + F_x), steps T = diag(rho, rho, gamma) and the covariance
N(s) of one iteration's surrogates,

    m+ = m - T E D,
    P+ = P - Cov(s, D) T - T Cov(D, s) + T (Var D + E N) T,

with all means over N(m, P) by cubature of degree 5, and the mean of |grad Psi|^2 likewise, with the true hypergradient.
On quadratics D is affine and N of degree 2, so that this is the exact recursion of ``run_moments``. Elsewhere it has
two effects that the linear law leaves out: noise that depends on the state, and drift that is not linear. It leaves
out the third cumulants of s; ``third_cumulants`` derives their effect. Bias of finite radii, of order h^2 where third
derivatives are not zero, is left out too; the variance that the radii add is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from zoba_bench.arrays import Array

from ..estimators.presets import Preset
from ..proof.theorem import TheoremError
from .local_law import LocalLaw
from .third_cumulants import ThirdCumulants

__all__ = ["ClosureMoments", "carry", "closure_moments"]

#: For G that is not quadratic, N is computed again after every k/_RENEW iterations, at least. What decays like
#: e^(-ak) changes meanwhile by at most 1/(e _RENEW) of its start, 1.2 %.
_RENEW = 32
#: Where the covariance has grown beyond this, there is no local law.
_DIVERGED = 1e8


@dataclass(frozen=True, eq=False)
class ClosureMoments:
    """What the closure says of the iterates 0, ..., K - 1 of a run, and of the last one, K.

    Attributes
    ----------
    stationarity : (K,), E|grad Psi(x_k)|^2 with normal laws.
    omitted : (K,), the derived effect of third cumulants on it, which normal laws leave out; zeros if not asked.
    mean, covariance : (2p + d,) and (2p + d, 2p + d), of (z, v, x) after K iterations.
    """

    stationarity: Array
    omitted: Array
    mean: Array
    covariance: Array

    @cached_property
    def running(self) -> Array:
        """Mean over 0, ..., k of the stationarity, with the effect of third cumulants where it was asked for, (K,)."""
        return _running(self.stationarity + self.omitted)

    @cached_property
    def remainder(self) -> Array:
        """Size of the term of third cumulants in ``running``, relative to it, (K,).

        It is the last term that is kept of an expansion in the noise. What is left out after it is of the next order,
        smaller by a factor of the order of gamma/l.
        """
        return np.abs(_running(self.omitted)) / np.maximum(np.abs(self.running), np.finfo(float).tiny)


def _running(values: Array) -> Array:
    found: Array = np.cumsum(values) / np.arange(1, len(values) + 1)
    return found


def closure_moments(
    preset: Preset | None,
    problem: Any,
    start: Sequence[Array],
    solver: Any,
    K: int,
    *,
    third: bool = False,
    stop: float | None = None,
) -> ClosureMoments:
    """Mean and covariance of (z, v, x) along a solver's run, and E|grad Psi|^2 at each iterate.

    Parameters
    ----------
    preset : the solver's surrogates.
    problem : a BilevelProblem with exact values, derivatives of both levels, both Hessians and the hypergradient.
    start : z, v and x, known exactly.
    solver : with h, l1, l2, outer_directions, outer_radius and steps, as it runs.
    K : iterations.
    third : derive the effect of third cumulants too (``omitted``).
    stop : end after the first iterate at which the running mean is at most this, and return the iterates up to it.

    Raises
    ------
    TheoremError : the configuration is one that the closure is not derived for, named; or the covariance grows
        without bound.
    ValueError : the problem lacks something, named.
    """
    if K < 1:
        raise ValueError(f"K must be a positive integer, got {K!r}")
    from threadpoolctl import threadpool_limits

    local = LocalLaw(preset, problem, solver)
    mean = np.concatenate([np.asarray(part, float) for part in start])
    if mean.shape != (local.n,):
        raise ValueError(f"start must be z, v and x with {local.n} entries together, got {mean.shape}")
    with threadpool_limits(limits=1):  # many small products: threads would wait for each other
        return carry(local, mean, K, third=third, stop=stop)


def carry(local: LocalLaw, mean: Array, K: int, *, third: bool = False, stop: float | None = None) -> ClosureMoments:
    """:func:`closure_moments` of a law, from a state that is known exactly."""
    covariance = np.zeros((local.n, local.n))
    cumulants = ThirdCumulants(local) if third else None
    stationarity, omitted, total = np.empty(K), np.zeros(K), 0.0
    count, noise = K, covariance
    for k in range(K):
        at = local.at(mean, covariance)
        stationarity[k] = at.stationarity
        renew = k % max(1, k // _RENEW) == 0
        if renew or local.linear is not None:
            noise = local.noise(at.second, mean, at.root)
        scale = local.steps(k)
        if cumulants is not None:
            omitted[k] = cumulants.effect(mean, k)
            cumulants.step(covariance, scale)
        total += stationarity[k] + omitted[k]
        moved = at.with_state * scale
        mean = mean - scale * at.direction
        covariance = covariance - moved - moved.T + scale[:, None] * (at.spread + noise) * scale
        if not np.abs(covariance).max() < _DIVERGED:
            raise TheoremError(
                f"the second moments of the run grow without bound at steps {scale[0]!r} and {scale[-1]!r}: use "
                "smaller steps or more directions"
            )
        if stop is not None and total <= stop * (k + 1):
            count = k + 1
            break
    return ClosureMoments(stationarity[:count], omitted[:count], mean, covariance)
