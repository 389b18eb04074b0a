"""Deliberately wrong estimators: a checker that cannot reject these is worthless.

Each names the solver that it ``mutates``, and says its ``mistake`` in the words of its control's statement.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.directions import generator
from zoba_bench.estimators import average, forward_difference, project, second_difference
from zoba_bench.oracle import Oracle
from zoba_bench.solvers.fom import Fom
from zoba_bench.solvers.hf_zoba import HfZoba, HfZobaShared
from zoba_bench.solvers.single_loop import Bases, Directions, State, Surrogates
from zoba_bench.solvers.truncated import Program, gradients
from zoba_bench.solvers.ufom import Ufom
from zoba_bench.solvers.zo_penalty import ZoPenalty
from zoba_bench.solvers.zoba import Zoba
from zoba_bench.solvers.zoba_mixed import ZobaMixed
from zoba_bench.verification.wrong_zeroth_order import WRONG_SOLVERS

__all__ = ["CONTROLS"]


@dataclass(frozen=True)
class HessianFactor(Zoba):
    """ZOBA with 1/h^2 in place of 1/(2 h^2) in the Hessian surrogate."""

    name: ClassVar[str] = "control:hessian-factor"
    mutates: ClassVar[str] = "zoba"
    mistake: ClassVar[str] = "1/h^2 in place of 1/(2 h^2) in the Hessian surrogate"

    def surrogates(self, state: State, directions: Directions) -> Surrogates:
        """ZOBA's, with G_zz v doubled."""
        right = super().surrogates(state, directions)
        return right._replace(hessian_v=2.0 * right.hessian_v)


@dataclass(frozen=True)
class SwappedProjection(Zoba):
    """ZOBA with c (u'v) w in place of c (w'v) u in the cross surrogate; needs p = d.

    Its mean is the transposed mixed derivative, invisible on a symmetric one.
    """

    name: ClassVar[str] = "control:swapped-projection"
    mutates: ClassVar[str] = "zoba"
    mistake: ClassVar[str] = "c (u'v) w in place of c (w'v) u in the cross surrogate"

    def surrogates(self, state: State, directions: Directions) -> Surrogates:
        """ZOBA's, with the roles of w and u exchanged in the cross surrogate."""
        oracle, sample = state.oracle, directions.inner_sample
        h, eta = self.h, self.outer_radius(oracle.p, oracle.d)
        z, x = state.z[:, None, None, :], state.x[:, None, None, :]
        plus = oracle.inner(z + h * directions.w, x + eta * directions.u, sample)
        minus = oracle.inner(z - h * directions.w, x - eta * directions.u, sample)
        c = second_difference(plus, minus, oracle.inner(z, x, sample), h, eta)
        wrong = average(c * project(directions.u, state.v), directions.w)
        return super().surrogates(state, directions)._replace(cross_v=wrong)


@dataclass(frozen=True)
class UnsharedDirections(HfZoba):
    """HF-ZOBA whose displaced gradient surrogates draw directions of their own."""

    name: ClassVar[str] = "control:unshared-directions"
    mutates: ClassVar[str] = "hf-zoba"
    mistake: ClassVar[str] = "HF-ZOBA with other directions at the displaced point"

    def surrogates(self, state: State, directions: Directions) -> Surrogates:
        """HF-ZOBA's, with fresh directions at z + h_bar v."""
        oracle, sample = state.oracle, directions.inner_sample
        h, eta = self.h, self.outer_radius(oracle.p, oracle.d)
        z, x = state.z[:, None, None, :], state.x[:, None, None, :]
        z_v = z + self.h_bar * state.v[:, None, None, :]
        w, u = directions.w, directions.u
        w2, u2 = state.rng.standard_normal(w.shape), state.rng.standard_normal(u.shape)
        g, g_v = oracle.inner(z, x, sample), oracle.inner(z_v, x, sample)
        here_w = average(forward_difference(oracle.inner(z + h * w, x, sample), g, h), w)
        here_u = average(forward_difference(oracle.inner(z, x + eta * u, sample), g, eta), u)
        there_w = average(forward_difference(oracle.inner(z_v + h * w2, x, sample), g_v, h), w2)
        there_u = average(forward_difference(oracle.inner(z_v, x + eta * u2, sample), g_v, eta), u2)
        right = super().surrogates(state, directions)
        return right._replace(hessian_v=(there_w - here_w) / self.h_bar, cross_v=(there_u - here_u) / self.h_bar)


@dataclass(frozen=True)
class MixedFactor(ZobaMixed):
    """ZOBA with mixed differences, with the Hessian surrogate doubled."""

    name: ClassVar[str] = "control:mixed-factor"
    mutates: ClassVar[str] = "zoba-mixed"
    mistake: ClassVar[str] = "a doubled mixed difference in the Hessian surrogate"

    def surrogates(self, state: State, directions: Directions) -> Surrogates:
        """The variant's, with G_zz v doubled."""
        right = super().surrogates(state, directions)
        return right._replace(hessian_v=2.0 * right.hessian_v)


@dataclass(frozen=True)
class HessianFreeFactor(HfZoba):
    """HF-ZOBA with its Hessian action doubled."""

    name: ClassVar[str] = "control:hf-factor"
    mutates: ClassVar[str] = "hf-zoba"
    mistake: ClassVar[str] = "HF-ZOBA with its Hessian action doubled"

    def surrogates(self, state: State, directions: Directions) -> Surrogates:
        """HF-ZOBA's, with G_zz v doubled."""
        right = super().surrogates(state, directions)
        return right._replace(hessian_v=2.0 * right.hessian_v)


@dataclass(frozen=True)
class SlowAdjoint(Zoba):
    """ZOBA that moves v with the step of x."""

    name: ClassVar[str] = "control:slow-adjoint"
    mutates: ClassVar[str] = "zoba"
    mistake: ClassVar[str] = "v moves with the step of x"

    def step(self, state: State) -> State:
        """ZOBA's step, with gamma in place of rho for v."""
        right = super().step(state)
        rho, gamma = self.steps(state.k)
        return replace(right, v=state.v + gamma / rho * (right.v - state.v))


@dataclass(frozen=True)
class Ascent(HfZobaShared):
    """HF-ZOBA with shared directions that moves x up: gamma with the wrong sign."""

    name: ClassVar[str] = "control:ascent"
    mutates: ClassVar[str] = "hf-zoba-shared"
    mistake: ClassVar[str] = "HF-ZOBA with shared directions that moves x up"

    def step(self, state: State) -> State:
        """The solver's step, with the move of x reversed."""
        right = super().step(state)
        return replace(right, x=2 * state.x - right.x)


@dataclass(frozen=True)
class PenaltySign(ZoPenalty):
    """The zeroth-order penalty method with lambda (g_z - g_y) in place of lambda (g_y - g_z)."""

    name: ClassVar[str] = "control:penalty-sign"
    mutates: ClassVar[str] = "zo-penalty"
    mistake: ClassVar[str] = "the penalty term with the opposite sign"

    def outer_slope(self, f_y: Array, g_y: Array, g_z: Array) -> Array:
        """The solver's, with the opposite sign of the penalty term."""
        return super().outer_slope(f_y, g_z, g_y)


@dataclass(frozen=True)
class SecondOrder(Fom):
    """FOM with the exact gradient of its tasks, second derivatives included."""

    name: ClassVar[str] = "control:second-order"
    mutates: ClassVar[str] = "fom"
    mistake: ClassVar[str] = "FOM with the exact gradients of its tasks"
    needs: ClassVar[tuple[str, ...]] = Ufom.needs

    def estimates(self, state: Any, program: Program) -> tuple[Array, Array, dict[str, Any]]:
        """Exact gradients of the tasks in place of their first-order parts."""
        phi, first, rest = gradients(program, "stored", np.ones(program.start.shape[:2], dtype=bool))
        return phi, first + rest, {}


@dataclass(frozen=True)
class GlobalGenerator(Zoba):
    """ZOBA that draws from a generator which all runs of a process share."""

    name: ClassVar[str] = "control:global-generator"
    mutates: ClassVar[str] = "zoba"
    mistake: ClassVar[str] = "directions from a generator that all runs of a process share"
    shared: ClassVar[np.random.Generator] = generator(np.random.SeedSequence(0))

    def draw(self, oracle: Oracle, rng: np.random.Generator, kept: Bases | None = None) -> Directions:
        """ZOBA's, from the wrong generator: what it draws depends on what ran before."""
        return super().draw(oracle, self.shared, kept)


_ALL = (
    HessianFactor, SwappedProjection, UnsharedDirections, MixedFactor, HessianFreeFactor, SlowAdjoint, Ascent,
    PenaltySign, SecondOrder, GlobalGenerator,
)  # fmt: skip
CONTROLS: dict[str, Any] = {control.name: control for control in _ALL} | WRONG_SOLVERS
