"""The theorem of a single-loop preset: its derivation with bound, plan, complexity and exact local analysis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from zoba_bench.arrays import Array

from ..estimators.presets import Preset
from ..estimators.surrogates import Surrogate
from ..noise import covariance as noise
from ..noise import stationary as linear
from ..noise.curvature import CurvedBlocks as _Blocks
from ..noise.predictions import (
    Crossing,
    HorizonMean,
    TransientMean,
    closure_crossing,
    closure_horizon_mean,
    closure_transient_means,
)
from ..noise.run_moments import RunMoments, moments_of_run
from ..proof.theorem import Theorem, TheoremError
from .certificate import certificate_of
from .plan import has_spreads
from .plan_search import searched_plan
from .run import Start, check_law
from .step_bound import one_step_bounds

__all__ = ["SampledTheorem", "SingleLoopTheorem"]


@dataclass(frozen=True, eq=False, kw_only=True)
class SampledTheorem(Theorem):
    """Plan and count of one preset where G and F are seen through samples.

    It rests on the steps of the preset's own theorem, which has the estimators' moments and the bound of a run, and
    whose ``plan`` and ``derived_count`` come here for problems with samples.

    Attributes beside those of :class:`~zoba_bench.theory.proof.theorem.Theorem`
    ----------
    route : the plan and the complexity that the steps prove.
    """

    route: Any

    @property
    def complexity(self) -> Any:
        """Order and count n(eps) for samples; see ``zoba_bench.theory.proof.orders.Complexity``."""
        self.require_checked()
        return self.route.complexity

    def exported(
        self, constants: Any, p: int, d: int, eps: float, start: Start | Mapping[str, float], problem: str = ""
    ) -> str:  # fmt: skip
        """A certificate that travels, for constants with spreads; see ``SingleLoopTheorem.exported``."""
        self.require_checked()
        if not has_spreads(constants):
            raise TheoremError(f"theorem {self.name!r} speaks of samples: give the spreads sigma_gz, ..., sigma_fx")
        about = {"theorem": self.name, "problem": problem}
        return certificate_of(self.route, constants, (p, d), eps, Start.of(start), about)


@dataclass(frozen=True, eq=False, kw_only=True)
class SingleLoopTheorem(Theorem):
    """A convergence theorem of one solver preset, with the exact local analysis that goes with it.

    Bounds and means are in units of |grad Psi|^2, costs in evaluations. All are derived for Gaussian directions: a
    solver with another ``law``, or that ``law`` among the options of the means, is refused.

    Attributes beside those of :class:`~zoba_bench.theory.proof.theorem.Theorem`
    ----------
    preset : the surrogates; None for exact derivatives.
    route : the explicit bound, plan and complexity that the steps prove, for exact values.
    samples : makes the theorem on plan and count for samples of G and F; None where there is none.
    radius_ratio : what the ratio h/eta does, in words.
    """

    preset: Preset | None
    route: Any
    samples: Callable[[], SampledTheorem] | None = field(default=None, repr=False)
    radius_ratio: str = ""
    Blocks: type[_Blocks] = field(default=_Blocks, repr=False)

    @property
    def surrogates(self) -> Mapping[str, Surrogate]:
        """The one-direction surrogates by name, with their exact moments."""
        return {} if self.preset is None else self.preset.surrogates

    @property
    def evaluations_per_iteration(self) -> dict[str, Any]:
        """Evaluations of G ("inner") and F ("outer") an iteration, in l1, l2, b1, b2; of derivatives by kind."""
        return dict(self.evaluations) if self.preset is None else self.preset.evaluations

    @property
    def complexity(self) -> Any:
        """Order and count n(eps) for exact values; see ``zoba_bench.theory.proof.orders.Complexity``."""
        self.require_checked()
        return self.route.complexity

    def _planned(self, constants: Any) -> Any:
        """The route of plan and count: that for samples where a spread of the problem is not zero."""
        self.require_checked()
        if not has_spreads(constants):
            return self.route
        if self.samples is None:
            raise TheoremError(f"theorem {self.name!r} plans for exact values; here values are samples, sigma > 0")
        sampled = self.samples()
        sampled.require_checked()
        return sampled.route

    def bound(self, constants: Any, p: int, d: int, solver: Any, K: int, start: Start | Mapping[str, float]) -> float:
        """Upper bound on the mean over k < K of E|grad Psi(x_k)|^2 at constant steps.

        Parameters
        ----------
        constants : the problem's ``Constants``; one that is needed and unknown, or only sampled, is refused by name.
            Where they hold on a radius, the bound speaks of the run up to its first exit from there.
        p, d : dimensions.
        solver : a solver, or anything with h, eta, l1, l2, rho, gamma and, where they matter, h_bar,
            normalize_h_bar, v_radius, b1, b2, outer_directions, law. The ball of ``v_radius`` is used where it
            contains the start, R + v_error <= v_radius.
        K : iterations.
        start : :class:`Start`, or a mapping with gap, z_error and v_error.

        Raises
        ------
        TheoremError : a step fails, or a condition of the theorem does not hold; it is named.
        """
        self.require_checked()
        value: float = self.route.bound(constants, p, d, solver, K, Start.of(start))
        return value

    def certificate(
        self, constants: Any, p: int, d: int, solver: Any, K: int, start: Start | Mapping[str, float]
    ) -> Any:
        """The certificate behind :meth:`bound`: weights, the two parts of the bound, the semidefinite matrix."""
        self.require_checked()
        return self.route.certified(constants, p, d, solver, K, Start.of(start))

    def one_step(
        self, constants: Any, p: int, d: int, solver: Any, state: Mapping[str, float],
        wrong: Mapping[str, float] | None = None,
    ) -> dict[str, float]:  # fmt: skip
        """Bounds of E|a+|^2, E|b+|^2 and E Psi(x+) - Psi(x) at a state; see ``step_bound.one_step_bounds``."""
        self.require_checked()
        return one_step_bounds(self.route.explicit, constants, p, d, solver, state, wrong)

    def plan(
        self, constants: Any, p: int, d: int, eps: float, start: Start | Mapping[str, float], search: bool = False
    ) -> Any:
        """Radii, directions, batches, steps and iterations with which the bound is at most ``eps``.

        With exact values the directions grow with 1/eps, with samples the batches.

        Parameters
        ----------
        search : start from this explicit plan a search for one with fewer evaluations; its bound is certified in the
            same way, but n(eps) and exported certificates speak of the explicit plan alone. Takes some ten seconds.

        Raises
        ------
        ValueError : a constant that the plan needs is unknown, or only sampled; it is named.
        """
        route, begin = self._planned(constants), Start.of(start)
        return (searched_plan if search else type(route).plan)(route, constants, p, d, eps, begin)

    def derived_count(
        self, constants: Any, p: int, d: int, eps: float, start: Start | Mapping[str, float]
    ) -> float:  # fmt: skip
        """n(eps): evaluations of both levels with which the bound is at most ``eps``, an upper bound on the plan's.

        Raises as :meth:`plan`.
        """
        count: float = self._planned(constants).derived_count(constants, p, d, eps, Start.of(start))
        return count

    def exported(
        self, constants: Any, p: int, d: int, eps: float, start: Start | Mapping[str, float], problem: str = ""
    ) -> str:  # fmt: skip
        """A certificate that travels: the plan for ``eps``, its bound and the count, with all that they follow from.

        Parameters
        ----------
        problem : what the constants are of, in words.

        Returns
        -------
        str, JSON with fractions as text, which ``zoba_bench.check_certificate`` checks without this package.

        Raises
        ------
        TheoremError : G is not quadratic; and as :meth:`plan`.
        """
        about = {"theorem": self.name, "problem": problem}
        return certificate_of(self._planned(constants), constants, (p, d), eps, Start.of(start), about)

    def dominating_count(
        self, order: str, constants: Any, p: int, d: int, eps: float, start: Start | Mapping[str, float],
        at: str | None = None,
    ) -> float:  # fmt: skip
        """C times an order in p, d and eps, with the constant C for which n(eps) is proved to be at most that.

        Parameters
        ----------
        order : an expression such as "(d + p)/eps**2", or "published" for the quoted order of ZOBA; proved for all
            p, d >= 1, or for p >= d where p >= d.
        at : another order that is given the same constant, for a control.

        Raises
        ------
        ComplexityError : n(eps) is not proved to be of that order.
        """
        allowed: float = self._planned(constants).dominating_count(order, constants, p, d, eps, Start.of(start), at)
        return allowed

    def blocks(self, **arrays: Any) -> _Blocks:
        """A :class:`Blocks` from arrays."""
        return self.Blocks(**arrays)

    def blocks_at(self, problem: Any, x: Array, **point: Any) -> _Blocks:
        """The :class:`Blocks` of a problem at x, by default at the exact z*(x), v*(x)."""
        return self.Blocks.at(problem, x, **point)

    def _checked_preset(self, options: dict[str, Any]) -> Preset:
        """The surrogates; ``law``, the solver's, is taken from the options."""
        check_law(options.pop("law", "gaussian"))
        if self.preset is None:
            raise TheoremError(f"theorem {self.name!r} has exact derivatives: no noise of directions to speak of")
        self.preset.check()
        return self.preset

    def noise_covariance(self, blocks: _Blocks, **options: Any) -> Array:
        """Covariance of (D_z, D_v, D_x), one direction; options of ``noise.noise_covariance``."""
        preset = self._checked_preset(options)
        return noise.noise_covariance(preset, blocks, **options)

    def iteration_noise(self, blocks: _Blocks, l1: int, l2: int, **options: Any) -> Array:
        """Covariance of (D_z, D_v, D_x) with l1 and l2 directions; see ``noise.iteration_noise``."""
        preset = self._checked_preset(options)
        return noise.iteration_noise(preset, blocks, l1, l2, **options)

    def linear_noise(self, blocks: _Blocks, gamma: float, c: float, l: int = 1, **options: Any) -> float:
        """A with stationary mean |grad Psi|^2 = A gamma / l; options of ``linear.linear_noise``."""
        preset = self._checked_preset(options)
        return linear.linear_noise(preset, blocks, gamma, c, l, **options)

    def horizon_mean(self, blocks: _Blocks, gamma: float, c: float, l: int, K: int, **options: Any) -> float:
        """Mean over k < K of E|grad Psi|^2 from the exact solution; see ``linear.horizon_mean``."""
        preset = self._checked_preset(options)
        return linear.horizon_mean(preset, blocks, gamma, c, l, K, **options)

    def run_moments(self, problem: Any, start: Sequence[Array], solver: Any, K: int, window: int = 1) -> RunMoments:
        """Moments of the last iterates of a run from (z, v, x); see ``noise.run_moments.moments_of_run``."""
        return moments_of_run(self.preset, problem, start, solver, K, window)

    def closure_horizon_mean(self, problem: Any, solver: Any, K: int) -> HorizonMean:
        """Mean over k < K of E|grad Psi(x_k)|^2 from the exact solution, to second order in the noise.

        See ``noise.predictions.closure_horizon_mean``.
        """
        self._checked_preset({"law": getattr(solver, "law", "gaussian")})
        assert self.preset is not None
        return closure_horizon_mean(self.preset, problem, solver, K)

    def closure_transient_means(
        self, problem: Any, start: Sequence[Array], solver: Any, horizons: Sequence[int]
    ) -> list[TransientMean]:
        """Mean over k < K of E|grad Psi(x_k)|^2 from a far start, to second order in the noise, for several K.

        See ``noise.predictions.closure_transient_means``.
        """
        self._checked_preset({"law": getattr(solver, "law", "gaussian")})
        assert self.preset is not None
        return closure_transient_means(self.preset, problem, start, solver, horizons)

    def closure_crossing(
        self, problem: Any, start: Sequence[Array], solver: Any, eps: float, most: int
    ) -> Crossing:  # fmt: skip
        """Iterations and evaluations until the running mean of E|grad Psi|^2 is at most ``eps``.

        See ``noise.predictions.closure_crossing``.
        """
        self._checked_preset({"law": getattr(solver, "law", "gaussian")})
        assert self.preset is not None
        return closure_crossing(self.preset, problem, start, solver, eps, most)
