"""What a theorem may predict: the noise of an iteration, moments of whole runs, and where they come to rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from zoba_bench.arrays import Array
from zoba_bench.contracts.solvers import Solver
from zoba_bench.problem import BilevelProblem

__all__ = [
    "HasClosure",
    "HasNoise",
    "HasPointOfRest",
    "HasRunMoments",
    "HasSurrogates",
    "OneDirectionSurrogate",
    "PredictedCrossing",
    "PredictedMean",
    "PredictedTransient",
    "RunMoments",
]


@runtime_checkable
class HasNoise(Protocol):
    """A theorem that derives the noise of an iteration near the solution, exact for quadratic F and G.

    ``blocks`` is what ``blocks_at`` returns; the engine does not look into it. ``options`` are the solver's options on
    which the noise depends: outer_directions, curvature_ratio, law. All raise DerivationError for a configuration that
    nothing is derived for, and ValueError for a problem that lacks a derivative, or for unstable steps.
    """

    def blocks_at(self, problem: BilevelProblem, x: Array, **point: Array) -> Any:
        """Derivatives of both levels at x (d,), and at ``z``, ``v`` (p,), by default the exact z*(x) and v*(x)."""
        ...

    def noise_covariance(self, blocks: Any, **options: Any) -> Array:
        """Covariance of the directions of (z, v, x) with one direction a level, shape (2p + d, 2p + d)."""
        ...

    def linear_noise(self, blocks: Any, gamma: float, c: float, l: int = 1, **options: Any) -> float:
        """A such that the stationary mean of |grad Psi|^2 is A gamma / l, at constant steps gamma and rho = gamma/c."""
        ...

    def horizon_mean(self, blocks: Any, gamma: float, c: float, l: int, K: int, **options: Any) -> float:
        """Mean over k < K of E|grad Psi(x_k)|^2 from the exact solution."""
        ...


class PredictedMean(Protocol):
    """A mean over a horizon to second order in the noise.

    Attributes
    ----------
    value : the mean.
    linear : the same by the linear law with the noise of the solution.
    remainder : derived size of what ``value`` leaves out, relative to it.
    """

    @property
    def value(self) -> float: ...
    @property
    def linear(self) -> float: ...
    @property
    def remainder(self) -> float: ...


class PredictedTransient(Protocol):
    """A mean over a horizon from a far start, to second order in the noise.

    Attributes
    ----------
    value : the mean.
    path : the same without noise.
    noise : what the noise changes, relative to ``path``.
    remainder : derived size of what ``value`` leaves out, relative to it.
    """

    @property
    def value(self) -> float: ...
    @property
    def path(self) -> float: ...
    @property
    def noise(self) -> float: ...
    @property
    def remainder(self) -> float: ...


class PredictedCrossing(Protocol):
    """The first K at which a running mean is at most eps.

    Attributes
    ----------
    iterations : K.
    evaluations : of both levels up to there.
    remainder : derived size of what K leaves out, relative to it.
    """

    @property
    def iterations(self) -> int: ...
    @property
    def evaluations(self) -> int: ...
    @property
    def remainder(self) -> float: ...


@runtime_checkable
class HasClosure(Protocol):
    """A theorem that predicts a run as it is made, to second order in the noise.

    All methods raise DerivationError for a configuration that nothing is derived for, and ValueError for a problem
    that lacks a derivative or a closed form.
    """

    def closure_horizon_mean(self, problem: BilevelProblem, solver: Solver, K: int) -> PredictedMean:
        """Mean over k < K of E|grad Psi(x_k)|^2 from the exact solution."""
        ...

    def closure_transient_means(
        self, problem: BilevelProblem, start: Sequence[Array], solver: Solver, horizons: Sequence[int]
    ) -> Sequence[PredictedTransient]:
        """Mean over k < K of E|grad Psi(x_k)|^2 from ``start``, for each K of ``horizons``."""
        ...

    def closure_crossing(
        self, problem: BilevelProblem, start: Sequence[Array], solver: Solver, eps: float, most: int
    ) -> PredictedCrossing:  # fmt: skip
        """Iterations until the running mean of E|grad Psi|^2 from ``start`` is at most eps; ``most`` are tried."""
        ...


class OneDirectionSurrogate(Protocol):
    """One direction's estimate of a derivative; its name begins with D_z, f_z, f_x, Hv or Cv, which says of which."""

    @property
    def name(self) -> str: ...

    def second_moment_value(
        self, blocks: Any, v: Array | None = None, h: float = 0.0, eta: float = 0.0, h_bar: float = 0.0
    ) -> float:
        """E|X|^2 at these radii. Raises DerivationError where the mean is not the derivative that X estimates."""
        ...


@runtime_checkable
class HasSurrogates(Protocol):
    """A theorem that knows its solver's surrogates; ``surrogates`` maps names to :class:`OneDirectionSurrogate`."""

    @property
    def surrogates(self) -> Mapping[str, OneDirectionSurrogate]: ...


class RunMoments(Protocol):
    """Moments of the last iterates of a run.

    Attributes
    ----------
    minimizer : (d,) array, x*.
    exact : whether they hold for the run from its start, or only for what stays of it.
    """

    @property
    def minimizer(self) -> Array: ...
    @property
    def exact(self) -> bool: ...

    def expected(self, quantity: str, point: Array | None = None) -> float:
        """E of "distance" |x - x*|^2, "gap" Psi - Psi*, "stationarity" |grad Psi|^2, "distance_to_point"."""
        ...

    def of_bias(self, z: float, v: float, x: float) -> float:
        """A bound on what a bias of the directions of z, v and x, at most that large, adds to E|grad Psi|^2."""
        ...


@runtime_checkable
class HasRunMoments(Protocol):
    """A theorem that derives the second moments of a whole run."""

    def run_moments(
        self, problem: BilevelProblem, start: Sequence[Array], solver: Solver, K: int, window: int = 1
    ) -> RunMoments:
        """Moments of the last ``window`` of K iterates from z, v (p,) and x (d,).

        Raises DerivationError for a configuration or problem that nothing is derived for, ValueError for a problem
        that lacks a closed form.
        """
        ...


@runtime_checkable
class HasPointOfRest(Protocol):
    """A theorem that says where a method with a biased hypergradient comes to rest."""

    def point_of_rest(self, problem: BilevelProblem, solver: Solver) -> Array:
        """x (d,) at which the mean direction vanishes. Raises as :class:`HasRunMoments`."""
        ...
