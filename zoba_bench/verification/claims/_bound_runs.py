"""The runs that are held against certified bounds (P5): an instance, a start and steps for several solvers.

To have a problem of the catalogue held against its theorems' bounds, add its runs here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["RUNS", "Runs"]


@dataclass(frozen=True, kw_only=True)
class Runs:
    """Runs of several solvers on one instance of a problem from one start.

    Attributes
    ----------
    problem, variant : str
        A problem's name, and what tells several instances of it apart in the claims' ids.
    start : {"solution", "family", "cold", "origin"}
        See the protocol.
    instance : mapping
        Parameters of the problem; its defaults if empty.
    rho, gamma, iterations, replicates
        Of every run.
    h : float
        Radii, and the step along v.
    directions : mapping
        By solver, at both levels.
    wrong : mapping
        What the control of every claim claims too much of, and how many times.
    options : mapping
        Further options by solver.
    mutated : tuple of str
        Wrong estimators that must break the bound; with half of the replicates.
    psi_at_least : float, optional
        A lower bound on Psi where the problem declares none.
    """

    problem: str
    variant: str = ""
    start: str
    instance: Mapping[str, Any] = field(default_factory=dict)
    rho: float
    gamma: float
    iterations: int
    replicates: int
    h: float = 1e-4
    directions: Mapping[str, int]
    wrong: Mapping[str, int]
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    mutated: tuple[str, ...] = ()
    psi_at_least: float | None = None


_NAMES = {
    "zoba": "zoba", "tuned": "zoba-tuned", "mixed": "zoba-mixed", "hf": "hf-zoba", "shared": "hf-zoba-shared",
}  # fmt: skip


def _by_solver(**directions: int) -> dict[str, int]:
    """Directions by the solvers' full names."""
    return {_NAMES[short]: count for short, count in directions.items()}


_TUNED = {"zoba-tuned": {"curvature_ratio": 2.0}}  # L_xx / L_zz of the reference family
_BATCHES = {solver: {"b1": 32, "b2": 32} for solver in _NAMES.values()}
RUNS = (
    # The transient: gamma / rho well below what the condition on the drift allows, so that W_0 is nearly its least.
    Runs(problem="reference", start="family", instance={"p": 3, "d": 2},
         rho=0.3, gamma=0.012, iterations=240, replicates=8,
         directions=_by_solver(zoba=512, tuned=512, mixed=128, hf=64, shared=128), wrong={"iterations": 4},
         options=_TUNED),
    Runs(problem="reference", variant="wide", start="family", instance={"p": 8, "d": 8},
         rho=0.1, gamma=0.004, iterations=720, replicates=6,
         directions=_by_solver(zoba=2048, mixed=512, hf=128, shared=128), wrong={"start": 4}),
    Runs(problem="perturbed", start="family", instance={"p": 3, "d": 2},
         rho=0.3, gamma=0.012, iterations=240, replicates=8,
         directions=_by_solver(zoba=512, tuned=512, mixed=128, hf=64, shared=128), wrong={"iterations": 4},
         options=_TUNED),
    Runs(problem="quad_general", start="family", instance={"p": 3, "d": 2, "kappa": 2.0},
         rho=0.4, gamma=0.0064, iterations=280, replicates=8,
         directions=_by_solver(zoba=1024, tuned=1024, mixed=512, hf=128, shared=128), wrong={"start": 4}),
    Runs(problem="quad_tracking", start="family", instance={"p": 3, "d": 2, "kappa": 2.0, "lam": 1.0},
         rho=0.4, gamma=0.0064, iterations=260, replicates=8,
         directions=_by_solver(zoba=1024, tuned=1024, mixed=512, hf=128, shared=128), wrong={"iterations": 4},
         # Radii, counts and directions that differ between the levels.
         options={"zoba": {"eta": 2e-4, "l2": 512}, "hf-zoba": {"outer_directions": "shared", "l2": 64}}),
    Runs(problem="minimax_quad", start="family", instance={"p": 3, "d": 2},
         rho=0.5, gamma=0.0031, iterations=560, replicates=8,
         directions=_by_solver(zoba=256, tuned=256, mixed=64, hf=16, shared=16), wrong={"start": 4}),
    Runs(problem="logcosh_ripple", start="family", instance={"p": 3, "d": 2, "mu": 1.0},
         rho=0.2, gamma=0.0016, iterations=900, replicates=6,
         directions=_by_solver(zoba=1024, tuned=1024, mixed=1024, hf=256, shared=32),
         wrong={"iterations": 30, "directions": 30}),
    Runs(problem="logistic_bregman", start="family", instance={"p": 3, "d": 2, "mu": 1.0},
         rho=0.3, gamma=0.013, iterations=600, replicates=8,
         directions=_by_solver(mixed=512, hf=128, shared=32), wrong={"start": 10, "directions": 10},
         options={"hf-zoba": {"normalize_h_bar": False, "v_radius": 1.75}}),
    # The families' own defaults, as far as shared directions carry.
    Runs(problem="quad_general", variant="default", start="family",
         rho=0.5, gamma=5e-4, iterations=4000, replicates=6,
         directions=_by_solver(shared=64), wrong={"start": 4}),
    Runs(problem="quad_tracking", variant="kappa10", start="family", instance={"kappa": 10.0},
         rho=0.3, gamma=2e-4, iterations=10000, replicates=12,
         directions=_by_solver(shared=64), wrong={"start": 4}),
    Runs(problem="minimax_quad", variant="default", start="family",
         rho=0.5, gamma=0.0031, iterations=600, replicates=6,
         directions=_by_solver(shared=32), wrong={"iterations": 4}),
    Runs(problem="logcosh_ripple", variant="default", start="family",
         rho=0.15, gamma=1.5e-5, iterations=12000, replicates=4,
         directions=_by_solver(shared=32), wrong={"start": 30}),
    Runs(problem="logistic_bregman", variant="default", start="family",
         rho=2.0, gamma=0.002, iterations=2000, replicates=6,
         directions=_by_solver(shared=64), wrong={"iterations": 4}),
    Runs(problem="tilted", start="family",
         rho=2.0, gamma=0.002, iterations=2000, replicates=6,
         directions=_by_solver(shared=64), wrong={"iterations": 4}),
    Runs(problem="tilted", variant="small", start="family", instance={"p": 3, "d": 2, "options": {"mu": 1.0}},
         rho=0.3, gamma=0.013, iterations=600, replicates=8,
         directions=_by_solver(mixed=512, hf=128, shared=32), wrong={"start": 10, "directions": 10}),
    Runs(problem="diabetes_ridge", start="origin", instance={"radius": 0.5},
         rho=0.147, gamma=0.0046, iterations=2000, replicates=4, h=1e-5, psi_at_least=0.23,
         directions=_by_solver(shared=256), wrong={"start": 60}),
    # Errors in z and v on top.
    Runs(problem="reference", variant="wide", start="cold", instance={"p": 8, "d": 8},
         rho=0.1, gamma=0.004, iterations=720, replicates=6,
         directions=_by_solver(shared=128), wrong={"start": 4}),
    Runs(problem="quad_general", start="cold", instance={"p": 3, "d": 2, "kappa": 2.0},
         rho=0.4, gamma=0.0064, iterations=280, replicates=8,
         directions=_by_solver(zoba=1024, shared=128), wrong={"start": 4}),
    Runs(problem="quad_tracking", start="cold", instance={"p": 3, "d": 2, "kappa": 2.0, "lam": 1.0},
         rho=0.4, gamma=0.0064, iterations=260, replicates=8,
         directions=_by_solver(shared=32), wrong={"start": 4}),
    Runs(problem="minimax_quad", start="cold", instance={"p": 3, "d": 2},
         rho=0.5, gamma=0.0031, iterations=560, replicates=8,
         directions=_by_solver(zoba=256, shared=16), wrong={"start": 8}),
    Runs(problem="logcosh_ripple", start="cold", instance={"p": 3, "d": 2, "mu": 1.0},
         rho=0.2, gamma=0.0016, iterations=900, replicates=6,
         directions=_by_solver(shared=32), wrong={"start": 30}),
    Runs(problem="logistic_bregman", start="cold", instance={"p": 3, "d": 2, "mu": 1.0},
         rho=0.3, gamma=0.013, iterations=600, replicates=8,
         directions=_by_solver(shared=32), wrong={"start": 8}),
    # The floor of the noise, at large rho: it is tightest there.
    Runs(problem="reference", start="solution", instance={"p": 3, "d": 2},
         rho=1.0, gamma=0.1, iterations=80, replicates=12,
         directions=_by_solver(zoba=16384, tuned=16384, mixed=8192, hf=2048), wrong={"directions": 200},
         options=_TUNED, mutated=(
             "control:hessian-factor", "control:mixed-factor", "control:hf-factor", "control:unshared-directions",
         )),
    Runs(problem="reference", variant="wide", start="solution", instance={"p": 8, "d": 8},
         rho=1.0, gamma=0.015, iterations=400, replicates=8,
         directions=_by_solver(hf=512), wrong={"directions": 40}),
    Runs(problem="quad_general", start="solution", instance={"p": 2, "d": 2, "kappa": 2.0},
         rho=1.33, gamma=0.0125, iterations=400, replicates=10,
         directions=_by_solver(zoba=8192, tuned=8192, mixed=4096, hf=1024), wrong={"directions": 500}),
    Runs(problem="quad_general", variant="easy", start="solution",
         instance={"p": 2, "d": 2, "kappa": 1.0, "lam": 16.0},
         rho=1.0, gamma=0.05, iterations=20, replicates=16,
         directions=_by_solver(zoba=32768, tuned=32768, mixed=16384, hf=2048), wrong={"directions": 40},
         mutated=("control:hessian-factor",)),
    Runs(problem="quad_tracking", variant="easy", start="solution",
         instance={"p": 2, "d": 2, "kappa": 1.0, "lam": 16.0},
         rho=1.0, gamma=0.05, iterations=20, replicates=16,
         directions=_by_solver(zoba=32768, tuned=32768, mixed=16384, hf=2048), wrong={"directions": 40}),
    # The other families, on small instances. First those with a quadratic inner problem.
    *(
        Runs(problem=f"bolib_{name}", start="family",
             rho=0.15, gamma=0.0075, iterations=60, replicates=16,
             directions=_by_solver(zoba=256, tuned=256, mixed=256, hf=64, shared=64), wrong={"start": 4})
        for name in ("allende_still_2013", "de_silva_1978", "falk_liu_1995", "lampariello_sagratella_2017_ex32")
    ),
    Runs(problem="bolib_gumus_floudas_2001_ex4", start="family",
         rho=0.15, gamma=0.0075, iterations=40, replicates=16,
         directions=_by_solver(zoba=64, tuned=64, mixed=64, hf=64, shared=64), wrong={"start": 4}),
    Runs(problem="bolib_henrion_surowiec_2011", start="family",
         rho=0.3, gamma=0.015, iterations=20, replicates=16,
         directions=_by_solver(zoba=64, tuned=64, mixed=64, hf=64, shared=64), wrong={"start": 4}),
    Runs(problem="bolib_yezza_1996_ex41", start="family",
         rho=0.3, gamma=0.02, iterations=30, replicates=16,
         directions=_by_solver(zoba=64, tuned=64, mixed=64, hf=64, shared=64), wrong={"start": 4}),
    Runs(problem="bolib_macal_hurter_1997", start="family",
         rho=0.3, gamma=1.5e-6, iterations=200, replicates=16,
         directions=_by_solver(zoba=64, tuned=64, mixed=64, hf=64, shared=64), wrong={"start": 4}),
    Runs(problem="cournot", start="family", instance={"p": 4, "d": 2},
         rho=0.12, gamma=0.03, iterations=60, replicates=12,
         directions=_by_solver(zoba=1024, tuned=1024, mixed=1024, hf=256, shared=256),
         wrong={"start": 5, "directions": 5}),
    Runs(problem="imaml_quad", start="family", instance={"p": 3, "d": 1},
         rho=0.16, gamma=0.08, iterations=60, replicates=12,
         directions=_by_solver(zoba=1024, tuned=1024, mixed=1024, hf=256, shared=64), wrong={"start": 6}),
    Runs(problem="nesterov_chain", start="family", instance={"p": 2, "d": 2, "kappa": 2.0},
         rho=0.4, gamma=0.008, iterations=60, replicates=12,
         directions=_by_solver(zoba=1024, tuned=1024, mixed=512, hf=128, shared=64), wrong={"start": 6}),
    Runs(problem="hidden_curvature", start="family", instance={"p": 2, "d": 2, "lam": 0.5},
         rho=0.4, gamma=0.1, iterations=10, replicates=12,
         directions=_by_solver(zoba=1024, tuned=1024, mixed=512, hf=256, shared=64), wrong={"start": 6}),
    Runs(problem="smd6", start="family", instance={"p": 3, "d": 3},
         rho=0.15, gamma=0.003, iterations=200, replicates=12,
         directions=_by_solver(zoba=64, tuned=64, mixed=64, hf=64, shared=64), wrong={"start": 4}),
    Runs(problem="logistic_outer", start="family", instance={"p": 2, "d": 2, "kappa": 2.0},
         rho=0.4, gamma=0.1, iterations=60, replicates=12,
         directions=_by_solver(zoba=1024, tuned=1024, mixed=1024, hf=256, shared=64), wrong={"start": 8}),
    Runs(problem="rastrigin", start="family", instance={"p": 2, "d": 2, "kappa": 1.5, "a": 0.1},
         rho=0.36, gamma=0.0072, iterations=60, replicates=12,
         directions=_by_solver(zoba=1024, tuned=1024, mixed=512, hf=128, shared=64), wrong={"start": 12}),
    Runs(problem="rosenbrock", start="origin", instance={"p": 2, "d": 2, "kappa": 1.5, "radius": 0.2},
         rho=1.1, gamma=0.00033, iterations=60, replicates=8,
         directions=_by_solver(zoba=4096, tuned=4096, mixed=4096, hf=1024, shared=64),
         wrong={"start": 60, "directions": 60}),
    # Samples at both levels; from the solution with weak coupling, where the floor is nearly that of the samples.
    Runs(problem="quad_sum", start="family",
         instance={"p": 2, "d": 2, "mu": 1.0, "n_inner": 16, "n_outer": 16, "radius": 2.5},
         rho=0.087, gamma=0.0087, iterations=60, replicates=12,
         directions=_by_solver(zoba=64, tuned=64, mixed=32, hf=16, shared=16), wrong={"start": 10, "samples": 10},
         options=_BATCHES),
    Runs(problem="quad_sum", variant="weak", start="solution",
         instance={"p": 2, "d": 2, "mu": 1.0, "n_inner": 64, "n_outer": 64, "L_cross": 0.01, "radius": 0.5},
         rho=0.05, gamma=0.05, iterations=100, replicates=24,
         directions=_by_solver(mixed=64, hf=16, shared=16), wrong={"samples": 40},
         options=_BATCHES),
    # Curved inner problems; the constants of most hold up to a radius, in which the runs stay.
    Runs(problem="two_task", start="family",
         rho=0.3, gamma=0.015, iterations=200, replicates=8,
         directions=_by_solver(mixed=1024, hf=256, shared=64), wrong={"start": 10, "directions": 10}),
    Runs(problem="coreset_attained", start="family", instance={"p": 2, "d": 2},
         rho=0.3, gamma=0.15, iterations=200, replicates=8,
         directions=_by_solver(mixed=1024, hf=256, shared=64), wrong={"start": 10, "directions": 10}),
    Runs(problem="coreset_bome", start="family",
         rho=0.15, gamma=0.015, iterations=200, replicates=8,
         directions=_by_solver(mixed=1024, hf=256, shared=64), wrong={"start": 8, "directions": 8}),
    Runs(problem="softmax_bregman", start="family", instance={"p": 3, "d": 2, "tau": 1.0, "mu": 1.0},
         rho=0.24, gamma=0.012, iterations=200, replicates=8,
         directions=_by_solver(mixed=2048, hf=1024, shared=64), wrong={"start": 20, "directions": 20}),
    Runs(problem="smd1", start="family", instance={"p": 2, "d": 2, "radius": 0.3},
         rho=0.12, gamma=0.0024, iterations=200, replicates=12,
         directions=_by_solver(zoba=64, tuned=64, mixed=64, hf=64, shared=64), wrong={"start": 4}),
    *(
        Runs(problem=name, start="family", instance={"p": 2, "d": 2, "radius": 0.1},
             rho=0.44, gamma=0.0088, iterations=200, replicates=12,
             directions=_by_solver(zoba=256, tuned=256, mixed=256, hf=128, shared=128), wrong={"start": 4})
        for name in ("smd2", "smd7")
    ),
    Runs(problem="tp9", start="family", instance={"p": 2, "d": 2},
         rho=0.053, gamma=0.0053, iterations=60, replicates=12,
         directions=_by_solver(zoba=1024, tuned=1024, mixed=256, hf=256, shared=256), wrong={"start": 4}),
    Runs(problem="dataclean_linear", start="family", instance={"p": 2, "d": 2, "mu": 0.3, "radius": 0.5},
         rho=0.82, gamma=0.41, iterations=200, replicates=8,
         directions=_by_solver(zoba=1024, tuned=1024, mixed=1024, hf=256, shared=64),
         wrong={"start": 20, "directions": 20}),
    Runs(problem="dataclean_ortho", start="family", instance={"p": 2, "d": 2, "mu": 0.5, "radius": 1.0},
         rho=0.3, gamma=0.15, iterations=60, replicates=8,
         directions=_by_solver(zoba=4096, tuned=4096, mixed=4096, hf=1024, shared=64),
         wrong={"start": 40, "directions": 40}),
    Runs(problem="ridge_ortho", start="family", instance={"p": 2, "d": 2, "radius": 1.0},
         rho=0.12, gamma=0.03, iterations=60, replicates=8,
         directions=_by_solver(zoba=4096, tuned=4096, mixed=4096, hf=1024, shared=64),
         wrong={"start": 40, "directions": 40}),
    Runs(problem="ridge_scalar", start="family", instance={"p": 2, "planted": -0.5, "radius": 1.0},
         rho=0.13, gamma=0.065, iterations=200, replicates=8,
         directions=_by_solver(zoba=1024, tuned=1024, mixed=1024, hf=1024, shared=64),
         wrong={"start": 50, "directions": 50}),
    Runs(problem="poisson_bregman", start="origin", instance={"p": 2, "d": 2, "mu": 1.0, "radius": 0.7},
         rho=0.15, gamma=0.0009, iterations=200, replicates=8,
         directions=_by_solver(zoba=1024, tuned=1024, mixed=1024, hf=256, shared=64),
         wrong={"start": 15, "directions": 15}),
    Runs(problem="quartic_cardano", start="origin", instance={"p": 2, "d": 2, "radius": 0.7},
         rho=0.55, gamma=0.0033, iterations=60, replicates=12,
         directions=_by_solver(zoba=1024, tuned=1024, mixed=1024, hf=256, shared=64),
         wrong={"start": 10, "directions": 10}),
    Runs(problem="xdep_curvature", start="origin", instance={"p": 2, "d": 2, "kappa": 2.0, "rho": 1.0, "radius": 0.5},
         rho=0.2, gamma=0.004, iterations=60, replicates=8,
         directions=_by_solver(zoba=4096, tuned=4096, mixed=4096, hf=1024, shared=64),
         wrong={"start": 40, "directions": 40}),
    Runs(problem="diabetes_ridge", variant="few", start="origin",
         instance={"p": 3, "d": 3, "features": 3, "radius": 0.5},
         rho=0.14, gamma=0.035, iterations=200, replicates=8, psi_at_least=0.33,
         directions=_by_solver(zoba=1024, tuned=1024, mixed=1024, hf=256, shared=64),
         wrong={"start": 30, "directions": 30}),
    # Their defaults, as far as shared directions carry.
    Runs(problem="cournot", variant="default", start="family",
         rho=0.27, gamma=0.016, iterations=100, replicates=12,
         directions=_by_solver(shared=64), wrong={"start": 4}),
    Runs(problem="imaml_quad", variant="default", start="family",
         rho=0.32, gamma=0.0096, iterations=500, replicates=8,
         directions=_by_solver(shared=64), wrong={"start": 4}),
    Runs(problem="nesterov_chain", variant="default", start="family",
         rho=1.7, gamma=0.00051, iterations=500, replicates=6,
         directions=_by_solver(shared=256), wrong={"start": 8}),
    Runs(problem="logistic_outer", variant="default", start="family",
         rho=1.7, gamma=0.051, iterations=500, replicates=6,
         directions=_by_solver(shared=256), wrong={"start": 5}),
    Runs(problem="rastrigin", variant="default", start="family",
         rho=0.55, gamma=5.5e-5, iterations=2500, replicates=6,
         directions=_by_solver(shared=256), wrong={"start": 10}),
    Runs(problem="coreset_attained", variant="default", start="family",
         rho=0.95, gamma=0.0095, iterations=500, replicates=8,
         directions=_by_solver(shared=64), wrong={"start": 4}),
    Runs(problem="dataclean_ortho", variant="default", start="family",
         rho=1.2, gamma=0.12, iterations=500, replicates=6,
         directions=_by_solver(shared=256), wrong={"start": 8}),
    Runs(problem="ridge_ortho", variant="default", start="family",
         rho=0.2, gamma=0.006, iterations=500, replicates=6,
         directions=_by_solver(shared=256), wrong={"start": 20}),
    Runs(problem="smd6", variant="default", start="family",
         rho=0.47, gamma=0.0028, iterations=200, replicates=12,
         directions=_by_solver(shared=64), wrong={"start": 4}),
)  # fmt: skip
