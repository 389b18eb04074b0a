"""The bound of a run with fixed directions, from the explicit certificate: constant steps, or gamma_1/sqrt(k + 1).

Constants of the problem in, an exact rational out. The conditions of the certificate are checked at the first and
largest step; they hold for smaller ones with the same gamma/rho. G is quadratic here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import sympy as sp

from ...estimators.presets import Preset
from ...proof.rational import upper_bound
from ...proof.theorem import TheoremError
from ...symbols import W_0, K, gamma, mu, rho, w_a, w_b
from ..inequalities import bias_v, bias_x, bias_z
from ..plan import has_spreads
from ..run import SPREADS, Run, Start
from ..variance import VarianceModel
from ..weights import COEFFICIENTS, Certificate, V_x_bar, equal_shares
from .decreasing import first_step, log_factor, plain_mean, weighted_mean
from .noise import N_1, N_2, X_1, B, Noise, root_kappa

__all__ = ["FixedBound", "kinds_of"]


def kinds_of(constants: Any, run: Run, v_error: Fraction) -> list[str]:
    """Kinds of solution maps that a run and its constants allow, or a refusal that names what is missing."""
    known = [constants.bound("s_z"), constants.bound("s_v")]
    if None in known:
        constants.require("s_z", "s_v")
    if known == [0, 0]:
        return ["flat"]
    kinds = ["free"]
    if run.v_radius is not None and Fraction(constants.require("R")[0]) + v_error <= run.v_radius:
        kinds.append("smooth")
    return kinds


@dataclass(frozen=True, eq=False)
class FixedBound:
    """Bounds of one preset.

    Attributes
    ----------
    preset : the surrogates.
    coupling : Y of the explicit steps; here only what it leaves for noise proportional to D^2 matters.
    """

    preset: Preset
    coupling: Any

    @cached_property
    def _models(self) -> dict[tuple[bool, bool], VarianceModel]:
        return {}

    def model(self, projected: bool, sampled: bool) -> VarianceModel:
        """Variances in the steps, radii, directions and batches of a run."""
        key = projected, sampled
        if key not in self._models:
            self._models[key] = VarianceModel(self.preset, projected, any_ratio=True, sampled=sampled)
        return self._models[key]

    def bound(
        self, constants: Any, p: int, d: int, solver: Any, K: int, start: Start, weighted: bool = False
    ) -> Fraction:  # fmt: skip
        """The smallest explicit bound over the kinds of solution maps that are allowed.

        Raises
        ------
        TheoremError : G is not quadratic, or a condition fails; it is named. ValueError : a constant is unknown.
        """
        if isinstance(K, bool) or int(K) != K or K < 1:
            raise TheoremError(f"K must be a positive integer, got {K!r}")
        if constants.bound("H") != 0:
            raise TheoremError("the explicit bound speaks of quadratic G, H = 0")
        levels = (any(constants.bound(name) != 0 for name in level) for level in SPREADS)
        inner, outer = levels
        run = Run.of(solver, p, d, sampled=(inner, outer), decreasing=True)
        if self.preset.one_count and (not run.outer_shared or run.numbers["l1"] != run.numbers["l2"]):
            raise TheoremError("l2 = l1 shared directions are needed here")
        decreasing = getattr(solver, "schedule", "constant") != "constant"
        found, refusals = [], []
        for kind in kinds_of(constants, run, Fraction(start.v_error)):
            try:
                parts = self.parts(constants, run, kind, start)
            except TheoremError as error:
                refusals.append(error)
                continue
            found.append(_total(parts, run.numbers["gamma"], int(K), decreasing, weighted))
        if not found:
            raise refusals[0]
        return min(found)

    def parts(self, constants: Any, run: Run, kind: str, start: Start) -> dict[Any, Fraction]:
        """N_1, N_2, B and W_0 of a run; refused where a condition of the certificate fails."""
        model = self.model(kind == "smooth", has_spreads(constants))
        noise = Noise(Certificate(model.independent, kind), self.coupling)
        values = self._values(constants, run, noise, model)
        exact = {COEFFICIENTS[n]: upper_bound(equal_shares(x), values) for n, x in model.coefficients.items() if x != 0}
        values |= dict.fromkeys(COEFFICIENTS.values(), Fraction(0)) | exact
        ratio = values[gamma] / values[rho]
        top = values[_by_name("L_zz")]
        if values[rho] * (values[mu] + top) > 2 * (1 + Fraction(1, 2**50)):
            raise TheoremError(f"condition rho <= 2/(mu + L_zz): rho={float(values[rho])!r} is too large")
        values[_by_name("c")] = ratio
        if kind == "smooth":
            values[V_x_bar] = upper_bound(noise.largest, values)
        for name, condition in noise.certificate.conditions.items():
            left = upper_bound(sp.expand(equal_shares(condition)), values)
            if left < 0:
                raise TheoremError(
                    f"condition {name!r} of the certificate is {float(left)!r}, not >= 0: use smaller steps or a "
                    "smaller gamma/rho" + (", or more directions" if kind == "free" else "")
                )
        for symbol, definition in noise.definitions.items():
            values[{"X_1": X_1, "root_kappa": root_kappa}[symbol]] = upper_bound(definition, values)
        biases = {bias_z: Fraction(0)}
        biases |= {name: upper_bound(value, values) for name, value in ((bias_v, model.bias_v), (bias_x, model.bias_x))}
        errors = values[w_a] * Fraction(start.z_error) ** 2 + values[w_b] * Fraction(start.v_error) ** 2
        return {
            N_1: upper_bound(sp.expand(noise.linear), values),
            N_2: upper_bound(sp.expand(noise.quadratic), values),
            B: upper_bound(sp.expand(noise.bias), values | biases),
            W_0: Fraction(start.gap) + ratio / values[mu] * errors,
        }

    def _values(self, constants: Any, run: Run, noise: Noise, model: VarianceModel) -> dict[Any, Fraction]:
        """Exact numbers of every symbol that occurs."""
        numbers: dict[str, Fraction] = dict(run.numbers)
        if run.v_radius is not None:
            numbers["R_v"] = run.v_radius
        expressions = [*model.coefficients.values(), *noise.definitions.values(), noise.largest, model.bias_v]
        used = {str(symbol) for each in (*expressions, model.bias_x) for symbol in sp.sympify(each).free_symbols}
        used |= {"mu", "L_zz", "L_xz", "L_Psi", "m_zz", "m_xz", "k_z", "k_v"}
        if noise.kind != "smooth" or noise.coefficients["s_xD"] == 0:
            used -= {"R_v"} if run.v_radius is None else set()
            used -= (
                {"C_x"} if not any(sp.sympify(x).has(_by_name("C_x")) for x in model.coefficients.values()) else set()
            )
        ours = {"c", "w_a", "w_b", "M_v", "M_x", *map(str, COEFFICIENTS.values())}
        ours |= {name for name in used if name.startswith(("y_", "u_"))}
        wanted = sorted(used - set(numbers) - ours)
        numbers |= {name: Fraction(value) for name, value in zip(wanted, constants.require(*wanted), strict=True)}
        numbers["M_v"], numbers["M_x"] = numbers["m_zz"], numbers["m_xz"]
        numbers["w_b"] = 3 * numbers["L_xz"] ** 2 or Fraction(1)
        M_v, M_x = numbers["M_v"], numbers["M_x"]
        numbers["w_a"] = 3 * M_x**2 + 8 * numbers["w_b"] * M_v**2 / numbers["mu"] ** 2 or Fraction(1, 10**9)
        return {_by_name(name): value for name, value in numbers.items() if _by_name(name) is not None}


def _total(parts: Mapping[Any, Fraction], step: Fraction, K_: int, decreasing: bool, weighted: bool) -> Fraction:
    values = {**parts, first_step: step, gamma: step, K: Fraction(K_)}
    if not decreasing:
        return 2 * parts[W_0] / (step * K_) + 2 * step * parts[N_1] + 2 * step**2 * parts[N_2] + 2 * parts[B]
    # math.log is right to within a few units of the last place.
    values[log_factor] = 1 + Fraction(math.log(K_)) * (1 + Fraction(1, 2**48))
    if not weighted:
        return upper_bound(sp.expand(plain_mean()), values)
    # 1/(2 (sqrt(K + 1) - 1)) = (sqrt(K + 1) + 1)/(2 K).
    start = 2 * parts[W_0] + 2 * step**2 * parts[N_1] * values[log_factor] + 6 * step**3 * parts[N_2]
    inverse = upper_bound((sp.sqrt(K + 1) + 1) / (2 * K), values)
    assert weighted_mean().has(K)
    return start / step * inverse + 2 * parts[B]


def _by_name(name: str) -> Any:
    from ... import symbols

    return getattr(symbols, name, None)
