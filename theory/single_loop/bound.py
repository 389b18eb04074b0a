"""The smallest certified bound of a run: exact constants of the problem in, an exact rational out.

Constants can be used in several ways (see ``run.ways``). Each way gives numbers for the one-step inequalities; the
drift of each is certified, with Psi at x alone and, where G is quadratic, at the virtual iterate too. The smallest
bound is kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product
from typing import Any

from .. import symbols as names
from ..estimators.presets import Preset
from ..proof.rational import upper_bound
from ..proof.theorem import TheoremError
from ..symbols import THIRD
from .drift import Certified, Drift, OneStep, certify
from .roots import Directions, Roots
from .run import SPREADS, Run, Start, ways
from .state import Linear, motion
from .virtual import VirtualDrift, applies

__all__ = ["ExplicitBound", "Way", "as_float", "exact_start", "third_constant"]

#: How constants are used, which bound of the motion of z* and v*, and which drift.
Way = tuple[Directions, int, type[Drift]]


#: Solvers with the same surrogates: a theorem of one speaks of the runs of the others.
_FAMILIES = ({"zoba", "zoba-tuned"}, {"zoba-mixed"}, {"hf-zoba", "hf-zoba-shared"})


@dataclass(frozen=True, eq=False)
class ExplicitBound:
    """Certified bounds of one preset; ``preset=None`` is the method with exact derivatives."""

    preset: Preset | None

    @cached_property
    def _roots(self) -> dict[Directions, Roots]:
        return {}

    def roots(self, run: Directions) -> Roots:
        """The linear forms for one way to draw directions, derived when first asked for."""
        return self._roots.setdefault(run, Roots(self.preset, run))

    def certificate(self, constants: Any, p: int, d: int, solver: Any, K: int, start: Start) -> Certified:
        """The smallest certified bound over the ways in which the constants can be used.

        Raises
        ------
        TheoremError : a condition of the theorem fails, named; ValueError where a constant is unknown or only sampled.
        """
        if isinstance(K, bool) or int(K) != K or K < 1:
            raise TheoremError(f"K must be a positive integer, got {K!r}")
        begin = exact_start(start)
        best: Certified | None = None
        refusals: list[Exception] = []
        for _, drift in self.drifts(constants, p, d, solver, start, refusals):
            found = certify(drift, begin, int(K))
            if found is not None and (best is None or found.bound < best.bound):
                best = found
        if best is None:
            if refusals:
                raise refusals[0]
            raise TheoremError(
                "condition 'negative drift' holds for no weights: use more directions, smaller steps or a smaller "
                "gamma/rho"
            )
        return best

    def drifts(
        self, constants: Any, p: int, d: int, solver: Any, start: Start, refusals: list[Exception] | None = None,
        only: Way | None = None,
    ) -> Iterator[tuple[Way, Drift]]:  # fmt: skip
        """The drift for every way in which the constants can be used, or for one, with exact numbers.

        What a way lacks is appended to ``refusals``; a condition that fails whatever the way is raised, as by
        :meth:`certificate`.
        """
        inner, outer = (any(constants.bound(n) != 0 for n in level) for level in SPREADS)
        run = Run.of(solver, p, d, derivatives=self.preset is None, sampled=(inner, outer))
        self._check_solver(solver, run)
        if self.preset is not None and self.preset.one_count:
            for one, two in (("l1", "l2"), ("b1", "b2")):
                if run.numbers[one] != run.numbers[two]:
                    first, second = int(run.numbers[one]), int(run.numbers[two])
                    raise TheoremError(f"{two} must equal {one} here, got {one}={first}, {two}={second}")
        mu, top = (Fraction(value) for value in constants.require("mu", "L_zz"))
        # The published step 2/(mu + L_zz), rounded to a float, may exceed it by one part in 2^53.
        if run.numbers["rho"] * (mu + top) > 2 * (1 + Fraction(1, 2**50)):
            limit = 2 / float(mu + top)
            raise TheoremError(f"condition rho <= 2/(mu + L_zz): rho={float(run.numbers['rho'])!r} exceeds {limit!r}")
        kinds = (Drift, VirtualDrift) if applies(constants, run) else (Drift,)
        for directions in self._ways(constants, run, exact_start(start)[2]):
            if only is not None and directions != only[0]:
                continue
            try:
                steps = list(self.one_steps(constants, run, directions))
            except ValueError as error:
                if refusals is not None:
                    refusals.append(error)
                continue
            for way in product([directions], range(len(steps)), kinds):
                if only in (None, way):
                    yield way, way[2](steps[way[1]])

    def _check_solver(self, solver: Any, run: Run) -> None:
        """Refuse a configuration that the theorem does not speak of."""
        if run.numbers["gamma"] <= 0 or run.numbers["rho"] <= 0:
            raise TheoremError(f"condition rho, gamma > 0: got rho={solver.rho!r}, gamma={solver.gamma!r}")
        if self.preset is None:
            return
        name = getattr(solver, "name", None)
        family = next(f for f in _FAMILIES if self.preset.name in f)
        if isinstance(name, str) and any(name in f for f in _FAMILIES) and name not in family:
            raise TheoremError(f"the theorem of {self.preset.name!r} does not speak of the solver {name!r}")
        if self.preset.one_count and not run.outer_shared:
            raise TheoremError("outer_directions must be 'shared' here, got 'independent'; use the theorem 'hf-zoba'")

    def _ways(self, constants: Any, run: Run, v_error: Fraction) -> Iterator[Directions]:
        """Ways to use the constants of a run from a start, the usual one first."""
        radius, inside = run.v_radius, False
        if radius is not None:
            (bound,) = constants.require("R")
            if radius < Fraction(bound):
                raise TheoremError(f"v_radius={float(radius)!r} is below R={bound!r}: the ball may not contain v*")
            # |v| <= R_v from the start on: |v_0| <= R + v_error is all that is known of it.
            inside = Fraction(bound) + v_error <= radius
        sampled = any(constants.bound(name) != 0 for level in SPREADS for name in level)
        return ways(self.preset, constants, run, inside=inside, sampled=sampled)

    def one_steps(
        self, constants: Any, run: Run, directions: Directions, second_order: bool = True
    ) -> Iterator[OneStep]:  # fmt: skip
        """Exact numbers of the one-step inequalities, for each way to bound the motion of z* and v*.

        Without ``second_order`` the Lipschitz constants of their Jacobians count only where they are zero.
        """
        roots = self.roots(directions)
        linear = {n: getattr(roots, n) for n in ("z", "v", "x", "bias_z", "bias_v", "bias_x")}
        values = dict(run.numbers)
        needed = {"mu", "L_xz", "L_Psi", "k_z", "k_v", "m_zz", "m_xz"}
        for form in linear.values():
            needed |= {str(s) for entry in form.entries for s in getattr(entry, "free_symbols", set())}
        curved = [str(s) for s in THIRD] if directions.curved else []
        wanted = {"H_zz", "H_xz"} | needed if directions.curved else needed
        values |= {name: third_constant(constants, name) for name in curved if name in wanted}
        if directions.growing:
            values["R"], values["R_g"] = (Fraction(value) for value in constants.require("R_0", "R_g"))
        elif "R" in needed or directions.curved:
            values["R"] = Fraction(constants.require("R")[0])
        if run.v_radius is not None:
            values["R_v"] = run.v_radius
        for name in sorted(needed - set(values) - {"M_v", "M_x"}):
            values[name] = Fraction(constants.require(name)[0])
        adjoint = values.get("R", Fraction(0))
        values["M_v"] = values["m_zz"] + values.get("H_zz", Fraction(0)) * adjoint
        values["M_x"] = values["m_xz"] + values.get("H_xz", Fraction(0)) * adjoint
        by_symbol = {symbol: values[str(symbol)] for symbol in _symbols() if str(symbol) in values}
        exact: dict[str, Any] = {n: form.map(lambda e: _number(e, by_symbol)) for n, form in linear.items()}
        plain: dict[str, Any] = {
            n: values[n] for n in ("mu", "L_xz", "L_Psi", "M_v", "M_x", "k_z", "k_v", "rho", "gamma")
        }
        for moved_z, moved_v in self._motions(constants, values, exact["x"], second_order):
            yield OneStep(**plain, **exact, moved_z=moved_z, moved_v=moved_v, independent=roots.independent)

    @staticmethod
    def _motions(
        constants: Any, values: Mapping[str, Fraction], root: Linear, second_order: bool
    ) -> list[tuple[Linear, Linear]]:  # fmt: skip
        """Bounds of the mean motion of z* and v* beyond the mean step.

        k gamma times the root r of V_x always serves; where the Jacobians have Lipschitz constants s,
        min(k gamma r, s gamma^2 r^2/2) does, of which ``motion`` is a bound.
        """
        gamma, constant = values["gamma"], Fraction(root.entries[-1])
        found = []
        for slope, second in (("k_z", constants.bound("s_z")), ("k_v", constants.bound("s_v"))):
            rough = values[slope] * gamma
            forms = [root.scaled(Fraction(0) if second == 0 else rough)]
            if second and second_order:
                forms.append(motion(rough, min(rough * constant, Fraction(second) * gamma**2 * constant**2 / 2), root))
            found.append(forms)
        pairs = [(found[0][0], found[1][0]), (found[0][-1], found[1][-1])]
        if pairs[0] == pairs[1]:
            return pairs[:1]
        # Where r is constant the second way is never worse.
        return pairs[1:] if root.constant else pairs


def third_constant(constants: Any, name: str) -> Fraction:
    """Lipschitz constant of a block of the Hessian of G, or the whole Hessian's where it is not known."""
    value = constants.bound(name)
    if value is None:
        (value,) = constants.require(name if constants.bound("H") is None else "H")
    return Fraction(value)


def _symbols() -> list[Any]:
    return [value for value in vars(names).values() if hasattr(value, "is_Symbol") and value.is_Symbol]


def _number(entry: Any, values: Mapping[Any, Fraction]) -> Fraction:
    return Fraction(entry) if isinstance(entry, int) else upper_bound(entry, values)


def exact_start(start: Start) -> tuple[Fraction, Fraction, Fraction]:
    """Psi(x0) - inf Psi, |z0 - z*| and |v0 - v*| as exact rationals."""
    return Fraction(start.gap), Fraction(start.z_error), Fraction(start.v_error)


def as_float(fraction: Fraction) -> float:
    """A float at or above a rational, at most one step away."""
    value = float(fraction)
    return value if Fraction(value) >= fraction else math.nextafter(value, math.inf)
