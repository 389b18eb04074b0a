"""P10: the mean of one whole step of every registered solver, with default and with other options."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims._later import LATER
from zoba_bench.verification.claims._pairs import Control, build, with_controls

__all__ = ["SETTINGS", "Setting", "quick_claims", "standard_claims"]

_STATEMENT = (
    "In the mean one step from a state of iteration k goes where the algorithm's box says, in every iterate and "
    "memory; measured is the largest deviation of a coordinate over what bias, rounding and sampling allow."
)

# p != d, d > 8 where sizes are free; G_zz, G_xz and G_xx vary except on the quadratics.
_XDEP: dict[str, Any] = {"name": "xdep_curvature", "p": 5, "d": 9}
_RIPPLE: dict[str, Any] = {"name": "logcosh_ripple", "p": 6, "d": 9}
_LOGISTIC: dict[str, Any] = {"name": "logistic_bregman", "p": 6, "d": 4}
_SMD: dict[str, Any] = {"name": "smd7", "p": 5, "d": 9}  # F_x and F_xz are not zero, nothing is constant
_SMALL: dict[str, Any] = {"name": "quad_general", "p": 3, "d": 2}
_QUADRATIC: dict[str, Any] = {"name": "quad_general", "p": 6, "d": 9}
_SUM: dict[str, Any] = {"name": "quad_sum", "p": 4, "d": 9, "n_inner": 16, "n_outer": 16}
_FEW: dict[str, Any] = {"name": "quad_sum", "p": 3, "d": 2, "n_inner": 6, "n_outer": 6}
_TASKS: dict[str, Any] = {"name": "two_task"}
_TASKS_OF_VECTORS: dict[str, Any] = {"name": "imaml_quad"}
_PROX: dict[str, Any] = {"name": "l1_tracking"}
_GROUPS: dict[str, Any] = {"name": "group_lasso"}
_BOX: dict[str, Any] = {"name": "bome_minmax"}
_RADII: dict[str, Any] = {"h": 2e-3, "eta": 1e-3}
_TALL, _TALL_XDEP, _TALL_SMD, _TALL_LOGISTIC, _TALL_SUM = (
    {**wide, "p": 10, "d": 4} for wide in (_RIPPLE, _XDEP, _SMD, _LOGISTIC, _SUM)
)
#: Iterations, no plane, and the number k far on.
_FAR_ON = ((0, 3), False, 1000)


@dataclass(frozen=True)
class Setting:
    """One claim: a solver with options on a problem, and the mistakes (of ``wrong_solvers``) that it must refuse.

    With ``plane`` x is restricted to a plane, and as many replicates in another state take the step too. ``later`` is
    one number k more, of a state that was reached earlier.
    """

    solver: str
    what: str
    problem: dict[str, Any]
    mistakes: tuple[str, ...]
    replicates: int = 1
    options: dict[str, Any] = field(default_factory=dict)
    iterations: tuple[int, ...] = (0, 3, 50)
    plane: bool = False
    later: int | None = None

    def claims(self, mistakes: int = 1) -> list[Claim]:
        """The claim, and a control of the same budget for each of the first so many mistakes."""
        parameters = {
            "problem": self.problem, "options": self.options, "iterations": list(self.iterations),
            "replicates": self.replicates, **({"plane": True, "company": True} if self.plane else {}),
            **({} if self.later is None else {"later": self.later}),
        }  # fmt: skip
        wrong = [f"control:{self.solver}-{mistake}" for mistake in self.mistakes[:mistakes]]
        right = build(
            f"P10/{self.solver}/{self.what}", _STATEMENT, "at_most", 0.0, parameters, problem=self.problem["name"]
        )
        return with_controls(right, *(Control(f"P10/{name}/{self.what}", solver=name) for name in wrong))


SETTINGS: tuple[Setting, ...] = (
    Setting("zoba", "default", _XDEP, ("late", "no-shift"), 2000),
    Setting("zoba", "samples", _SUM, ("no-shift", "late"), 8000,
            {"b1": 3, "b2": 2, "l1": 20, "l2": 10, "outer_directions": "independent", "gamma": 0.02}),
    Setting("zoba-tuned", "default", _XDEP, ("doubled-default", "late"), 2000),
    Setting("zoba-mixed", "default", _RIPPLE, ("same-direction", "late"), 1000),
    Setting("zoba-mixed", "orthogonal", _XDEP, ("late", "same-direction"), 1000,
            {"law": "orthogonal", "l1": 45, "l2": 45, "h": 1e-4}),
    Setting("hf-zoba", "default", _XDEP, ("no-outer-slope", "late"), 1500),
    Setting("hf-zoba", "normalized", _LOGISTIC, ("unnormalised", "late"), 1000,
            {"normalize_h_bar": True, "h_bar": 0.5, "l2": 50, "law": "sphere", "rho": 0.1}),
    Setting("hf-zoba", "samples", _SUM, ("no-outer-slope", "late"), 11000, {"b1": 3, "b2": 2, "l1": 20, "l2": 20}),
    Setting("hf-zoba-shared", "default", _RIPPLE, ("late", "last"), 1000),
    Setting("hf-zoba-shared", "projected", _GROUPS, ("unprojected", "wide-ball"), 20,
            {"law": "orthogonal", "l1": 6, "v_radius": 0.5, "rho": 0.5, "gamma": 0.5}),
    Setting("soba", "default", _RIPPLE, ("gauss-seidel", "sign", "late", "last"), 1),
    Setting("soba", "samples", _SUM, ("sign", "late"), 12000),
    Setting("soba", "outer-slopes", _SMD, ("sign", "gauss-seidel", "late", "last"), 1, {"ratio": 3.0}),
    Setting("saba", "default", _SUM, ("duplicates", "forgetful", "late", "last", "unused"), 2000),
    Setting("saba", "batches", _SUM, ("duplicates", "forgetful", "late"), 4000, {"b1": 6, "b2": 5, "ratio": 2.0}),
    Setting("aid-bio", "default", _XDEP, ("stale", "late", "last"), 1),
    Setting("aid-bio", "few-products", _SMD, ("cold", "stale", "late", "last"), 1, {"N": 2, "D": 3}),
    Setting("itd-bio", "default", _RIPPLE, ("sign", "stale", "late", "last"), 1),
    Setting("itd-bio", "long", _SMD, ("stale", "sign", "late", "last"), 1, {"D": 20, "alpha": 0.02, "beta": 0.05}),
    Setting("stocbio", "default", _RIPPLE, ("late", "last"), 1, iterations=(0, 3, 20)),
    Setting("stocbio", "outer-slopes", _SMD, ("no-direct", "late", "last"), 1, {"eta": 0.1, "beta": 0.02}),
    Setting("stocbio", "batches", _SUM, ("one-batch", "no-direct", "late"), 10000,
            {"S": 2, "D_f": 2, "D_g": 3, "B": 2, "D": 3, "Q": 3, "alpha": 0.3}),
    # Near the solution, where default steps come soon, a gradient is small beside its noise: late k have small steps.
    Setting("fom", "default", _TASKS, ("doubled-default",), 20000, iterations=(0, 3)),
    Setting("fom", "slow", _TASKS, ("late",), 20000, {"gamma": 0.1}),
    Setting("fom", "one-task", _SMD, ("restart", "no-direct", "late"), 1),
    Setting("fom", "decreasing", _SMD, ("restart",), 1, {"schedule": "inverse-sqrt", "gamma": 0.02}, *_FAR_ON),
    Setting("ufom", "default", _TASKS, ("no-quotient",), 80000, iterations=(0, 3)),
    Setting("ufom", "slow", _TASKS, ("late", "no-quotient"), 80000, {"gamma": 0.1}),
    Setting("ufom", "one-task", _RIPPLE, ("no-quotient", "late"), 4000, {"q": 0.3, "gradient": "recomputed"}),
    Setting("ufom-adaptive", "default", _TASKS, ("no-quotient", "debiased"), 80000, iterations=(0, 3)),
    Setting("ufom-adaptive", "slow", _TASKS, ("late", "no-quotient", "debiased"), 120000, {"gamma": 0.1}, (0, 3, 50)),
    Setting("ufom-adaptive", "all-tasks", _TASKS_OF_VECTORS, ("debiased", "no-quotient", "late"), 1500,
            {"batch": None, "q": 0.4, "gradient": "forward", "s": 1.0, "gamma": 0.05}),
    Setting("f2sa", "default", _XDEP, ("sign", "constant-lam", "late", "last"), 1),
    Setting("f2sa", "outer-slopes", _SMD, ("stale", "sign", "constant-lam", "late", "last"), 1, {"lam": 2.0}),
    Setting("f2sa", "projected", _PROX, ("sign", "late"), 1, {"xi": 100.0}),
    Setting("f2sa", "samples", _SUM, ("sign", "stale", "constant-lam", "late"), 6000, {"b1": 5, "b2": 5}),
    Setting("meha", "default", _XDEP, ("constant-c", "late", "last"), 1),
    Setting("meha", "outer-slopes", _SMD, ("old-x", "constant-c", "late", "last"), 1,
            {"alpha": 0.01, "beta": 0.01, "eta": 0.02, "c": 5.0}, (0, 3, 20)),
    # Steps of z, theta and x that differ, here and below: equal ones hide which of them is used.
    Setting("meha", "prox", _PROX, ("prox-sign", "constant-c", "late"), 1, {"beta": 0.04, "eta": 0.07}),
    Setting("meha", "groups", _GROUPS, ("prox-sign", "constant-c"), 1),
    Setting("meha", "constrained", _BOX, ("prox-sign", "constant-c"), 1),
    Setting("zmdsba", "default", _SMALL, ("sign", "late"), 2200),
    Setting("zmdsba", "curved", _RIPPLE, ("cross", "sign", "late"), 6000,
            {"moves": "block", "t_k": 5, "b_k": 5, "s_k": 50, "gamma": 0.02, "alpha": 0.01, "h": 1.5e-3, "eta": 1e-3}),
    Setting("zmdsba", "samples", _SUM, ("sign", "late"), 24000, {"moves": "block", "s_k": 5, "t_k": 10, "b_k": 5}),
    Setting("zdsba", "default", _SMALL, ("late",), 6000),
    Setting("zdsba", "curved", _SMD, ("no-identity", "late"), 10000,
            {"moves": "block", "t_k": 5, "b_k": 10, "gamma": 0.02}),
    Setting("zo-penalty", "default", _XDEP, ("sign", "doubled-g", "late"), 2000),
    Setting("zo-penalty", "samples", _SUM, ("sign", "doubled-g", "late"), 20000),
    Setting("pzobo", "default", _RIPPLE, ("stale", "no-factor", "late"), 2000),
    Setting("pzobo", "sphere", _XDEP, ("no-factor", "stale", "late"), 2000, {"directions": "sphere", "eta": 0.02}),
    Setting("pzobo", "batches", _FEW, ("no-factor", "late"), 80000, {"batch": 1, "N": 2, "alpha": 0.5}),
    Setting("hozog", "default", _LOGISTIC, ("no-factor", "warm", "successor", "late"), 1000),
    Setting("hozog", "values", _RIPPLE, ("no-factor", "warm", "successor", "late"), 1000,
            {"training": "values", "inner_steps": 5, "q": 10, "h": 2e-3}),
    Setting("zo-sogd", "default", _XDEP, ("late", "ball"), 2000),
    Setting("zo-sogd", "memory", _RIPPLE, ("same-point", "ball", "late"), 1000,
            {"gamma": 0.5, "lam": 0.4, "eta": 0.3, "l1": 20, "l2": 10, "alpha": 0.02}),
    Setting("zo-sogd", "samples", _SUM, ("ball", "same-point"), 6000,
            {"gamma": 0.5, "lam": 0.5, "eta": 0.5, "schedule": "inverse-cbrt", "l1": 10}),
    Setting("gfm", "default", _LOGISTIC, ("no-factor", "late"), 2000),
    Setting("gfm", "batches", _SUM, ("no-factor", "late"), 3000,
            {"q": 5, "batch": 2, "training": "gradients", "inner_steps": 3, "gamma": 0.05}),
    Setting("s-szd", "default", _LOGISTIC, ("short-columns", "late"), 2000),
    Setting("s-szd", "coordinates", _RIPPLE, ("short-columns", "late"), 1000,
            {"l": 4, "directions": "coordinate", "training": "gradients", "gamma": 0.05}),
    Setting("o-zd", "default", _LOGISTIC, ("no-factor", "late"), 2000),
    Setting("mezo-bcd", "default", _RIPPLE, ("long-block", "late"), 3000, {"training": "gradients"}),
    Setting("lozo", "default", _LOGISTIC, ("late", "other-direction"), 2000),
    Setting("lozo", "matrix", _RIPPLE, ("no-rank", "other-direction"), 12000,
            {"columns": 3, "rank": 2, "refresh": 4, "beta": 0.5, "training": "gradients", "gamma": 0.05}, (0, 3, 8)),
    Setting("vrzsbo-like", "default", _RIPPLE, ("half-step", "late"), 1),
    Setting("vrzsbo-like", "batches", _SUM, ("same-point", "half-step", "late"), 500, {"q": 0.3, "b1": 4, "b2": 3}),
    Setting("implicit", "default", _RIPPLE, ("unchecked", "late", "last"), 1, iterations=(0, 1, 4, 12)),
    Setting("implicit", "measured", _RIPPLE, ("half-product", "late", "last"), 1,
            {"curvature": "measured", "radius": 0.2}, (0, 1, 4, 12)),
    Setting("fednest", "default", _SUM, ("short-series", "drift", "late", "last"), 1),
    Setting("fednest", "batches", _SUM, ("drift", "short-series", "late"), 1000,
            {"batch": 1, "clients": 4, "T": 2, "tau_x": 3, "beta": 0.1, "alpha": 0.1}),
    # x is restricted to a plane, on which a noisy step has a mean that is known; half of the replicates are elsewhere.
    Setting("zoba", "plane-radii", _XDEP, ("unprojected",), 2000, _RADII, plane=True),
    Setting("zoba-tuned", "plane", _XDEP, ("unprojected",), 2000, plane=True),
    Setting("zoba-mixed", "plane-radii", _RIPPLE, ("unprojected",), 1000, _RADII, plane=True),
    Setting("hf-zoba", "plane-radii", _XDEP, ("unprojected",), 1500, _RADII, plane=True),
    Setting("hf-zoba-shared", "plane-radii", _RIPPLE, ("unprojected",), 1000, _RADII, plane=True),
    Setting("soba", "plane", _RIPPLE, ("unprojected",), plane=True),
    Setting("saba", "plane", _SUM, ("unprojected",), 2000, plane=True),
    Setting("aid-bio", "plane", _XDEP, ("unprojected",), plane=True),
    Setting("itd-bio", "plane", _RIPPLE, ("unprojected",), plane=True),
    Setting("stocbio", "plane", _RIPPLE, ("unprojected",), iterations=(0, 3, 20), plane=True),
    Setting("fom", "plane", _SMD, ("unprojected",), plane=True),
    Setting("ufom", "plane", _RIPPLE, ("unprojected",), 4000, {"q": 0.3}, (0, 3), plane=True),
    Setting("ufom-adaptive", "plane", _RIPPLE, ("unprojected",), 4000, {"q": 0.3}, (0, 3), plane=True),
    Setting("f2sa", "plane", _XDEP, ("unprojected",), plane=True),
    Setting("meha", "plane", _XDEP, ("unprojected",), plane=True),
    Setting("zmdsba", "plane-radii", _SMALL, ("unprojected", "radius"), 3000, _RADII, plane=True),
    Setting("zdsba", "plane-radii", _SMALL, ("unprojected",), 8000, _RADII, plane=True),
    Setting("zo-penalty", "plane-radii", _XDEP, ("unprojected",), 2000, _RADII, plane=True),
    Setting("pzobo", "plane", _RIPPLE, ("unprojected",), 2000, plane=True),
    Setting("hozog", "plane", _LOGISTIC, ("unprojected",), 1000, plane=True),
    Setting("fednest", "plane", _SUM, ("unprojected",), plane=True),
    Setting("implicit", "plane", _RIPPLE, ("unprojected",), iterations=(0, 1, 4), plane=True),
    Setting("zo-sogd", "plane-radii", _XDEP, ("unprojected",), 2000, {"rho_r": 2e-3, "rho_s": 1e-3}, plane=True),
    Setting("gfm", "plane", _LOGISTIC, ("unprojected",), 1000, {"q": 4}, plane=True),
    Setting("s-szd", "plane", _LOGISTIC, ("unprojected",), 1000, {"l": 3}, plane=True),
    Setting("o-zd", "plane", _LOGISTIC, ("unprojected",), 1000, {"l": 3}, plane=True),
    Setting("mezo-bcd", "plane", _LOGISTIC, ("unprojected",), 2000, plane=True),
    Setting("lozo", "plane", _LOGISTIC, ("unprojected",), 2000, plane=True),
    Setting("vrzsbo-like", "plane", _FEW, ("unprojected",), 300, {"q": 0.5, "b1": 3, "b2": 3}, plane=True),
    # What the settings above leave where it hides a mistake: one task an iteration, and a least q that never binds.
    Setting("fom", "three-tasks", _TASKS, ("sum",), 20000, {"batch": 3}, (0, 3)),
    Setting("ufom", "three-tasks", _TASKS, ("sum",), 80000, {"batch": 3}, (0, 3)),
    Setting("ufom-adaptive", "least-q", _TASKS_OF_VECTORS, ("no-floor",), 6000,
            {"batch": None, "q": 0.4, "q_min": 0.3, "gradient": "forward", "s": 1.0, "gamma": 0.05}, (0, 3)),
    # p above d and above 8, a number k far on, and options that no setting above changes. SABA, whose steps are
    # constant, refuses a state with another number than its memory has.
    Setting("zoba", "tall", _TALL_XDEP, ("late",), 4000, {"rho": 0.005, "gamma": 0.004}, *_FAR_ON),
    Setting("zoba-tuned", "tall", _TALL_XDEP, ("late",), 8000, {}, *_FAR_ON),
    Setting("zoba-mixed", "tall", _TALL, ("late",), 2000, {"schedule": "constant"}, *_FAR_ON),
    Setting("hf-zoba", "tall", _TALL, ("no-outer-slope",), 2000, {"gamma": 0.003}, *_FAR_ON),
    Setting("hf-zoba-shared", "tall", _TALL, ("late",), 2000, {}, *_FAR_ON),
    Setting("soba", "tall", _TALL, ("sign",), 1, {"rho": 0.03, "ratio": 2.0}, *_FAR_ON),
    Setting("saba", "tall", _TALL_SUM, ("duplicates",), 4000, {"rho": 0.05}, (0, 3)),
    Setting("aid-bio", "tall", _TALL, ("stale",), 1, {"alpha": 0.03, "beta": 0.05, "D": 4, "N": 3}, *_FAR_ON),
    Setting("itd-bio", "tall", _TALL_SMD, ("stale",), 1, {}, *_FAR_ON),
    Setting("stocbio", "tall", _TALL_SMD, ("no-direct",), 1, {"eta": 0.05, "alpha": 0.02, "beta": 0.03}, *_FAR_ON),
    Setting("fom", "tall", _TALL_SMD, ("restart",), 1, {"inner_steps": 3, "alpha": 0.05, "gamma": 0.02}, *_FAR_ON),
    Setting("ufom", "tall", _TALL, ("no-quotient",), 4000, {"q": 0.3, "inner_steps": 3, "alpha": 0.05}, *_FAR_ON),
    Setting("ufom-adaptive", "tall", _TALL, ("no-quotient",), 4000,
            {"q": 0.3, "inner_steps": 3, "alpha": 0.05, "decay": 0.5}, *_FAR_ON),
    Setting("f2sa", "tall", _TALL_XDEP, ("sign", "constant-lam"), 1,
            {"alpha": 0.02, "gamma": 0.03, "xi": 0.5, "lam": 2.0, "inner_steps": 3, "alpha_exponent": 0.4,
             "gamma_exponent": 0.2}, *_FAR_ON),
    Setting("meha", "tall", _TALL_XDEP, ("constant-c",), 1,
            {"alpha": 0.02, "beta": 0.03, "eta": 0.04, "gamma": 2.0, "c": 1.5, "power": 0.3}, *_FAR_ON),
    Setting("zmdsba", "tall", {**_SMALL, "p": 9, "d": 2}, ("sign",), 4000, {"alpha": 1e-3}, *_FAR_ON),
    Setting("zdsba", "tall", {**_SMALL, "p": 9, "d": 2}, ("late",), 12000, {"beta": 1e-3}, *_FAR_ON),
    Setting("zo-penalty", "tall", _TALL_XDEP, ("sign",), 4000,
            {"lam": 5.0, "T_b": 3, "l": 10, "alpha": 1e-3}, *_FAR_ON),
    Setting("pzobo", "tall", _TALL, ("no-factor",), 2000, {"alpha": 0.05, "beta": 0.05, "N": 5, "Q": 5}, *_FAR_ON),
    Setting("hozog", "tall", _TALL_LOGISTIC, ("no-factor", "warm"), 1000,
            {"q": 8, "gamma": 2e-3, "inner_steps": 10, "alpha": 0.05}, *_FAR_ON),
    Setting("implicit", "tall", _TALL, ("unchecked",), 1, {}, (0, 1), False, 1000),
    Setting("zo-sogd", "tall", _TALL_XDEP, ("ball",), 1000,
            {"alpha": 0.02, "beta": 0.05, "delta": 0.03, "l1": 20, "l2": 20, "schedule": "inverse-cbrt"}, *_FAR_ON),
    Setting("gfm", "tall", _TALL_LOGISTIC, ("no-factor",), 1000,
            {"q": 8, "gamma": 0.03, "inner_steps": 5, "alpha": 0.05, "power": 0.2, "eta_power": 0.1}, *_FAR_ON),
    Setting("s-szd", "tall", _TALL_LOGISTIC, ("short-columns",), 1000,
            {"l": 2, "gamma": 0.03, "inner_steps": 5, "alpha": 0.05, "power": 0.2, "eta_power": 0.1}, *_FAR_ON),
    Setting("o-zd", "tall", _TALL_LOGISTIC, ("no-factor",), 1000,
            {"l": 2, "gamma": 0.03, "inner_steps": 5, "alpha": 0.05, "power": 0.2}, *_FAR_ON),
    Setting("mezo-bcd", "tall", _TALL_LOGISTIC, ("long-block",), 2000,
            {"block_size": 3, "gamma": 0.03, "inner_steps": 5, "alpha": 0.05, "power": 0.2}, *_FAR_ON),
    Setting("lozo", "tall", _TALL_LOGISTIC, ("no-rank",), 3000,
            {"columns": 2, "rank": 2, "refresh": 7, "gamma": 0.03, "inner_steps": 5, "alpha": 0.05, "power": 0.2},
            *_FAR_ON),
    Setting("vrzsbo-like", "tall", _TALL_SUM, ("half-step",), 200,
            {"rho": 0.05, "rho_v": 0.08, "gamma": 0.03, "q": 0.5, "b1": 8, "b2": 8}, *_FAR_ON),
    Setting("fednest", "tall", _TALL_SUM, ("drift",), 1,
            {"clients": 4, "T": 2, "tau": 3, "tau_x": 2, "N": 4, "beta": 0.1, "alpha": 0.05, "eta": 0.03}, *_FAR_ON),
    # Methods of benchopt's bilevel benchmark: published options, samples, a plane, p above d.
    Setting("amigo", "default", _RIPPLE, ("cold", "stale", "late", "last"), 1),
    Setting("amigo", "samples", _SUM, ("cold", "late"), 4000, {"rho": 0.3, "inner_steps": 3, "b1": 2, "b2": 2}),
    Setting("amigo", "plane", _XDEP, ("unprojected",), plane=True),
    Setting("amigo", "tall", _TALL_SMD, ("stale",), 1, {"rho": 0.03, "ratio": 2.0, "inner_steps": 4}, *_FAR_ON),
    Setting("bsa", "default", _QUADRATIC, ("old-x", "late"), 6000),
    Setting("bsa", "sum", _SMD, ("old-x", "sign", "late", "last"), 1, {"rho": 0.03, "eta": 0.02, "series": "sum"}),
    Setting("bsa", "samples", _SUM, ("sign", "late"), 8000, {"rho": 0.3, "inner_steps": 3, "N": 4, "b1": 2, "b2": 2}),
    Setting("bsa", "plane", _RIPPLE, ("unprojected",), 1, {"series": "sum"}, plane=True),
    Setting("bsa", "tall", _TALL, ("sign",), 1,
            {"rho": 0.03, "ratio": 2.0, "inner_steps": 4, "N": 5, "series": "sum"}, *_FAR_ON),
    Setting("ttsa", "default", _RIPPLE, ("stale", "late"), 4000),
    Setting("ttsa", "sum", _SMD, ("stale", "sign", "late", "last"), 1, {"rho": 0.03, "eta": 0.02, "series": "sum"}),
    Setting("ttsa", "samples", _SUM, ("sign", "late"), 40000, {"rho": 0.4, "N": 4, "b1": 2, "b2": 2}),
    Setting("ttsa", "plane", _RIPPLE, ("unprojected",), 1, {"series": "sum"}, plane=True),
    Setting("ttsa", "tall", _TALL, ("sign",), 1, {"rho": 0.03, "ratio": 2.0, "N": 5, "series": "sum"}, *_FAR_ON),
    Setting("sustain", "default", _RIPPLE, ("forgetful", "late"), 4000),
    Setting("sustain", "sum", _SMD, ("forgetful", "stale", "late", "last"), 1,
            {"rho": 0.03, "eta": 0.02, "series": "sum"}),
    Setting("sustain", "samples", _SUM, ("forgetful", "late"), 8000, {"rho": 0.3, "N": 4, "b1": 4, "b2": 2}),
    Setting("sustain", "plane", _RIPPLE, ("unprojected",), 1, {"series": "sum"}, plane=True),
    Setting("sustain", "tall", _TALL, ("forgetful",), 1,
            {"rho": 0.03, "ratio": 2.0, "weight": 0.3, "N": 5, "series": "sum"}, *_FAR_ON),
    Setting("mrbo", "default", _RIPPLE, ("short-series", "forgetful", "late", "last"), 1),
    Setting("mrbo", "samples", _SUM, ("forgetful", "short-series", "late"), 8000,
            {"rho": 0.3, "N": 3, "b1": 4, "b2": 2}),
    Setting("mrbo", "plane", _XDEP, ("unprojected",), plane=True),
    Setting("mrbo", "tall", _TALL_SMD, ("forgetful",), 1,
            {"rho": 0.03, "ratio": 2.0, "weight": 0.3, "N": 5, "eta": 0.02}, *_FAR_ON),
    Setting("srba", "default", _SUM, ("forgetful", "stale", "late", "last"), 2000, {"rho": 0.3, "b1": 2, "b2": 2}),
    Setting("srba", "long", _SUM, ("stale", "forgetful"), 4000,
            {"rho": 0.3, "ratio": 2.0, "b1": 4, "b2": 3, "period": 60}),
    Setting("srba", "plane", _SUM, ("unprojected",), 1000, {"b1": 2, "b2": 2}, plane=True),
    Setting("srba", "tall", _TALL_SUM, ("stale",), 4000, {"rho": 0.05, "b1": 8, "b2": 8, "period": 7}, *_FAR_ON),
    # First, since conduct takes it: with a pass in every iteration all of them cost the same.
    Setting("vrbo", "plane", _SUM, ("unprojected",), 500,
            {"inner_steps": 2, "N": 2, "b1": 2, "b2": 2, "period": 1}, plane=True),
    Setting("vrbo", "default", _SUM, ("forgetful", "short-series", "stale", "late", "last"), 3000,
            {"rho": 0.2, "inner_steps": 3, "N": 3, "b1": 4, "b2": 2, "period": 60}),
    Setting("vrbo", "tall", _TALL_SUM, ("forgetful",), 1500,
            {"rho": 0.05, "eta": 0.1, "inner_steps": 2, "N": 3, "b1": 8, "b2": 8, "period": 7}, *_FAR_ON),
    Setting("iaptt-gm", "default", _XDEP, ("last-point", "late", "last"), 1),
    Setting("iaptt-gm", "long-steps", _SMD, ("fixed-start", "late", "last"), 1,
            {"alpha": 0.05, "gamma": 0.02, "inner_steps": 6}),
    Setting("iaptt-gm", "plane", _XDEP, ("unprojected",), plane=True),
    Setting("iaptt-gm", "tall", _TALL, ("fixed-start",), 1, {"alpha": 0.1, "gamma": 0.03, "inner_steps": 4}, *_FAR_ON),
    Setting("bome", "default", _XDEP, ("half-penalty", "late", "last"), 1),
    Setting("bome", "value", _SMD, ("half-penalty", "stale", "late", "last"), 1,
            {"rho": 0.02, "alpha": 0.05, "phi": "value", "schedule": "inverse-sqrt"}),
    Setting("bome", "plane", _XDEP, ("unprojected",), plane=True),
    Setting("bome", "tall", _TALL_XDEP, ("half-penalty",), 1,
            {"rho": 0.02, "ratio": 2.0, "alpha": 0.05, "inner_steps": 4, "eta": 0.3}, *_FAR_ON),
    Setting("fsla", "default", _RIPPLE, ("forgetful", "stale", "late", "last"), 1),
    Setting("fsla", "samples", _SUM, ("forgetful", "late"), 60000, {"rho": 0.3, "ratio": 3.0, "b1": 4, "b2": 3}),
    Setting("fsla", "plane", _XDEP, ("unprojected",), plane=True),
    Setting("fsla", "tall", _TALL_SMD, ("forgetful",), 1, {"rho": 0.03, "ratio": 2.0, "weight": 0.3}, *_FAR_ON),
    Setting("zoba-mixed", "low-rank", _RIPPLE, ("late",), 2000, {"law": "low-rank", "rank": 2, "refresh": 1}),
    Setting("zoba-mixed", "blocks", _RIPPLE, ("late",), 2000, {"law": "block", "block_size": 3, "h": 1e-4}),
)  # fmt: skip


def quick_claims() -> list[Claim]:
    """The first setting of every solver, but of those of ``LATER``."""
    first = {setting.solver: setting for setting in reversed(SETTINGS) if setting.solver not in LATER}
    return [claim for setting in SETTINGS if first.get(setting.solver) is setting for claim in setting.claims()]


def standard_claims() -> list[Claim]:
    """Every setting."""
    return [claim for setting in SETTINGS for claim in setting.claims()]
