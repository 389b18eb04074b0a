"""P7b: how fast every solver converges, on a quadratic, off quadratics, and with samples where it has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims._later import LATER
from zoba_bench.verification.claims._pairs import Control, build, with_controls

__all__ = ["SETTINGS", "Setting", "quick_claims", "standard_claims"]

_STATEMENT = (
    "From the problem's own start x comes as close to its goal as the mean of the algorithm's box, carried through all "
    "iterations, says; measured is the share of the expected distance that is left."
)
_QUADRATIC: dict[str, Any] = {"name": "quad_general", "p": 3, "d": 2, "kappa": 2.0}
_WIDE: dict[str, Any] = {"name": "quad_general", "p": 2, "d": 3, "kappa": 4.0}
_SUM: dict[str, Any] = {
    "name": "quad_sum", "p": 3, "d": 2, "n_inner": 16, "n_outer": 16, "mu": 0.5, "L_cross": 0.5,
}  # fmt: skip
_WIDE_SUM: dict[str, Any] = {**_SUM, "p": 2, "d": 3}
_LOGISTIC: dict[str, Any] = {"name": "logistic_bregman", "p": 3, "d": 2, "mu": 1.0}
_RIPPLE: dict[str, Any] = {"name": "logcosh_ripple"}
_SMD: dict[str, Any] = {"name": "smd7"}
_COUPLED: dict[str, Any] = {"name": "smd1", "p": 3, "d": 3}
#: Real data, a loss a row, with a minimiser that is certified; 221 rows at both levels.
_ROWS: dict[str, Any] = {
    "name": "diabetes_ridge", "p": 3, "d": 3, "features": 3, "weight": 1.0, "stochastic": True,
}  # fmt: skip
_TASKS: dict[str, Any] = {"name": "two_task"}


@dataclass(frozen=True)
class Setting:
    """One claim: runs of a solver, and the mistake (of ``wrong_solvers``) that it must refuse at the same budget.

    Attributes
    ----------
    replicates : one for a method without noise.
    tolerance : of the share; rounding alone is left of it without noise.
    halved : options with which the noise is half as large, where objectives are not quadratic.
    what : how the claim is named, where not by its problem.
    halved_iterations : with these options, where they shorten the steps of x; else as many.
    """

    solver: str
    problem: dict[str, Any]
    wrong: str
    options: Mapping[str, Any]
    iterations: int
    goal: str = "minimizer"
    replicates: int = 1
    tolerance: float = 1e-6
    halved: Mapping[str, Any] = field(default_factory=dict)
    what: str = ""
    halved_iterations: int | None = None

    def claims(self) -> list[Claim]:
        """The claim and its control."""
        name, what = self.problem["name"], self.what or self.problem["name"]
        parameters = {
            "problem": self.problem, "options": dict(self.options), "iterations": self.iterations,
            "replicates": self.replicates, "goal": self.goal, **({"halved": dict(self.halved)} if self.halved else {}),
            **({"halved_iterations": self.halved_iterations} if self.halved_iterations else {}),
        }  # fmt: skip
        right = build(
            f"P7b/{self.solver}/{what}", _STATEMENT, "equal", self.tolerance, parameters, problem=name
        )  # fmt: skip
        wrong = f"control:{self.solver}-{self.wrong}"
        return with_controls(right, Control(f"P7b/{wrong}/{what}", solver=wrong))


_CONSTANT: dict[str, Any] = {"schedule": "constant"}
_SINGLE: dict[str, Any] = {**_CONSTANT, "rho": 0.1, "gamma": 0.02, "l1": 32, "l2": 32}
_TWICE: dict[str, Any] = {"l1": 64, "l2": 64}
_UNROLLED: dict[str, Any] = {**_CONSTANT, "q": 0.5, "alpha": 0.2, "gamma": 0.05}
_DIFFERENCES: dict[str, Any] = {
    **_CONSTANT, "moves": "block", "beta": 0.05, "t_k": 20, "b_k": 40, "h": 1e-4,
}  # fmt: skip
_PENALTY: dict[str, Any] = {**_CONSTANT, "lam": 4.0, "T_b": 5, "l": 16, "alpha": 0.02, "beta": 0.1, "h": 1e-5}

_INNER: dict[str, Any] = {"inner_steps": 5, "alpha": 0.5, "training": "gradients"}

#: The first of each solver is in quick.
SETTINGS: tuple[Setting, ...] = (
    Setting("zoba", _QUADRATIC, "late", _SINGLE, 34, replicates=200, tolerance=0.1),
    Setting("zoba", _LOGISTIC, "late", _SINGLE, 53, replicates=1000, tolerance=0.15, halved=_TWICE),
    Setting("zoba-tuned", _QUADRATIC, "late", _SINGLE, 34, replicates=200, tolerance=0.1),
    Setting("zoba-tuned", _LOGISTIC, "late", _SINGLE, 53, replicates=1000, tolerance=0.15, halved=_TWICE),
    Setting("zoba-mixed", _QUADRATIC, "late", _SINGLE, 34, replicates=200, tolerance=0.1),
    Setting("zoba-mixed", _LOGISTIC, "late", _SINGLE, 53, replicates=1000, tolerance=0.15, halved=_TWICE),
    Setting("hf-zoba", _QUADRATIC, "no-outer-slope", _SINGLE, 34, replicates=200, tolerance=0.1),
    Setting("hf-zoba", _LOGISTIC, "late", _SINGLE, 53, replicates=200, tolerance=0.1, halved=_TWICE),
    Setting("hf-zoba-shared", _QUADRATIC, "late", _SINGLE, 34, replicates=200, tolerance=0.1),
    Setting("hf-zoba-shared", _LOGISTIC, "late", _SINGLE, 53, replicates=200, tolerance=0.1, halved=_TWICE),
    Setting("soba", _LOGISTIC, "gauss-seidel", {**_CONSTANT, "rho": 0.2, "ratio": 4.0}, 200),
    Setting("soba", _SUM, "late", {**_CONSTANT, "rho": 0.3, "ratio": 1.0}, 57, replicates=600, tolerance=0.1),
    Setting("saba", _SUM, "forgetful", {"rho": 0.3, "b1": 4, "b2": 4}, 240, replicates=600, tolerance=0.1),
    Setting("saba", _WIDE_SUM, "forgetful", {"rho": 0.1, "b1": 8, "b2": 8}, 120, replicates=600, tolerance=0.1,
            what="quad_sum-wide"),
    Setting("saba", _ROWS, "late", {"rho": 0.05, "b1": 16, "b2": 16}, 22, "minimizer", 400, 0.05,
            {"b1": 32, "b2": 32}),
    Setting("aid-bio", _LOGISTIC, "stale", {"alpha": 0.3, "beta": 0.1}, 60),
    Setting("aid-bio", _SUM, "cold", {"alpha": 0.3, "beta": 0.4, "N": 2}, 80),
    Setting("itd-bio", _RIPPLE, "sign", {"alpha": 0.3, "beta": 0.1}, 60),
    Setting("itd-bio", _LOGISTIC, "stale", {"alpha": 0.3, "beta": 0.1}, 60),
    Setting("stocbio", _LOGISTIC, "late", {"alpha": 0.3, "beta": 0.1, "eta": 0.3}, 60),
    Setting("stocbio", _SUM, "late",
            {"alpha": 0.2, "beta": 0.2, "eta": 0.2, "S": 32, "D_f": 32, "D_g": 32, "B": 32}, 52, "rest", 400, 0.15),
    Setting("fom", _TASKS, "late", {**_CONSTANT, "batch": None, "gamma": 0.2}, 40, "rest"),
    Setting("fom", _SMD, "restart", {**_CONSTANT, "alpha": 0.05, "gamma": 0.1}, 40, "rest"),
    Setting("ufom", _QUADRATIC, "no-quotient", _UNROLLED, 13, "rest", 2500, 0.1),
    Setting("ufom", _SUM, "late", {**_UNROLLED, "gamma": 0.2}, 28, "rest", 200, 0.1),
    Setting("ufom", _LOGISTIC, "late", _UNROLLED, 21, "rest", 6000, 0.1, {"q": 2 / 3}),
    Setting("ufom-adaptive", _QUADRATIC, "late", {**_UNROLLED, "gamma": 0.02}, 32, "rest", 300, 0.1),
    Setting("ufom-adaptive", _SUM, "late", {**_UNROLLED, "gamma": 0.2}, 28, "rest", 200, 0.1),
    # The least q sets the noise, nearly.
    Setting("ufom-adaptive", _LOGISTIC, "late", {**_UNROLLED, "q_min": 0.5}, 21, "rest", 1500, 0.1,
            {"q": 2 / 3, "q_min": 2 / 3}),
    Setting("f2sa", _RIPPLE, "sign", {"alpha": 0.1, "gamma": 0.1}, 100),
    Setting("f2sa", _LOGISTIC, "constant-lam", {"alpha": 0.1, "gamma": 0.1}, 200),
    # Noise of the penalty grows with lam.
    Setting("f2sa", _WIDE_SUM, "sign",
            {"alpha": 0.02, "gamma": 0.1, "xi": 2.0, "lam": 10.0, "alpha_exponent": 0.0, "gamma_exponent": 0.0,
             "inner_steps": 5, "b1": 16, "b2": 16}, 30, "minimizer", 900, 0.3, what="quad_sum-wide"),
    Setting("meha", _LOGISTIC, "constant-c", {}, 200),
    Setting("meha", _QUADRATIC, "old-x", {}, 150),
    Setting("zmdsba", _QUADRATIC, "sign", {**_DIFFERENCES, "alpha": 0.1, "gamma": 0.02, "s_k": 50}, 9, "minimizer",
            500, 0.1),
    Setting("zmdsba", _SUM, "late", {**_DIFFERENCES, "alpha": 0.1, "gamma": 0.02, "s_k": 50}, 50, "rest", 700, 0.3),
    Setting("zmdsba", _WIDE, "cross", {**_DIFFERENCES, "alpha": 0.02, "gamma": 0.01, "b_k": 20, "s_k": 20}, 64,
            "minimizer", 200, 0.03, what="quad_general-wide"),
    # Half of the noise takes half of each step, twice as often.
    Setting("zmdsba", _LOGISTIC, "late",
            {**_DIFFERENCES, "alpha": 0.1, "gamma": 0.02, "t_k": 10, "b_k": 20, "s_k": 50}, 22, "rest", 2000, 0.15,
            {"beta": 0.025, "t_k": 20, "gamma": 0.01, "b_k": 40, "s_k": 100}),
    Setting("zdsba", _QUADRATIC, "late", {**_DIFFERENCES, "alpha": 0.02, "gamma": 0.005}, 47, "rest", 500, 0.15),
    Setting("zdsba", _WIDE, "late", {**_DIFFERENCES, "alpha": 0.02, "gamma": 0.01, "b_k": 20}, 64, "minimizer", 400,
            0.15, what="quad_general-wide"),
    Setting("zdsba", _SUM, "late", {**_DIFFERENCES, "alpha": 0.02, "gamma": 0.01, "t_k": 5, "b_k": 10}, 160, "rest",
            1500, 0.15),
    Setting("zdsba", _COUPLED, "late", {**_DIFFERENCES, "alpha": 0.01, "gamma": 0.03, "t_k": 5, "b_k": 8}, 56, "rest",
            1000, 0.15, {"alpha": 0.005, "beta": 0.025, "t_k": 10, "gamma": 0.015, "b_k": 16}, halved_iterations=112),
    Setting("zo-penalty", _QUADRATIC, "sign", _PENALTY, 27, "rest", 400, 0.1),
    Setting("zo-penalty", _LOGISTIC, "late", _PENALTY, 49, "rest", 1000, 0.1, {"l": 32}),
    Setting("pzobo", _QUADRATIC, "no-factor", {"beta": 0.05, "alpha": 0.2}, 12, "minimizer", 500, 0.1),
    Setting("pzobo", _LOGISTIC, "late", {"beta": 0.05, "alpha": 0.2, "eta": 0.01}, 20, "minimizer", 3000, 0.1,
            {"Q": 20}),
    Setting("pzobo", _SUM, "late", {"beta": 0.2, "alpha": 0.3, "N": 20, "Q": 20}, 56, "rest", 200, 0.1),
    Setting("hozog", _QUADRATIC, "no-factor", {"gamma": 0.1, "inner_steps": 30, "q": 10}, 6, "minimizer", 800, 0.1),
    Setting("hozog", _LOGISTIC, "late", {"gamma": 0.05, "inner_steps": 20, "q": 10, "eta": 1e-3}, 20, "minimizer",
            2000, 0.1, {"q": 20}),
    Setting("zo-sogd", _QUADRATIC, "late", {"alpha": 0.05, "delta": 0.2, "beta": 0.2, "l1": 10, "l2": 10}, 40, "rest",
            1000, 0.1),
    Setting("zo-sogd", _WIDE, "late", {"alpha": 0.1, "delta": 0.2, "beta": 0.2, "l1": 10, "l2": 10}, 20, "rest", 1000,
            0.1, what="quad_general-wide"),
    Setting("gfm", _QUADRATIC, "no-factor", {**_INNER, "gamma": 0.1, "q": 4}, 4, "rest", 600, 0.1),
    Setting("gfm", _SUM, "late", {**_INNER, "alpha": 0.3, "gamma": 0.2, "q": 4, "batch": 8}, 40, "rest", 300, 0.15),
    Setting("s-szd", _QUADRATIC, "short-columns", {**_INNER, "gamma": 0.1, "power": 0.0}, 4, "rest", 1500, 0.1),
    Setting("s-szd", _WIDE, "late", {**_INNER, "gamma": 0.05, "power": 0.0, "l": 2}, 20, "rest", 300, 0.1,
            what="quad_general-wide"),
    Setting("o-zd", _QUADRATIC, "no-factor", {**_INNER, "gamma": 0.1}, 4, "rest", 1500, 0.1),
    Setting("o-zd", _WIDE, "late", {**_INNER, "gamma": 0.05, "l": 2}, 20, "rest", 300, 0.1, what="quad_general-wide"),
    Setting("mezo-bcd", _QUADRATIC, "long-block", {**_INNER, "gamma": 0.2, "block_size": 1}, 4, "rest", 9000, 0.15),
    Setting("mezo-bcd", _WIDE, "late", {**_INNER, "gamma": 0.1}, 20, "rest", 2000, 0.15, what="quad_general-wide"),
    # With a V that is kept x is not affine in what is drawn.
    Setting("lozo", _QUADRATIC, "no-rank", {**_INNER, "gamma": 0.1, "columns": 2, "rank": 2, "refresh": 1}, 4, "rest",
            9000, 0.15),
    Setting("lozo", _WIDE, "late", {**_INNER, "gamma": 0.05}, 20, "rest", 2000, 0.15, what="quad_general-wide"),
    Setting("vrzsbo-like", _SUM, "late", {"gamma": 0.2, "rho": 0.3, "rho_v": 0.3, "q": 0.5, "b1": 8, "b2": 8}, 80,
            "rest", 100, 0.1),
    Setting("vrzsbo-like", _LOGISTIC, "late", {"gamma": 0.1, "rho": 0.3, "rho_v": 0.3}, 60, tolerance=0.01),
    # Differences leave 1e-6 of the first distance, of which a hundredth is left.
    Setting("implicit", _LOGISTIC, "unchecked", {}, 6, tolerance=0.01),
    Setting("implicit", _QUADRATIC, "half-product", {"curvature": "measured"}, 7, tolerance=0.01),
    Setting("fednest", _SUM, "short-series", {"clients": 4, "alpha": 0.3, "beta": 0.1, "eta": 0.35, "N": 40}, 100),
    Setting("fednest", _WIDE_SUM, "drift", {"clients": 4, "alpha": 0.3, "beta": 0.1, "eta": 0.35, "N": 40}, 25,
            what="quad_sum-wide"),
    Setting("fednest", _ROWS, "drift", {"clients": 13, "alpha": 0.1, "beta": 0.03, "eta": 0.1, "N": 60}, 40),
    Setting("fednest", _SUM, "drift",
            {"clients": 4, "alpha": 0.3, "beta": 0.1, "eta": 0.35, "N": 40, "batch": 1}, 45, "minimizer", 200, 0.05,
            what="quad_sum-batches"),
    Setting("amigo", _LOGISTIC, "cold", {"rho": 0.3, "ratio": 3.0, "inner_steps": 3}, 60),
    Setting("amigo", _SUM, "late", {"rho": 0.3, "inner_steps": 3, "b1": 16, "b2": 16}, 40, "minimizer", 1000, 0.15),
    Setting("bsa", _LOGISTIC, "old-x", {**_CONSTANT, "rho": 0.3, "ratio": 3.0, "series": "sum"}, 60, "rest"),
    Setting("bsa", _QUADRATIC, "late", {**_CONSTANT, "rho": 0.3, "ratio": 6.0, "N": 4}, 30, "rest", 400, 0.1),
    Setting("ttsa", _LOGISTIC, "sign", {**_CONSTANT, "rho": 0.3, "ratio": 3.0, "series": "sum"}, 60, "rest"),
    Setting("ttsa", _SUM, "late", {**_CONSTANT, "rho": 0.3, "N": 4, "b1": 16, "b2": 16}, 22, "rest", 600, 0.15),
    Setting("sustain", _LOGISTIC, "stale", {**_CONSTANT, "rho": 0.3, "ratio": 3.0, "series": "sum"}, 60, "rest"),
    Setting("sustain", _SUM, "late", {**_CONSTANT, "rho": 0.3, "N": 4, "b1": 16, "b2": 16}, 24, "rest", 600, 0.15),
    Setting("mrbo", _LOGISTIC, "short-series", {**_CONSTANT, "rho": 0.3, "ratio": 3.0, "N": 5}, 60, "rest"),
    Setting("mrbo", _SUM, "late", {**_CONSTANT, "rho": 0.3, "N": 4, "b1": 16, "b2": 16}, 26, "rest", 600, 0.15),
    Setting("srba", _SUM, "late", {"rho": 0.3, "b1": 8, "b2": 8}, 50, "minimizer", 400, 0.15),
    Setting("srba", _WIDE_SUM, "late", {"rho": 0.2, "b1": 8, "b2": 8, "period": 10}, 16, "minimizer", 800, 0.15,
            what="quad_sum-wide"),
    Setting("vrbo", _SUM, "late", {"rho": 0.2, "inner_steps": 2, "N": 4, "b1": 8, "b2": 8}, 40, "rest", 200, 0.15),
    Setting("vrbo", _WIDE_SUM, "short-series",
            {"rho": 0.2, "inner_steps": 2, "N": 4, "b1": 8, "b2": 8, "period": 5}, 40, "rest", 200, 0.15,
            what="quad_sum-wide"),
    Setting("iaptt-gm", _LOGISTIC, "fixed-start", {"alpha": 0.3, "gamma": 0.2, "inner_steps": 3}, 120, "rest"),
    Setting("iaptt-gm", _QUADRATIC, "late", {"alpha": 0.3, "gamma": 0.2, "inner_steps": 3}, 120, "rest"),
    Setting("bome", _LOGISTIC, "half-penalty", {"rho": 0.1, "schedule": "inverse-sqrt"}, 400, "rest"),
    Setting("bome", _QUADRATIC, "late", {"rho": 0.1, "phi": "value", "schedule": "inverse-sqrt"}, 400, "rest"),
    Setting("fsla", _LOGISTIC, "stale", {**_CONSTANT, "rho": 0.3, "ratio": 3.0, "weight": 0.3}, 80),
    Setting("fsla", _SUM, "late", {**_CONSTANT, "rho": 0.3, "b1": 16, "b2": 16}, 50, "minimizer", 600, 0.15),
)  # fmt: skip


def quick_claims() -> list[Claim]:
    """The first setting of every solver, but of those of ``LATER``."""
    first = {setting.solver: setting for setting in reversed(SETTINGS) if setting.solver not in LATER}
    return [claim for setting in SETTINGS if first.get(setting.solver) is setting for claim in setting.claims()]


def standard_claims() -> list[Claim]:
    """Every setting."""
    return [claim for setting in SETTINGS for claim in setting.claims()]
