"""What the Gaussian closure leaves out: third cumulants of the state, and their effect on E|grad Psi|^2.

Let delta = s - m, M = I - T D'(m), and zeta the noise of an iteration, E[zeta | s] = 0, Cov(zeta | s) = N(s). Then

    delta+ = M delta - T D''[delta delta - P] / 2 - T zeta + ...

With noise of size e (P of order e^2) the third cumulants k of delta are of order e^4. To that order

    k+ = (M x M x M) k  +  sym3(-T D''[M P, M P])  +  sym3((M P dN) T T)  -  (T x T x T) k_zeta,

where sym3 is the sum over the three places of the index that is set apart: the first source is the drift that bends,
the second the noise that depends on the state. The third is the skewness of the surrogates themselves.
Third cumulants change the mean and the covariance, at order e^4 again, by dm and dP:

    dm+ = M dm - T D''[dP] / 2,
    dP+ = M dP M' - sym2(M k D'' T) / 2,

and E|grad Psi|^2 with g = grad Psi, at order e^4, by

    2 g.(g' dm) + (g'_i g'_i + g_i g''_i) : dP + (g'_i x g''_i) : k.

This has the order of the difference between the closure and the linear law, and vanishes where D'' does. The terms
are exact to order e^4 from a solution; from a far start they are those along the path of the mean.
"""

from __future__ import annotations

import numpy as np

from zoba_bench.arrays import Array

from .local_law import LocalLaw

__all__ = ["ThirdCumulants"]

#: Spread of the points of the differences, relative to 1 + |m|: second differences err by its square and by
#: 1e-16 over its square.
_SPREAD = 1e-3
#: How far the mean may move, relative to 1 + |m|, before derivatives are taken again.
_MOVED = 0.03


class ThirdCumulants:
    """Third cumulants k of the state, and the changes dm and dP that they make, along a run."""

    def __init__(self, local: LocalLaw) -> None:
        n = local.n
        self._local = local
        self._products = np.einsum("k,ki,kj->kij", local.weights, local.points, local.points).reshape(-1, n * n)
        self._centre: Array | None = None
        self._skewed_at: Array | None = None
        self.third = np.zeros((n, n, n))
        self.mean, self.covariance = np.zeros(n), np.zeros((n, n))

    def _renew(self, mean: Array) -> None:
        """Derivatives at a mean: of D and grad Psi to second order, of N to first."""
        local, n = self._local, self._local.n
        spread = _SPREAD * (1 + float(np.linalg.norm(mean)))
        points, weights = local.points, local.weights
        states = mean + spread * points
        direction, vectors = local.vectors(states)
        gradient = local.hypergradient(states)
        linear = weights[:, None] * points

        def slopes(values: Array) -> Array:
            found: Array = (linear.T @ (values - values[0])).T / spread
            return found

        def bends(values: Array) -> Array:
            centred = values - weights @ values
            found: Array = (centred.T @ self._products).reshape(-1, n, n) / spread**2
            return found

        self._jacobian, self._bend = slopes(direction), bends(direction)
        self._gradient, self._slope, self._gradient_bend = gradient[0], slopes(gradient), bends(gradient)
        if local.linear is not None:
            y, of_y = vectors[0], slopes(vectors).T
            products = of_y[:, :, None] * y[None, None, :]
            self._noise_slope = local.linear.linear(products + np.swapaxes(products, 1, 2))
        else:
            axes = spread * np.eye(n)
            noises = local.noise_at(np.concatenate([mean + axes, mean - axes]))
            self._noise_slope = (noises[:n] - noises[n:]) / (2 * spread)

    def effect(self, mean: Array, k: int) -> float:
        """The change of E|grad Psi|^2 at iterate k, which has this mean."""
        if _far(mean, self._centre):
            self._centre = mean
            self._renew(mean)
        # The skewness takes long and matters where the noise comes to rest: powers of two reach that soon enough.
        if k & (k - 1) == 0 and _far(mean, self._skewed_at):
            self._skewed_at = mean
            self._skewness = self._local.skewness(mean)
        g, slope, bend, x = self._gradient, self._slope, self._gradient_bend, slice(2 * self._local.p, None)
        of_mean = 2 * float(g @ (slope @ self.mean))
        of_covariance = float(np.sum((slope.T @ slope + np.tensordot(g, bend, 1)) * self.covariance))
        tensor = np.einsum("ia,ibc->abc", slope[:, x], bend[:, x, x])
        return of_mean + of_covariance + float(np.sum(tensor * self.third[x, x, x]))

    def step(self, covariance: Array, scale: Array) -> None:
        """One iteration with steps ``scale``, from the covariance P before it."""
        n = len(scale)
        update = np.eye(n) - scale[:, None] * self._jacobian
        spread = update @ covariance
        bend = scale[:, None, None] * self._bend
        drift = np.tensordot(spread, bend, (1, 1)).transpose(1, 0, 2)  # k, i, b
        drift = -np.tensordot(drift, spread, (2, 1))  # k, i, j
        state = np.tensordot(spread, self._noise_slope, 1) * scale[:, None] * scale  # i, j, k
        source = drift + state
        # Each product moves its new axis to the front; k is symmetric, so the order at the end does not matter.
        moved = np.tensordot(update, self.third, (1, 0))
        crossed = np.tensordot(moved.reshape(n, n * n), bend.reshape(n, n * n), (1, 1))
        self.mean = update @ self.mean - bend.reshape(n, n * n) @ self.covariance.ravel() / 2
        self.covariance = update @ self.covariance @ update.T - (crossed + crossed.T) / 2
        moved = np.tensordot(update, np.tensordot(update, moved, (1, 1)), (1, 2))
        skewness = self._skewness * scale[:, None, None] * scale[:, None] * scale
        self.third = moved + source + source.transpose(1, 0, 2) + source.transpose(1, 2, 0) - skewness


def _far(mean: Array, centre: Array | None) -> bool:
    """Whether derivatives at a centre do not serve a mean."""
    return centre is None or bool(np.linalg.norm(mean - centre) > _MOVED * (1 + np.linalg.norm(centre)))
