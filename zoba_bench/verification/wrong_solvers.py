"""Wrong versions of every registered solver, each with one mistake that the mean of a whole step gives away.

Three ways to make one: change the state after a right step (:func:`_after`), let a right step ask an oracle that
answers one query wrongly (:func:`_asking`), or override a method.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.estimators import average, project, second_difference
from zoba_bench.solvers.aid_bio import AidBio
from zoba_bench.solvers.f2sa import F2sa
from zoba_bench.solvers.fednest import FedNest
from zoba_bench.solvers.fom import Fom
from zoba_bench.solvers.hf_zoba import HfZoba, HfZobaShared
from zoba_bench.solvers.hozog import Hozog
from zoba_bench.solvers.implicit import Implicit
from zoba_bench.solvers.itd_bio import ItdBio
from zoba_bench.solvers.meha import Meha
from zoba_bench.solvers.pzobo import Pzobo
from zoba_bench.solvers.saba import Saba
from zoba_bench.solvers.soba import Soba
from zoba_bench.solvers.stocbio import StocBio
from zoba_bench.solvers.truncated import gradients
from zoba_bench.solvers.ufom import Ufom, UfomAdaptive
from zoba_bench.solvers.zmdsba import Zdsba, Zmdsba
from zoba_bench.solvers.zo_penalty import ZoPenalty
from zoba_bench.solvers.zoba import Zoba, ZobaTuned
from zoba_bench.solvers.zoba_mixed import ZobaMixed

__all__ = ["WRONG_SOLVERS"]

#: name -> solver with a mistake; ``mutates`` names the right one.
WRONG_SOLVERS: dict[str, Any] = {}


def _register(base: Any, what: str, mistake: str, **methods: Any) -> None:
    name = f"control:{base.name}-{what}"
    words = mistake.rstrip(".")
    inside = {
        **methods, "name": name, "mutates": base.name, "mistake": words[:1].lower() + words[1:], "__doc__": mistake,
        "__module__": __name__,
    }  # fmt: skip
    WRONG_SOLVERS[name] = type(name, (base,), inside)


def _after(base: Any, what: str, mistake: str, change: Callable[[Any, Any, Any], Any]) -> None:
    """``change(solver, state, right)`` is the wrong next state."""
    _register(base, what, mistake, step=lambda self, state: change(self, state, base.step(self, state)))


class _Answers:
    """An oracle with some of its queries answered otherwise."""

    def __init__(self, oracle: Any, queries: Mapping[str, Callable[..., Any]]) -> None:
        self._oracle = oracle
        vars(self).update(queries)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._oracle, name)


def _asking(
    base: Any, what: str, mistake: str, queries: Callable[[Any, Any], Mapping[str, Callable[..., Any]]]
) -> None:
    """``queries(solver, state)`` are answers in place of the oracle's."""

    def step(self: Any, state: Any) -> Any:
        right = base.step(self, replace(state, oracle=_Answers(state.oracle, queries(self, state))))
        return replace(right, oracle=state.oracle)

    _register(base, what, mistake, step=step)


def _late(base: Any, block: str = "x") -> None:
    """Moves a block twice as far as it should, from iteration 10 on."""

    def change(self: Any, state: Any, right: Any) -> Any:
        if state.k < 10:
            return right
        return replace(right, **{block: 2 * getattr(right, block) - getattr(state, block)})

    _after(base, "late", f"From k = 10 on {block} moves twice as far.", change)


def _last(base: Any) -> None:
    """Leaves the last coordinate of x where it is when d > 8."""

    def change(self: Any, state: Any, right: Any) -> Any:
        x = right.x.copy()
        if x.shape[-1] > 8:
            x[..., -1] = state.x[..., -1]
        return replace(right, x=x)

    _after(base, "last", "The last coordinate of x does not move when d > 8.", change)


_EVERY: tuple[Any, ...] = (
    Zoba, ZobaTuned, ZobaMixed, HfZoba, HfZobaShared, Soba, Saba, AidBio, ItdBio, StocBio, Fom, Ufom, F2sa, Meha,
    Zmdsba, Zdsba, ZoPenalty, Pzobo, Hozog, FedNest, UfomAdaptive, Implicit,
)  # fmt: skip
for _base in _EVERY:
    _late(_base)
for _base in (HfZobaShared, Soba, Saba, AidBio, ItdBio, StocBio, F2sa, Meha, FedNest, Implicit):
    _last(_base)


# Draws that are not independent.


def _paired(self: Any, state: Any, right: Any) -> Any:
    """Replicate 2 i + 1 moves as replicate 2 i does."""
    moved = {}
    for name in ("z", "v", "x"):
        old, new = getattr(state, name), getattr(right, name).copy()
        pairs = len(new) // 2
        new[1 : 2 * pairs : 2] = old[1 : 2 * pairs : 2] + (new - old)[: 2 * pairs : 2]
        moved[name] = new
    return replace(right, **moved)


def _same_draws(base: Any) -> Callable[[Any, Any], Any]:
    def step(self: Any, state: Any) -> Any:
        right = base.step(self, replace(state, rng=np.random.default_rng(0)))
        return replace(right, rng=state.rng)

    return step


def _same_samples(self: Any, state: Any) -> dict[str, Callable[..., Any]]:
    """F's samples are drawn as those of G were, from the generator as it was then."""
    kept: list[Any] = []

    def inner(rng: Any, batch: int) -> Any:
        kept.append(copy.deepcopy(rng))
        return state.oracle.draw_inner(rng, batch)

    return {"draw_inner": inner, "draw_outer": lambda rng, batch: state.oracle.draw_outer(kept[-1], batch)}


for _base in (Zoba, ZobaTuned, ZobaMixed, HfZoba, HfZobaShared, Soba, Saba, StocBio, Fom, Ufom, UfomAdaptive, F2sa,
              Zmdsba, Zdsba, ZoPenalty, Pzobo, Hozog, FedNest):  # fmt: skip
    _after(_base, "paired", "Replicates are identical in pairs.", _paired)
_register(HfZoba, "same-draws", "Every step draws the same directions.", step=_same_draws(HfZoba))
_asking(Soba, "same-samples", "The samples of F are those of G.", _same_samples)


# The single loop.


def _no_shift(self: Any, state: Any, directions: Any) -> Any:
    right = Zoba.surrogates(self, state, directions)
    z, x, w = state.z[:, None, None, :], state.x[:, None, None, :], directions.w
    plus, minus, centre = (
        state.oracle.inner(point, x, directions.inner_sample) for point in (z + self.h * w, z - self.h * w, z)
    )
    wrong = average(second_difference(plus, minus, centre, self.h, self.h) * project(w, state.v), w)
    return right._replace(hessian_v=wrong)


def _doubled_default(self: Any, k: int) -> tuple[float, float]:
    rho, gamma = ZobaTuned.steps(self, k)
    return rho, 2 * gamma if self.gamma is None else gamma


def _same_direction(self: Any, state: Any, directions: Any) -> Any:
    return ZobaMixed.surrogates(self, state, directions._replace(second_w=directions.w))


def _no_outer_slope(self: Any, state: Any, directions: Any) -> Any:
    right = HfZoba.surrogates(self, state, directions)
    return right._replace(outer_gradient_z=np.zeros_like(right.outer_gradient_z))


def _wide(base: Any) -> Callable[[Any, Any], Any]:
    def step(self: Any, state: Any) -> Any:
        return base.step(self if self.v_radius is None else replace(self, v_radius=2 * self.v_radius), state)

    return step


def _free(self: Any, state: Any) -> dict[str, Callable[..., Any]]:
    return {"project_x": lambda x: x}


_register(Zoba, "no-shift", "The Hessian surrogate is s (w'v) w, without - s v.", surrogates=_no_shift)
_register(ZobaTuned, "doubled-default", "gamma is rho by default, twice the published step.", steps=_doubled_default)
_register(ZobaMixed, "same-direction", "Both directions of the mixed difference are one.", surrogates=_same_direction)
_register(HfZoba, "no-outer-slope", "D_v lacks F_z.", surrogates=_no_outer_slope)
_register(
    HfZoba, "unnormalised", "h_bar is not divided by |v| though normalize_h_bar asks for it.",
    surrogates=lambda self, state, drawn: HfZoba.surrogates(replace(self, normalize_h_bar=False), state, drawn),
)  # fmt: skip
_register(HfZobaShared, "wide-ball", "v is kept in a ball of twice the radius.", step=_wide(HfZobaShared))
for _base in _EVERY:
    _asking(_base, "unprojected", "x is not projected onto X.", _free)


# Sums and hypergradients.


def _gauss_seidel(self: Any, state: Any) -> dict[str, Callable[..., Any]]:
    oracle, rho = state.oracle, self.steps(state.k)[0]
    z = state.z - rho * oracle.inner_grad_z(state.z, state.x)

    def product(old: Array, x: Array, v: Array, sample: Any = None) -> Array:
        found: Array = oracle.inner_hvp_zz(z if old.ndim == 2 else z[:, None], x, v, sample)
        return found

    return {"inner_hvp_zz": product}


def _duplicates(self: Any, state: Any) -> Any:
    """Every draw of a sample enters the mean of the memory, as often as it was drawn."""
    before, drawn = copy.deepcopy(state.memories.tables), {}

    def keeping(level: str, draw: Callable[..., Any]) -> Callable[..., Any]:
        def asked(rng: Any, batch: int) -> Any:
            drawn[level] = draw(rng, batch)
            return drawn[level]

        return asked

    oracle = state.oracle
    answers = {"draw_inner": keeping("inner", oracle.draw_inner), "draw_outer": keeping("outer", oracle.draw_outer)}
    right = replace(Saba.step(self, replace(state, oracle=_Answers(oracle, answers))), oracle=oracle)
    for name, table in right.memories.tables.items():
        sample = drawn[name.partition("_")[0]]
        change = np.take_along_axis(table.values - before[name].values, sample, axis=1)
        table.mean = before[name].mean + change.sum(axis=1) / table.values.shape[1]
    return right


def _forgetful(self: Any, state: Any, right: Any) -> Any:
    for table in right.memories.tables.values():
        table.mean = np.zeros_like(table.mean)
    return right


def _unused(self: Any, state: Any) -> Any:
    """The same batch with a memory of zeros, which leaves the mean of a step as it is and not its noise."""
    blank = copy.deepcopy(state.memories)
    for table in blank.tables.values():
        table.values, table.mean = np.zeros_like(table.values), np.zeros_like(table.mean)
    moved = Saba.step(self, replace(state, memories=blank, rng=copy.deepcopy(state.rng)))
    return replace(Saba.step(self, state), z=moved.z, v=moved.v, x=moved.x)


def _one_batch(self: Any, state: Any) -> dict[str, Callable[..., Any]]:
    kept: dict[int, Any] = {}

    def draw(rng: Any, batch: int) -> Any:
        if batch not in kept:
            kept[batch] = state.oracle.draw_inner(rng, batch)
        return kept[batch]

    return {"draw_inner": draw}


def _at_old_z(name: str) -> Callable[[Any, Any], dict[str, Callable[..., Any]]]:
    def queries(self: Any, state: Any) -> dict[str, Callable[..., Any]]:
        query = getattr(state.oracle, name)
        return {name: lambda z, *rest, **more: query(state.z if z.ndim == 2 else state.z[:, None], *rest, **more)}

    return queries


def _scaled(name: str, factor: float) -> Callable[[Any, Any], dict[str, Callable[..., Any]]]:
    def queries(self: Any, state: Any) -> dict[str, Callable[..., Any]]:
        query = getattr(state.oracle, name)
        return {name: lambda *arguments, **more: factor * query(*arguments, **more)}

    return queries


def _cold(self: Any, state: Any) -> Any:
    return AidBio.step(self, replace(state, v=np.zeros_like(state.v)))


_asking(Soba, "gauss-seidel", "G_zz v is taken at the new z.", _gauss_seidel)
_asking(Soba, "sign", "D_x is F_x - G_xz v.", _scaled("inner_jvp_xz", -1.0))
_register(Saba, "duplicates", "A sample drawn twice enters the mean of the memory twice.", step=_duplicates)
_register(Saba, "unused", "The memory is kept, and not used.", step=_unused)
_after(Saba, "forgetful", "The mean of the memory is lost.", _forgetful)
_register(AidBio, "cold", "Conjugate gradients start at zero, not where they ended.", step=_cold)
_asking(AidBio, "stale", "F_z is taken at the z before the inner steps.", _at_old_z("outer_grad_z"))
_asking(ItdBio, "stale", "Every Hessian is taken at the first point of the path.", _at_old_z("inner_hvp_zz"))
_asking(ItdBio, "sign", "The implicit part has the opposite sign.", _scaled("inner_jvp_xz", -1.0))
_asking(StocBio, "one-batch", "One batch of G serves all inner steps and all Hessian products.", _one_batch)
_asking(StocBio, "no-direct", "The hypergradient lacks F_x.", _scaled("outer_grad_x", 0.0))


def _weakened(part: str, factor: float) -> Callable[..., Array]:
    def along(self: Any, oracle: Any, z: Array, x: Array, v: Array, base: Array, n: int, letter: str) -> Array:
        found = Implicit._along(self, oracle, z, x, v, base, n, letter)
        return factor * found if letter == part else found

    return along


_register(Implicit, "unchecked", "G_zz is not repaired along v.", _along=_weakened("z", 0.0))
_register(Implicit, "half-product", "The hypergradient has half of G_xz v.", _along=_weakened("x", 0.5))


# Truncated gradients.


def _from_here(self: Any, state: Any) -> Any:
    right = Fom.step(self, replace(state, start=state.z))
    return replace(right, start=state.start)


def _uncorrected(self: Any, state: Any, program: Any) -> tuple[Array, Array, dict[str, Any]]:
    """(xi)(g - g_FO), without 1/q."""
    q = self.probability(state)
    coins = state.rng.random(program.start.shape[:2]) < q[:, None]
    phi, first, rest = gradients(program, self.gradient, coins)
    return phi, first + rest, self.learned(state, program, coins, first + rest, rest)


def _summed(self: Any, state: Any, right: Any) -> Any:
    return replace(right, x=state.x + (self.batch or 1) * (right.x - state.x))


def _debiased(self: Any, state: Any, program: Any, coins: Any, exact: Array, rest: Array) -> dict[str, Any]:
    factor = 1 / self.probability(state)[:, None, None] - 1
    learned: dict[str, Any] = UfomAdaptive.learned(self, state, program, coins, exact, factor * rest)
    return learned


_register(
    Fom, "doubled-default", "gamma is 20 by default, twice the published step.",
    step_size=lambda self, k, tasks: Fom.step_size(self, k, tasks) * (2.0 if self.gamma is None else 1.0),
)  # fmt: skip
_register(Fom, "restart", "The inner loop goes on from the last phi_r, not from phi_0.", step=_from_here)
for _base in (Fom, Ufom):
    _after(_base, "sum", "A sum over the drawn tasks stands in place of their mean.", _summed)
_asking(Fom, "no-direct", "L_out's slope in theta is doubled.", _scaled("outer_grad_x", 2.0))
_register(Ufom, "no-quotient", "The correction is not divided by q.", estimates=_uncorrected)
_register(UfomAdaptive, "no-quotient", "The correction is not divided by q.", estimates=_uncorrected)
_register(
    UfomAdaptive, "no-floor", "q has no least value.",
    learned=lambda self, *arguments: UfomAdaptive.learned(replace(self, q_min=1e-3), *arguments),
)  # fmt: skip
_register(
    UfomAdaptive, "debiased", "D^2 is taken from the corrected gradient, (1/q - 1)^2 too large.", learned=_debiased
)


# Penalties.


def _frozen_penalty(self: Any, k: int) -> float:
    return float(self.c)


def _constant_lam(self: Any, oracle: Any, k: int) -> tuple[float, float, float]:
    alpha, gamma, _ = F2sa.schedule(self, oracle, k)
    return alpha, gamma, self.lam


def _old_x(self: Any, state: Any) -> dict[str, Callable[..., Any]]:
    """F_z is asked for once, at the new x."""
    query = state.oracle.outer_grad_z
    return {"outer_grad_z": lambda z, x: query(z, state.x)}


def _prox_sign(self: Any, state: Any) -> dict[str, Callable[..., Any]]:
    oracle = state.oracle
    return {"inner_prox": lambda z, x, step: 2 * z - oracle.inner_prox(z, x, step)}


_register(F2sa, "constant-lam", "lam does not grow.", schedule=_constant_lam)
_asking(F2sa, "sign", "The penalty term of x has the opposite sign.", _scaled("inner_grad_x", -1.0))
_asking(F2sa, "stale", "F_x is taken at z_k, not at y.", _at_old_z("outer_grad_x"))
_register(Meha, "constant-c", "c_k does not grow.", penalty=_frozen_penalty)
_asking(Meha, "old-x", "The step of z uses F_z at the old x.", _old_x)
_asking(Meha, "prox-sign", "The proximal step goes the other way.", _prox_sign)


# Two loops and responses.


def _cross_doubled(base: Any) -> Any:
    return lambda self, *arguments: 2 * base.cross(self, *arguments)


def _no_identity(self: Any, oracle: Any, z: Array, x: Array, q: Array, w: Array, u: Array, sample: Any) -> Array:
    curvature = self._curvature(oracle, z, x, w, u, self.h, sample)
    return average(curvature * project(w, q), w)


def _negated_slope(self: Any, *arguments: Any) -> Array:
    wrong: Array = -Zmdsba.outer_gradient_z(self, *arguments)
    return wrong


def _unscaled(self: Any, state: Any, right: Any) -> Any:
    return replace(right, x=state.x + (right.x - state.x) / state.x.shape[1])


def _warm(self: Any, state: Any) -> Any:
    return replace(Hozog.step(self, replace(state, origin=state.z)), origin=state.origin)


def _successor(self: Any, state: Any, right: Any) -> Any:
    better = right.best_value < state.best_value
    return replace(right, best_x=np.where(better[:, None], right.x, state.best_x))


def _bare_response(self: Any, state: Any) -> dict[str, Callable[..., Any]]:
    return _scaled("outer_grad_z", 1 / state.x.shape[1] if self.directions == "sphere" else 0.5)(self, state)


_register(
    Zmdsba, "radius", "The difference of F in x is divided by h in place of eta.",
    outer_gradient_x=lambda self, *arguments: Zmdsba.outer_gradient_x(self, *arguments) * self.outer_radius / self.h,
)  # fmt: skip
_register(Zmdsba, "cross", "The cross difference is divided by h eta, not 2 h eta.", cross=_cross_doubled(Zmdsba))
_register(Zmdsba, "sign", "SZHIA adds f_z where it should subtract it.", outer_gradient_z=_negated_slope)
_register(Zdsba, "no-identity", "The Hessian surrogate is s w w', without - s I.", hessian=_no_identity)
_asking(ZoPenalty, "doubled-g", "Values of G are doubled.", _scaled("inner", 2.0))
_register(
    ZoPenalty, "sign", "The penalty term of x has the opposite sign.",
    outer_slope=lambda self, f_y, g_y, g_z: ZoPenalty.outer_slope(self, f_y, g_z, g_y),
)  # fmt: skip
_asking(
    Pzobo, "no-factor", "The implicit part lacks the factor d of unit directions, or half of itself.", _bare_response
)
_asking(Pzobo, "stale", "F_z is taken at the z before the inner run.", _at_old_z("outer_grad_z"))
_after(Hozog, "no-factor", "The difference lacks the factor d.", _unscaled)
_register(Hozog, "warm", "A training starts where the last one ended.", step=_warm)
_after(Hozog, "successor", "The successor of the best x is kept.", _successor)


# FedNest.


def _drift(self: Any, oracle: Any, rng: Any, y: Array, x: Array) -> Array:
    """FedInn without its correction: local steps along G_i alone, of the first client."""
    held = self._held(oracle, oracle.inner_samples)[:, :1]
    for _ in range(self.tau):
        y = y - self.beta * oracle.inner_grad_z(y[:, None, None], x[:, None, None], held).mean(axis=2)[:, 0]
    return y


_register(FedNest, "drift", "The inner steps follow one client alone.", _inn=_drift)
_register(
    FedNest, "short-series", "The Neumann series has one term less.",
    _ihgp=lambda self, oracle, y, x: FedNest._ihgp(replace(self, N=self.N - 1), oracle, y, x),
)  # fmt: skip
