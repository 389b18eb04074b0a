"""The runs of the suite "bounds": an instance, a start and steps for several solvers, each with its claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.controls import CONTROLS

__all__ = ["SETTINGS", "Setting"]

_STARTS = {
    "family": "from a far x0 with exact z and v",
    "cold": "from a far x0 with the family's z0 and v0 = 0",
    "solution": "from the exact solution",
    "origin": "from x0 = 0 with exact z and v",
}
_WRONG = {
    "directions": "{} times the directions",
    "samples": "{} times the samples",
    "iterations": "{} times the iterations",
    "start": "a {}th of every error at the start",
}
_MUTATED = {
    "control:hessian-factor": "1/h^2 in place of 1/(2 h^2) in the Hessian surrogate",
    "control:mixed-factor": "a doubled mixed difference in the Hessian surrogate",
    "control:hf-factor": "HF-ZOBA with its Hessian action doubled",
    "control:unshared-directions": "HF-ZOBA with other directions at the displaced point",
}
_SHARED = "hf-zoba-shared"


@dataclass(frozen=True)
class Setting:
    """Runs of several solvers on one instance of a problem from one start.

    Attributes
    ----------
    key : the problem's name, with a suffix where there are several instances.
    start : "solution", "family", "cold" or "origin"; see the protocol.
    instance : parameters of the problem.
    rho, gamma, iterations : of every run.
    replicates : of every run.
    l : directions by solver.
    wrong : what the control of every claim claims too much of, and how many times.
    h : radii, and the step along v.
    options : further options by solver.
    mutated : wrong estimators that must break the bound; with half of the replicates.
    psi_at_least : a lower bound on Psi where the problem declares none.
    """

    key: str
    start: str
    instance: Mapping[str, Any]
    rho: float
    gamma: float
    iterations: int
    replicates: int
    l: Mapping[str, int]
    wrong: Mapping[str, int]
    h: float = 1e-4
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    mutated: tuple[str, ...] = ()
    psi_at_least: float | None = None

    def claims(self) -> list[Claim]:
        """A claim a solver, each followed by its controls."""
        return [claim for solver in self.l for claim in self._pair(solver)]

    def _pair(self, solver: str) -> list[Claim]:
        parameters = {
            "problem": {"name": self._problem, **self.instance},
            "options": self._options(solver),
            "start": self.start,
            "iterations": self.iterations,
            "replicates": self.replicates,
        }
        if self.psi_at_least is not None:
            parameters["psi_at_least"] = self.psi_at_least
        key = f"P5/{solver}/{self.key}/{self.start}"
        words = "the bound of a run with " + " and ".join(_WRONG[name].format(n) for name, n in self.wrong.items())
        wrong = f"{key}/control-{'-'.join(self.wrong)}"
        controls = [self._control(wrong, words, solver, {**parameters, "wrong": dict(self.wrong)})]
        if solver == "hf-zoba" and self.start == "solution" and "samples" not in self.wrong:
            words = "the bound of shared directions for a run whose directions are independent"
            other = {**parameters, "wrong": {"theorem": _SHARED}}
            controls.append(self._control(f"{key}/control-shared", words, solver, other))
        for name in self.mutated:
            if CONTROLS[name].mutates == solver:
                fewer = {**parameters, "replicates": self.replicates // 2}
                controls.append(self._control(f"P5/{name}/{self.key}/{self.start}", _MUTATED[name], name, fewer))
        size = ", ".join(f"{name} = {value:g}" for name, value in self.instance.items()) or "defaults"
        statement = (
            f"On {self._problem} ({size}) {_STARTS[self.start]} the mean of |grad Psi|^2 over {self.iterations} "
            "iterations is at most the certified bound."
        )
        ids = tuple(control.id for control in controls)
        return [Claim(key, statement, "P5", solver, self._problem, "at_most", 0.0, parameters, controls=ids), *controls]

    def _control(self, key: str, words: str, solver: str, parameters: Mapping[str, Any]) -> Claim:
        return Claim(key, f"Control: {words}.", "P5", solver, self._problem, "at_most", 0.0, parameters, "control")

    @property
    def _problem(self) -> str:
        return self.key.partition("-")[0]

    def _options(self, solver: str) -> dict[str, Any]:
        l = self.l[solver]
        chosen = {"schedule": "constant", "rho": self.rho, "gamma": self.gamma, "h": self.h, "l1": l, "l2": l}
        if solver in ("hf-zoba", _SHARED):
            chosen |= {"h_bar": self.h, "normalize_h_bar": True}
        if solver == "hf-zoba":
            chosen["outer_directions"] = "independent"
        return chosen | dict(self.options.get(solver, {}))


def _directions(*counts: int) -> dict[str, int]:
    """Directions of the first solvers, in this order."""
    solvers = ("zoba", "zoba-tuned", "zoba-mixed", "hf-zoba", "hf-zoba-shared")
    return dict(zip(solvers, counts, strict=False))


_SMALL = {"p": 3, "d": 2}
_REFERENCE = {"zoba-tuned": {"curvature_ratio": 2.0}}  # L_xx / L_zz
_SAMPLES = {"p": 2, "d": 2, "mu": 1.0}
_BATCHES = {solver: {"b1": 32, "b2": 32} for solver in _directions(1, 1, 1, 1, 1)}
SETTINGS = (
    # The transient: gamma / rho well below what the condition on the drift allows, so that W_0 is nearly its least.
    Setting("reference", "family", _SMALL, 0.3, 0.012, 240, 8, _directions(512, 512, 128, 64, 128), {"iterations": 4},
             options=_REFERENCE),
    Setting("reference-wide", "family", {"p": 8, "d": 8}, 0.1, 0.004, 720, 6,
             {"zoba": 2048, "zoba-mixed": 512, "hf-zoba": 128, _SHARED: 128}, {"start": 4}),
    Setting("quad_general", "family", {**_SMALL, "kappa": 2.0}, 0.4, 0.0064, 280, 8,
             _directions(1024, 1024, 512, 128, 128), {"start": 4}),
    Setting("quad_tracking", "family", {**_SMALL, "kappa": 2.0, "lam": 1.0}, 0.4, 0.0064, 260, 8,
             _directions(1024, 1024, 512, 128, 128), {"iterations": 4},
             # Radii, counts and directions that differ between the levels.
             options={"zoba": {"eta": 2e-4, "l2": 512}, "hf-zoba": {"outer_directions": "shared", "l2": 64}}),
    Setting("minimax_quad", "family", _SMALL, 0.5, 0.0031, 560, 8, _directions(256, 256, 64, 16, 16),
             {"start": 4}),
    Setting("logcosh_ripple", "family", {**_SMALL, "mu": 1.0}, 0.2, 0.0016, 900, 6,
             _directions(1024, 1024, 1024, 256, 32), {"iterations": 30, "directions": 30}),
    Setting("logistic_bregman", "family", {**_SMALL, "mu": 1.0}, 0.3, 0.013, 600, 8,
             {"zoba-mixed": 512, "hf-zoba": 128, _SHARED: 32}, {"start": 10, "directions": 10},
             options={"hf-zoba": {"normalize_h_bar": False, "v_radius": 1.75}}),
    # The families' own defaults, as far as shared directions carry.
    Setting("quad_general-default", "family", {}, 0.5, 5e-4, 4000, 6, {_SHARED: 64}, {"start": 4}),
    Setting("quad_tracking-kappa10", "family", {"kappa": 10.0}, 0.3, 2e-4, 10000, 4, {_SHARED: 64}, {"start": 4}),
    Setting("minimax_quad-default", "family", {}, 0.5, 0.0031, 600, 6, {_SHARED: 32}, {"iterations": 4}),
    Setting("logcosh_ripple-default", "family", {}, 0.15, 1.5e-5, 12000, 4, {_SHARED: 32}, {"start": 30}),
    Setting("logistic_bregman-default", "family", {}, 2.0, 0.002, 2000, 6, {_SHARED: 64}, {"iterations": 4}),
    Setting("diabetes_ridge", "origin", {"radius": 0.5}, 0.147, 0.0046, 2000, 4, {_SHARED: 256}, {"start": 60},
             h=1e-5, psi_at_least=0.23),
    # Errors in z and v on top.
    Setting("reference-wide", "cold", {"p": 8, "d": 8}, 0.1, 0.004, 720, 6, {_SHARED: 128}, {"start": 4}),
    Setting("quad_general", "cold", {**_SMALL, "kappa": 2.0}, 0.4, 0.0064, 280, 8, {"zoba": 1024, _SHARED: 128},
             {"start": 4}),
    Setting("quad_tracking", "cold", {**_SMALL, "kappa": 2.0, "lam": 1.0}, 0.4, 0.0064, 260, 8, {_SHARED: 32},
             {"start": 4}),
    Setting("minimax_quad", "cold", _SMALL, 0.5, 0.0031, 560, 8, {"zoba": 256, _SHARED: 16}, {"start": 8}),
    Setting("logcosh_ripple", "cold", {**_SMALL, "mu": 1.0}, 0.2, 0.0016, 900, 6, {_SHARED: 32}, {"start": 30}),
    Setting("logistic_bregman", "cold", {**_SMALL, "mu": 1.0}, 0.3, 0.013, 600, 8, {_SHARED: 32}, {"start": 8}),
    # The floor of the noise: gamma / rho close to the largest that is allowed, where the floor is tightest.
    Setting("reference", "solution", _SMALL, 1.0, 0.2, 40, 12, _directions(16384, 16384, 8192, 2048),
             {"directions": 200}, options=_REFERENCE, mutated=tuple(_MUTATED)),
    Setting("reference-wide", "solution", {"p": 8, "d": 8}, 0.3, 0.06, 100, 8, {"hf-zoba": 2048},
             {"directions": 40}),
    Setting("quad_general", "solution", {"p": 2, "d": 2, "kappa": 2.0}, 0.4, 0.025, 200, 10,
             _directions(8192, 8192, 4096, 1024), {"directions": 500}),
    Setting("quad_general-easy", "solution", {"p": 2, "d": 2, "kappa": 1.0, "lam": 16.0}, 1.0, 0.05, 20, 16,
             _directions(32768, 32768, 16384, 2048), {"directions": 40}, mutated=("control:hessian-factor",)),
    Setting("quad_tracking-easy", "solution", {"p": 2, "d": 2, "kappa": 1.0, "lam": 16.0}, 1.0, 0.05, 20, 16,
             _directions(32768, 32768, 16384, 2048), {"directions": 40}),
    # The other families, on small instances. First those with a quadratic inner problem.
    *(
        Setting(f"bolib_{name}", "family", {}, 0.15, 0.0075, 60, 16, _directions(256, 256, 256, 64, 64), {"start": 4})
        for name in ("allende_still_2013", "de_silva_1978", "falk_liu_1995", "lampariello_sagratella_2017_ex32")
    ),
    Setting("bolib_gumus_floudas_2001_ex4", "family", {}, 0.15, 0.0075, 40, 16, _directions(64, 64, 64, 64, 64),
            {"start": 4}),
    Setting("bolib_henrion_surowiec_2011", "family", {}, 0.3, 0.015, 20, 16, _directions(64, 64, 64, 64, 64),
            {"start": 4}),
    Setting("bolib_yezza_1996_ex41", "family", {}, 0.3, 0.02, 30, 16, _directions(64, 64, 64, 64, 64), {"start": 4}),
    Setting("bolib_macal_hurter_1997", "family", {}, 0.3, 1.5e-6, 200, 16, _directions(64, 64, 64, 64, 64),
            {"start": 4}),
    Setting("cournot", "family", {"p": 4, "d": 2}, 0.12, 0.03, 60, 12, _directions(1024, 1024, 1024, 256, 256),
            {"start": 5, "directions": 5}),
    Setting("imaml_quad", "family", {"p": 3, "d": 1}, 0.16, 0.08, 60, 12, _directions(1024, 1024, 1024, 256, 64),
            {"start": 6}),
    Setting("nesterov_chain", "family", {"p": 2, "d": 2, "kappa": 2.0}, 0.4, 0.008, 60, 12,
            _directions(1024, 1024, 512, 128, 64), {"start": 6}),
    Setting("smd6", "family", {"p": 3, "d": 3}, 0.15, 0.003, 200, 12, _directions(64, 64, 64, 64, 64), {"start": 4}),
    Setting("logistic_outer", "family", {"p": 2, "d": 2, "kappa": 2.0}, 0.4, 0.1, 60, 12,
            _directions(1024, 1024, 1024, 256, 64), {"start": 8}),
    Setting("rastrigin", "family", {"p": 2, "d": 2, "kappa": 1.5, "a": 0.1}, 0.36, 0.0072, 60, 12,
            _directions(1024, 1024, 512, 128, 64), {"start": 12}),
    Setting("rosenbrock", "origin", {"p": 2, "d": 2, "kappa": 1.5, "radius": 0.2}, 1.1, 0.00033, 60, 8,
            _directions(4096, 4096, 4096, 1024, 64), {"start": 60, "directions": 60}),
    # Samples at both levels; from the solution with weak coupling, where the floor is nearly that of the samples.
    Setting("quad_sum", "family", {**_SAMPLES, "n_inner": 16, "n_outer": 16, "radius": 2.5}, 0.087, 0.0087, 60, 12,
            _directions(64, 64, 32, 16, 16), {"start": 10, "samples": 10}, options=_BATCHES),
    Setting("quad_sum-weak", "solution", {**_SAMPLES, "n_inner": 64, "n_outer": 64, "L_cross": 0.01, "radius": 0.5},
            0.05, 0.05, 100, 24, {"zoba-mixed": 64, "hf-zoba": 16, _SHARED: 16}, {"samples": 40}, options=_BATCHES),
    # Curved inner problems; the constants of most hold up to a radius, in which the runs stay.
    Setting("two_task", "family", {}, 0.3, 0.015, 200, 8, {"zoba-mixed": 1024, "hf-zoba": 256, _SHARED: 64},
            {"start": 10, "directions": 10}),
    Setting("coreset_attained", "family", {"p": 2, "d": 2}, 0.3, 0.15, 200, 8,
            {"zoba-mixed": 1024, "hf-zoba": 256, _SHARED: 64}, {"start": 10, "directions": 10}),
    Setting("coreset_bome", "family", {}, 0.15, 0.015, 200, 8, {"zoba-mixed": 1024, "hf-zoba": 256, _SHARED: 64},
            {"start": 8, "directions": 8}),
    Setting("softmax_bregman", "family", {"p": 3, "d": 2, "tau": 1.0, "mu": 1.0}, 0.24, 0.012, 200, 8,
            {"zoba-mixed": 2048, "hf-zoba": 1024, _SHARED: 64}, {"start": 20, "directions": 20}),
    Setting("smd1", "family", {"p": 2, "d": 2, "radius": 0.3}, 0.12, 0.0024, 200, 12, _directions(64, 64, 64, 64, 64),
            {"start": 4}),
    *(
        Setting(name, "family", {"p": 2, "d": 2, "radius": 0.1}, 0.44, 0.0088, 200, 12,
                _directions(256, 256, 256, 128, 128), {"start": 4})
        for name in ("smd2", "smd7")
    ),
    Setting("tp9", "family", {"p": 2, "d": 2}, 0.053, 0.0053, 60, 12, _directions(1024, 1024, 256, 256, 256),
            {"start": 4}),
    Setting("dataclean_linear", "family", {"p": 2, "d": 2, "mu": 0.3, "radius": 0.5}, 0.82, 0.41, 200, 8,
            _directions(1024, 1024, 1024, 256, 64), {"start": 20, "directions": 20}),
    Setting("dataclean_ortho", "family", {"p": 2, "d": 2, "mu": 0.5, "radius": 1.0}, 0.3, 0.15, 60, 8,
            _directions(4096, 4096, 4096, 1024, 64), {"start": 40, "directions": 40}),
    Setting("ridge_ortho", "family", {"p": 2, "d": 2, "radius": 1.0}, 0.12, 0.03, 60, 8,
            _directions(4096, 4096, 4096, 1024, 64), {"start": 40, "directions": 40}),
    Setting("ridge_scalar", "family", {"p": 2, "planted": -0.5, "radius": 1.0}, 0.13, 0.065, 200, 8,
            _directions(1024, 1024, 1024, 1024, 64), {"start": 50, "directions": 50}),
    Setting("poisson_bregman", "origin", {"p": 2, "d": 2, "mu": 1.0, "radius": 0.7}, 0.15, 0.0009, 200, 8,
            _directions(1024, 1024, 1024, 256, 64), {"start": 15, "directions": 15}),
    Setting("quartic_cardano", "origin", {"p": 2, "d": 2, "radius": 0.7}, 0.55, 0.0033, 60, 12,
            _directions(1024, 1024, 1024, 256, 64), {"start": 10, "directions": 10}),
    Setting("xdep_curvature", "origin", {"p": 2, "d": 2, "kappa": 2.0, "rho": 1.0, "radius": 0.5}, 0.2, 0.004, 60, 8,
            _directions(4096, 4096, 4096, 1024, 64), {"start": 40, "directions": 40}),
    Setting("diabetes_ridge-few", "origin", {"p": 3, "d": 3, "features": 3, "radius": 0.5}, 0.14, 0.035, 200, 8,
            _directions(1024, 1024, 1024, 256, 64), {"start": 30, "directions": 30}, psi_at_least=0.33),
    # Their defaults, as far as shared directions carry.
    Setting("cournot-default", "family", {}, 0.27, 0.016, 100, 12, {_SHARED: 64}, {"start": 4}),
    Setting("imaml_quad-default", "family", {}, 0.32, 0.0096, 500, 8, {_SHARED: 64}, {"start": 4}),
    Setting("nesterov_chain-default", "family", {}, 1.7, 0.00051, 500, 6, {_SHARED: 256}, {"start": 8}),
    Setting("logistic_outer-default", "family", {}, 1.7, 0.051, 500, 6, {_SHARED: 256}, {"start": 5}),
    Setting("rastrigin-default", "family", {}, 0.55, 5.5e-5, 2500, 6, {_SHARED: 256}, {"start": 10}),
    Setting("coreset_attained-default", "family", {}, 0.95, 0.0095, 500, 8, {_SHARED: 64}, {"start": 4}),
    Setting("dataclean_ortho-default", "family", {}, 1.2, 0.12, 500, 6, {_SHARED: 256}, {"start": 8}),
    Setting("ridge_ortho-default", "family", {}, 0.2, 0.006, 500, 6, {_SHARED: 256}, {"start": 20}),
    Setting("smd6-default", "family", {}, 0.47, 0.0028, 200, 12, {_SHARED: 64}, {"start": 4}),
)  # fmt: skip
