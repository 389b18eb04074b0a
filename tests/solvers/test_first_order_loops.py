"""SOBA, SABA, F2SA, MEHA, FedNest: one step against plain loops, counts, refusals, inputs, replicates.

What each of them converges to, and how fast, is in ``test_first_order_facts``.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sympy as sp

import zoba_bench as zb
from zoba_bench.driver import iteration_cost, run
from zoba_bench.oracle import COUNTED, Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.problem.capabilities import Capabilities
from zoba_bench.registry import list_solvers, make_solver, theorem
from zoba_bench.result import Status
from zoba_bench.solvers.base import StepWarning

from . import boxes_first_order as boxes
from .boxes_first_order import Box, draw

SOLVERS = ("soba", "saba", "f2sa", "meha", "fednest")
SAMPLED = {"p": 3, "d": 2, "n_inner": 12, "n_outer": 8, "mu": 0.5}
#: Options that keep runs short; every solver runs on quad_sum with SAMPLED.
SHORT: dict[str, dict[str, Any]] = {
    "soba": {"b1": 3, "b2": 2},
    "saba": {"b1": 3, "b2": 2},
    "f2sa": {"inner_steps": 2, "b1": 3, "b2": 2},
    "meha": {},
    "fednest": {"clients": 4, "T": 2, "tau": 3, "tau_x": 2, "N": 2, "batch": 2},
}


def summed(**changes: Any) -> BilevelProblem:
    return zb.load_problem("quad_sum", **{**SAMPLED, **changes})


def exact(problem: BilevelProblem) -> BilevelProblem:
    """The mean of a finite sum, without its samples."""
    return replace(
        problem, inner_samples=None, outer_samples=None, capabilities=Capabilities(),
        inner=lambda z, x: problem.inner(z, x), outer=lambda z, x: problem.outer(z, x),
    )  # fmt: skip


def boxed(problem: BilevelProblem, radius: float = 0.4) -> BilevelProblem:
    """With X = [-radius, radius]^d."""
    return replace(problem, capabilities=replace(problem.capabilities, project_x=lambda x: np.clip(x, -radius, radius)))


# One step against the boxes.

PROBLEMS: dict[str, Any] = {
    "samples": summed,
    "samples of G only": lambda: replace(summed(), outer_samples=None),
    "samples of F only": lambda: replace(summed(), inner_samples=None),
    "exact": lambda: zb.load_problem("logistic_bregman", p=3, d=2),
    "quadratic": lambda: exact(summed()),
    "samples, X a box": lambda: boxed(summed()),
    "exact, X a box": lambda: boxed(zb.load_problem("logistic_bregman", p=3, d=2)),
    "X and Z boxes": lambda: zb.load_problem("iaptt_toy"),
    "split": lambda: zb.load_problem("l1_meha", d=4),
    "split into groups": lambda: zb.load_problem("group_lasso", p=6, d=3),
}
STEPS: list[tuple[str, str, dict[str, Any]]] = [
    *(("soba", problem, {"rho": 0.2, "ratio": 3.0, "b1": 3, "b2": 2}) for problem in ("samples", "samples, X a box")),
    *(("soba", problem, {"rho": 0.2, "ratio": 3.0}) for problem in ("exact", "quadratic", "exact, X a box")),
    ("soba", "samples", {"rho": 0.2, "schedule": "constant"}),
    ("soba", "samples of G only", {"b1": 3}),
    ("soba", "samples of F only", {"b2": 3}),
    *(("saba", problem, {"rho": 0.2, "ratio": 3.0, "b1": 3, "b2": 2}) for problem in ("samples", "samples, X a box")),
    ("saba", "samples", {"rho": 0.2, "ratio": 0.5, "b1": 1, "b2": 9}),
    ("saba", "samples", {}),
    *(
        ("f2sa", problem, {"alpha": 0.05, "gamma": 0.1, "xi": 0.7, "lam": 2.0, "inner_steps": 3, **batches})
        for problem, batches in (
            ("samples", {"b1": 3, "b2": 2}), ("samples, X a box", {"b1": 1, "b2": 4}),
            ("exact", {}), ("exact, X a box", {}), ("samples of G only", {"b1": 2}),
            ("samples of F only", {"b2": 2}), ("quadratic", {"alpha_exponent": 0.5, "gamma_exponent": 0.25}),
        )
    ),
    *(
        ("meha", problem, {"alpha": 0.2, "beta": 0.15, "eta": 0.3, "gamma": 2.0, "c": 3.0, "power": 0.3})
        for problem in (
            "exact", "quadratic", "samples", "exact, X a box", "X and Z boxes", "split", "split into groups"
        )
    ),
    *(
        ("fednest", problem, {"clients": 4, "beta": 0.1, "alpha": 0.2, "eta": 0.3, **counts})
        for problem, counts in (
            ("samples", {"T": 1, "tau": 1, "tau_x": 1, "N": 1}),
            ("samples", {"T": 2, "tau": 3, "tau_x": 2, "N": 3}),
            ("samples", {"T": 2, "tau": 3, "tau_x": 2, "N": 3, "batch": 2}),
            ("samples", {"clients": 1, "T": 1, "tau": 2, "tau_x": 1, "N": 2, "batch": 4}),
            ("samples, X a box", {"T": 1, "tau": 2, "tau_x": 3, "N": 2}),
        )
    ),
]  # fmt: skip


def first_state(solver: Any, problem: BilevelProblem, replicates: int, seed: int) -> Any:
    """Replicates that differ, with v away from zero."""
    rng = np.random.default_rng(seed)
    z, v, x = (rng.standard_normal((replicates, n)) for n in (problem.p, problem.p, problem.d))
    if problem.capabilities.project_x is not None:
        x = problem.capabilities.project_x(x)
    return solver.init(Oracle(problem, replicates), np.random.default_rng([seed, 7]), z, v, x)


class Plain:
    """Steps of one replicate by the boxes of ``boxes_first_order``: (z, v, x, estimate)."""

    def __init__(self, solver: Any, problem: BilevelProblem, state: Any, r: int) -> None:
        self.solver, self.problem, self.box, self.r = solver, problem, Box(problem), r
        self.z, self.v, self.x = state.z[r], state.v[r], state.x[r]
        self.replicates = len(state.z)
        name = solver.name
        if name == "f2sa":
            self.y = self.z + self.v / solver.lam
        if name == "meha":
            self.theta = self.z - self.v / solver.c
        if name == "saba":
            self.saba = boxes.Saba(self.box, self.z, self.v, self.x)

    def step(self, k: int, rng: np.random.Generator) -> dict[str, Any]:
        solver, box, problem = self.solver, self.box, self.problem
        sizes = {"inner": problem.inner_samples, "outer": problem.outer_samples}

        def drawn(level: str, batch: int | None) -> Any:
            return draw(rng, sizes[level], self.replicates, 64 if batch is None else batch, self.r)

        if solver.name in ("soba", "saba"):
            xi, zeta = drawn("inner", solver.b1), drawn("outer", solver.b2)
            scale = 1 / math.sqrt(k + 1) if getattr(solver, "schedule", "constant") == "inverse-sqrt" else 1.0
            steps = (solver.rho * scale, solver.rho / solver.ratio * scale)
            advance = self.saba.step if solver.name == "saba" else lambda *given: boxes.soba(box, *given)
            self.z, self.v, self.x, size = advance(self.z, self.v, self.x, *steps, xi, zeta)
        elif solver.name == "f2sa":
            a, c = (5 / 7, 4 / 7) if sizes["inner"] else (3 / 5, 2 / 5) if sizes["outer"] else (1 / 3, 0)
            if solver.alpha_exponent is not None:
                a, c = solver.alpha_exponent, solver.gamma_exponent
            self.z, self.v, self.x, self.y, size = boxes.f2sa(
                box, self.z, self.y, self.x, solver.alpha / (k + 1) ** a, solver.gamma / (k + 1) ** c, solver.xi,
                solver.lam * (k + 1) ** (a - c), solver.inner_steps,
                lambda: drawn("inner", solver.b1), lambda: drawn("outer", solver.b2),
            )  # fmt: skip
        elif solver.name == "meha":
            self.z, self.v, self.x, self.theta, size = boxes.meha(
                box, self.x, self.z, self.theta, solver.alpha, solver.beta, solver.eta, solver.gamma,
                solver.c * (k + 1) ** solver.power,
            )  # fmt: skip
        else:
            batches = self.batches(rng)
            options = dataclasses.asdict(solver)
            self.z, self.v, self.x, size = boxes.fednest(
                box, self.z, self.x, options, lambda size, client: next(batches)
            )
        return {"z": self.z, "v": self.v, "x": self.x, "estimate": size}

    def batches(self, rng: np.random.Generator) -> Iterator[Any]:
        """What the clients draw, local step by local step; client i holds i, i + n, i + 2n, ..."""
        n, b = self.solver.clients, self.solver.batch
        steps = [self.problem.inner_samples] * self.solver.T * self.solver.tau
        for size in [*steps, *[self.problem.outer_samples] * self.solver.tau_x]:
            places = None if b is None else rng.integers(size // n, size=(self.replicates, n, b))
            for i in range(n):
                yield None if places is None else places[self.r, i] * n + i


@pytest.mark.parametrize(("name", "problem", "options"), STEPS, ids=lambda value: str(value))
def test_steps_equal_the_box(name, problem, options):
    problem, solver, steps = PROBLEMS[problem](), make_solver(name, **options), 3
    states = [first_state(solver, problem, 2, seed=1)]
    plain = [Plain(solver, problem, states[0], r) for r in range(2)]
    for _ in range(steps):
        states.append(solver.step(states[-1]))
    for r in range(2):
        theirs = np.random.default_rng([1, 7])
        for k in range(steps):
            expected = plain[r].step(k, theirs)
            # Steps times curvature are at most 2 here (lam_k and 1/c_k included): a rounding error doubles at most.
            limit = 2**steps * plain[r].box.rounding
            assert limit < 1e-7, f"the comparison is blunt: {limit}"
            for what, value in expected.items():
                actual = getattr(states[k + 1], what)[r]
                error = np.abs(actual - value).max()
                assert error <= limit, f"{what} at k={k}, replicate {r}: {actual} against {value}, {limit=}"


def test_all_of_them_are_registered():
    assert set(SOLVERS) <= set(list_solvers())
    assert {name for name, _, _ in STEPS} == set(SOLVERS)


@pytest.mark.parametrize("name", SOLVERS)
def test_a_step_does_not_change_the_iterates_it_starts_from(name):
    solver, problem = make_solver(name, **SHORT[name]), summed()
    state = first_state(solver, problem, 2, seed=2)
    copies = {what: getattr(state, what).copy() for what in ("z", "v", "x")}
    solver.step(state)
    for what, copy in copies.items():
        assert np.array_equal(getattr(state, what), copy)


def test_a_state_of_saba_is_advanced_once_only():
    """Its memory has moved on: a second step from it would be a wrong one."""
    solver = make_solver("saba", **SHORT["saba"])
    state = first_state(solver, summed(), 2, seed=2)
    solver.step(state)
    with pytest.raises(RuntimeError, match="of iteration 0, has been advanced: go on from the next one"):
        solver.step(state)


def test_sabas_memory_is_one_entry_a_sample_with_its_exact_mean():
    """Also where a batch holds a sample more than once."""
    problem, solver = summed(), make_solver("saba", b1=9, b2=9, rho=0.05)
    state = first_state(solver, problem, 3, seed=3)
    for _ in range(50):
        state = solver.step(state)
    for name, memory in state.memories.tables.items():
        n = problem.inner_samples if name.startswith("inner") else problem.outer_samples
        assert memory.values.shape[:2] == (3, n)
        # Fifty updates, each rounded by eps times the entries.
        limit = 50 * n * np.finfo(float).eps * np.abs(memory.values).max()
        assert np.abs(memory.mean - memory.values.mean(axis=1)).max() <= limit, name


# Counts.


def test_counts_of_soba_are_those_of_its_theorem():
    evaluations = theorem("soba").evaluations_per_iteration
    for options in ({"b1": 3, "b2": 2}, {"b1": 1, "b2": 5}, {}):
        derived = {
            kind: int(count.subs({symbol: options.get(str(symbol), 64) for symbol in count.free_symbols}))
            for kind, count in evaluations.items()
        }
        counted = iteration_cost(summed(), make_solver("soba", **options), np.random.default_rng(0))
        assert counted == derived
    counted = iteration_cost(exact(summed()), make_solver("soba"), np.random.default_rng(0))
    assert set(counted.values()) == {1}


def test_counts_of_meha_are_those_of_its_theorem():
    evaluations = {kind: int(count) for kind, count in theorem("meha").evaluations_per_iteration.items()}
    for problem in ("l1_meha", "group_lasso"):
        counted = iteration_cost(zb.load_problem(problem), make_solver("meha"), np.random.default_rng(0))
        assert counted == {**evaluations, "projection": 1}
    # Without a non-smooth part the proximal maps are projections onto Z, and nothing where there is no Z.
    gradients = {kind: count for kind, count in evaluations.items() if kind != "prox"}
    counted = iteration_cost(zb.load_problem("iaptt_toy"), make_solver("meha"), np.random.default_rng(0))
    assert counted == {**gradients, "projection": evaluations["prox"] + 1}
    counted = iteration_cost(zb.load_problem("bda_lls"), make_solver("meha"), np.random.default_rng(0))
    assert counted == gradients
    # A gradient of a mean over n samples is n of them.
    counted = iteration_cost(summed(), make_solver("meha"), np.random.default_rng(0))
    sizes = {"inner": SAMPLED["n_inner"], "outer": SAMPLED["n_outer"]}
    assert counted == {kind: count * sizes[kind[:5]] for kind, count in gradients.items()}


b1, b2, T, tau, tau_x, N, n, b, n_G, n_F = sp.symbols("b1 b2 T tau tau_x N n b n_G n_F")

#: Derived from the boxes; no theorem counts these.
PER_ITERATION: dict[str, dict[str, Any]] = {
    "saba": {
        "inner_grad_z": b1, "inner_hvp_zz": b1, "inner_jvp_xz": b1, "outer_grad_z": b2, "outer_grad_x": b2,
    },
    # z and y each T times, then G_x at both.
    "f2sa": {"inner_grad_z": 2 * T * b1, "outer_grad_z": T * b2, "inner_grad_x": 2 * b1, "outer_grad_x": b2},
    # All samples for q, and for each local step.
    "fednest": {
        "inner_grad_z": T * n_G * (1 + tau), "outer_grad_z": n_F, "inner_hvp_zz": N * n_G, "inner_jvp_xz": n_G,
        "outer_grad_x": n_F * (1 + tau_x), "communication": 2 * T + N + 3,
    },
    # All samples for q; two gradients of each client's batch for a local step.
    "fednest, batches": {
        "inner_grad_z": T * (n_G + 2 * tau * n * b), "outer_grad_z": n_F, "inner_hvp_zz": N * n_G,
        "inner_jvp_xz": n_G, "outer_grad_x": n_F + 2 * tau_x * n * b, "communication": 2 * T + N + 3,
    },
}  # fmt: skip
AT_THE_START = {
    "saba": {
        "inner_grad_z": n_G, "inner_hvp_zz": n_G, "inner_jvp_xz": n_G, "outer_grad_z": n_F, "outer_grad_x": n_F,
    }
}  # fmt: skip
COUNTS: list[tuple[str, dict[str, Any]]] = [
    ("saba", {"b1": 3, "b2": 2}), ("saba", {"b1": 1, "b2": 1}), ("saba", {}),
    ("f2sa", {"inner_steps": 2, "b1": 3, "b2": 2}), ("f2sa", {"inner_steps": 1}), ("f2sa", {}),
    ("fednest", {"clients": 4, "T": 2, "tau": 3, "tau_x": 2, "N": 5}), ("fednest", {"clients": 1}),
    ("fednest", {"clients": 2, "T": 3, "tau": 1, "tau_x": 4, "N": 1}),
    ("fednest", {"clients": 4, "T": 2, "tau": 3, "tau_x": 2, "N": 5, "batch": 2}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options"), COUNTS, ids=lambda value: str(value))
def test_counts_are_the_derived_ones(name, options):
    problem, solver, iterations = summed(), make_solver(name, **options), 3
    names = {"b1": "b1", "b2": "b2", "inner_steps": T, "clients": n, "batch": b}
    values: dict[Any, Any] = {"b1": 64, "b2": 64, n_G: problem.inner_samples, n_F: problem.outer_samples}
    for option in solver.option_names():
        if getattr(solver, option) is not None:
            values[names.get(option, option)] = getattr(solver, option)
    formulas = PER_ITERATION[f"{name}, batches" if options.get("batch") else name]
    once = AT_THE_START.get(name, {})
    expected = {
        kind: int(sp.sympify(once.get(kind, 0) + iterations * formulas.get(kind, 0)).subs(values)) for kind in COUNTED
    }
    result = zb.solve(problem, name, max_iterations=iterations, replicates=2, record_every=None, **options)
    assert {kind: result.counts[kind].tolist() for kind in COUNTED} == {k: [e, e] for k, e in expected.items()}


@pytest.mark.parametrize("name", SOLVERS)
def test_x_is_projected_once_an_iteration(name):
    result = zb.solve(boxed(summed()), name, max_iterations=4, x0=[0.3, 0.3], record_every=None, **SHORT[name])
    assert result.counts["projection"].tolist() == [4]
    assert np.abs(result.x).max() <= 0.4


# Refusals.


@pytest.mark.parametrize("name", ["saba", "fednest"])
def test_a_deterministic_problem_is_refused_by_name(name):
    with pytest.raises(ValueError, match=f"{name} needs a finite-sum problem; quad_tracking is deterministic"):
        zb.solve("quad_tracking", name)


@pytest.mark.parametrize("name", ["soba", "saba", "f2sa", "fednest"])
def test_samples_without_derivatives_of_their_own_are_refused(name):
    problem = replace(summed(), capabilities=Capabilities())
    message = f"{name} needs derivatives of single samples; quad_sum declares those of the means only"
    with pytest.raises(ValueError, match=message):
        zb.solve(problem, name)


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        *((name, part) for name in ("soba", "saba", "fednest") for part in ("inner_hvp_zz", "inner_jvp_xz")),
        *((name, "inner_grad_z") for name in SOLVERS),
        *((name, part) for name in SOLVERS for part in ("outer_grad_z", "outer_grad_x")),
        *((name, "inner_grad_x") for name in ("f2sa", "meha")),
    ],
)
def test_what_is_missing_is_named(name, needed):
    problem = replace(summed(), **{needed: None})
    with pytest.raises(ValueError, match=f"{name} needs {needed}, which quad_sum does not declare"):
        zb.solve(problem, name, **SHORT[name])


@pytest.mark.parametrize("needed", ["inner_smooth_grad_z", "inner_smooth_grad_x"])
def test_meha_names_the_missing_part_of_a_split(needed):
    problem = zb.load_problem("l1_meha")
    problem = replace(problem, capabilities=replace(problem.capabilities, **{needed: None}))
    with pytest.raises(ValueError, match=f"meha needs {needed}, which l1_meha does not declare"):
        zb.solve(problem, "meha")


def test_a_split_spares_meha_the_gradients_of_the_whole():
    whole = zb.load_problem("l1_meha")
    parts = replace(whole, inner_grad_z=None, inner_grad_x=None)
    runs = [zb.solve(problem, "meha", max_iterations=20) for problem in (whole, parts)]
    assert np.array_equal(runs[0].x, runs[1].x)


@pytest.mark.parametrize(("changes", "size"), [({"n_inner": 10}, 10), ({"n_outer": 6}, 6)])
def test_fednest_refuses_shares_of_different_sizes(changes, size):
    solver, message = make_solver("fednest", clients=4), f"clients=4 must divide .* got one with {size}"
    with pytest.raises(ValueError, match=message):
        solver.check(summed(**changes))
    with pytest.raises(ValueError, match=message):
        first_state(solver, summed(**changes), 1, seed=0)


@pytest.mark.parametrize("name", ["soba", "f2sa"])
@pytest.mark.parametrize("batch", ["b1", "b2"])
def test_a_batch_of_a_level_without_samples_is_refused(name, batch):
    with pytest.raises(ValueError, match=f"{batch}=3, but this level has no samples: use {batch}=1 or leave it None"):
        zb.solve(exact(summed()), name, **{batch: 3})


@pytest.mark.parametrize("name", ["soba", "f2sa"])
def test_samples_of_one_level_only(name):
    """Each level by itself: the one without samples is asked for its exact derivatives, once."""
    whole = summed()
    problem = replace(whole, outer_samples=None)
    result = zb.solve(
        problem, name, max_iterations=2, record_every=None, b1=3, **({"inner_steps": 1} if name == "f2sa" else {})
    )
    assert result.counts["outer_grad_x"].tolist() == [2]
    assert result.counts["inner_grad_z"].tolist() == [6 if name == "soba" else 12]


# Inputs.

POSITIVE = {
    "soba": ("rho", "ratio"), "saba": ("rho", "ratio"), "f2sa": ("alpha", "gamma", "xi", "lam"),
    "meha": ("alpha", "beta", "eta", "gamma", "c"), "fednest": ("beta", "alpha", "eta"),
}  # fmt: skip
COUNTS_OF = {
    "soba": ("b1", "b2"), "saba": ("b1", "b2"), "f2sa": ("inner_steps", "b1", "b2"),
    "fednest": ("clients", "T", "tau", "tau_x", "N", "batch"),
}  # fmt: skip


@pytest.mark.parametrize("value", [0, 0.0, -1.0, math.nan, math.inf, True, "0.1", [0.1]])
@pytest.mark.parametrize(("name", "option"), [(name, option) for name in POSITIVE for option in POSITIVE[name]])
def test_a_bad_size_is_named(name, option, value):
    with pytest.raises(ValueError, match=f"{option} must be a positive finite number, got"):
        make_solver(name, **{option: value})


@pytest.mark.parametrize("value", [0, -3, 1.5, math.nan, True, "2", [1]])
@pytest.mark.parametrize(("name", "option"), [(name, option) for name in COUNTS_OF for option in COUNTS_OF[name]])
def test_a_bad_count_is_named(name, option, value):
    with pytest.raises(ValueError, match=f"{option} must be a positive integer, got"):
        make_solver(name, **{option: value})


def test_other_bad_options_are_named():
    with pytest.raises(ValueError, match=r"schedule must be one of 'inverse-sqrt', 'constant', got 'linear'"):
        make_solver("soba", schedule="linear")
    for power in (-0.1, math.nan, True, "0.1", None):
        with pytest.raises(ValueError, match="power must be a non-negative finite number, got"):
            make_solver("meha", power=power)
    with pytest.raises(ValueError, match=r"power must be below 1/2, .* got 0.5"):
        make_solver("meha", power=0.5)
    for option in ("alpha_exponent", "gamma_exponent"):
        for value in (-0.1, math.nan, True, "0.1"):
            with pytest.raises(ValueError, match=f"{option} must be a non-negative finite number, got"):
                make_solver("f2sa", **{option: value})
        with pytest.raises(ValueError, match="must be given together or not at all"):
            make_solver("f2sa", **{option: 0.2})
    with pytest.raises(ValueError, match=r"at least gamma_exponent, or lam decreases, got 0.2 and 0.3"):
        make_solver("f2sa", alpha_exponent=0.2, gamma_exponent=0.3)
    for name in SOLVERS:
        with pytest.raises(TypeError, match=f"solver '{name}' has no option 'speed'"):
            make_solver(name, speed=1)


@pytest.mark.parametrize("name", SOLVERS)
def test_configuration_is_immutable_and_compares_by_value(name):
    solver = make_solver(name, **SHORT[name])
    option = solver.option_names()[0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(solver, option, 1)
    assert solver == make_solver(name, **SHORT[name])
    assert solver != replace(solver, **{option: 2 * getattr(solver, option)})


def test_published_defaults():
    soba, saba, f2sa, meha, fednest = map(make_solver, SOLVERS)
    assert (soba.rho, soba.gamma, soba.published_batches) == (0.1, 0.1, (64, 64))
    assert soba.steps(3) == (0.05, 0.05)
    assert (saba.rho, saba.gamma, saba.published_batches) == (0.1, 0.1, (64, 64))
    assert (f2sa.alpha, f2sa.gamma, f2sa.xi, f2sa.lam, f2sa.inner_steps) == (0.01, 0.01, 1.0, 1.0, 10)
    assert (meha.gamma, meha.c, meha.power) == (5.0, 0.6, 0.49)
    assert meha.penalty(99) == pytest.approx(0.6 * 100**0.49, rel=1e-14)
    assert (fednest.tau, fednest.N, fednest.beta, fednest.eta) == (5, 5, 0.003, 0.01)


@pytest.mark.parametrize(
    ("samples", "exponents"),
    [((True, True), (5 / 7, 4 / 7)), ((True, False), (5 / 7, 4 / 7)), ((False, True), (3 / 5, 2 / 5)),
     ((False, False), (1 / 3, 0))],
)  # fmt: skip
def test_f2sas_exponents_follow_the_noise(samples, exponents):
    problem = summed()
    problem = replace(problem, **{
        level: None for level, has in zip(("inner_samples", "outer_samples"), samples, strict=True) if not has
    })  # fmt: skip
    oracle, solver, (a, c) = Oracle(problem, 1), make_solver("f2sa", alpha=0.3, gamma=0.2, lam=4.0), exponents
    assert solver.schedule(oracle, 0) == (0.3, 0.2, 4.0)
    np.testing.assert_allclose(
        solver.schedule(oracle, 99), (0.3 * 100**-a, 0.2 * 100**-c, 4 * 100 ** (a - c)), rtol=1e-14
    )


# Steps that diverge.

UNSTABLE: dict[str, tuple[str, dict[str, Any], str]] = {
    "soba": ("quad_general", {"rho": 2.1, "ratio": 10.0, "schedule": "constant"}, r"rho=2.1 .* 2 / L_zz\) = \(0, 2\)"),
    "saba": ("quad_sum", {"rho": 9.0, "ratio": 1e3, "b1": 4, "b2": 4}, r"rho=9 .* 2 / L_zz"),
    "f2sa": ("quad_general", {"gamma": 2.1}, r"gamma=2.1 .* 2 / L_zz\) = \(0, 2\)"),
    "f2sa, y": ("quad_general", {"alpha": 1.1, "xi": 0.1, "alpha_exponent": 0.0, "gamma_exponent": 0.0},
                r"alpha=1.1 .* 2 / \(m_zz \+ lam L_zz\)\) = \(0, 1\)"),
    "meha": ("quad_general", {"eta": 1.7}, r"eta=1.7 .* 2 / \(L_zz \+ 1/gamma\)\) = \(0, 1.667\)"),
    "meha, y": ("quad_general", {"beta": 2.6, "eta": 0.5, "c": 100.0}, r"beta=2.6 .* 2 / \(m_zz/c \+ L_zz\)"),
    "meha, slow theta": ("bda_lls", {"alpha": 0.012, "beta": 0.1, "eta": 0.009}, r"beta=0.1 .* eta \(mu \+ 1/gamma\)"),
    "fednest": ("quad_sum", {"clients": 4, "beta": 9.0}, r"beta=9 .* 2 / L_zz"),
    "fednest, series": ("quad_sum", {"clients": 4, "eta": 9.0, "N": 40}, r"eta=9 .* 2 / L_zz"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNSTABLE)
def test_a_step_beyond_the_stable_range_warns_and_ends_as_diverged(case):
    problem, options, message = UNSTABLE[case]
    parameters = SAMPLED if problem == "quad_sum" else {} if problem == "bda_lls" else {"p": 3, "d": 2, "kappa": 2.0}
    with pytest.warns(StepWarning, match=message):
        result = zb.solve(
            zb.load_problem(problem, **parameters), case.partition(",")[0], max_iterations=6000, replicates=2,
            record_every=None, **options,
        )  # fmt: skip
    assert (result.status == Status.DIVERGED).all()
    assert np.isfinite(result.x).all()
    assert (np.abs(result.x).max(), np.abs(result.z).max()) <= (1e10, 1e10)


@pytest.mark.parametrize("name", SOLVERS)
def test_defaults_are_silent_on_the_benchmarks_problem(name):
    """Warnings are errors here."""
    result = zb.solve("quad_sum", name, max_iterations=5)
    assert not result.failed.any()


@pytest.mark.parametrize("name", ["soba", "f2sa", "meha"])
@pytest.mark.parametrize("problem", ["reference", "quad_general", "quad_tracking", "logistic_bregman", "minimax_quad"])
def test_defaults_are_silent_on_exact_problems(name, problem):
    assert not zb.solve(problem, name, max_iterations=50).failed.any()


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_non_finite_derivative_is_a_status(name, bad):
    whole = summed()

    def broken(z, x, sample=None):
        return np.where(z[..., :1] > 0.6, bad, whole.outer_grad_x(z, x, sample))

    problem = replace(whole, outer_grad_x=broken)
    result = zb.solve(problem, name, max_iterations=5, z0=[1.0, 0.0, 0.0], record_every=None, **SHORT[name])
    assert result.status.tolist() == [Status.NON_FINITE]
    assert np.isfinite(result.x).all()


# Budgets.


@pytest.mark.parametrize("gradient_cost", ["one", "dimension"])
@pytest.mark.parametrize("name", SOLVERS)
def test_the_budget_is_never_exceeded_and_used_up(name, gradient_cost):
    problem, solver = summed(), make_solver(name, **SHORT[name])
    per = iteration_cost(problem, solver, np.random.default_rng(0))
    start = zb.solve(problem, name, max_iterations=1, record_every=None, **SHORT[name]).counts
    size = {"z": problem.p, "x": problem.d}
    weight = {
        kind: size[{"hvp_zz": "z", "jvp_xz": "x"}.get(kind[6:], kind[-1])] if gradient_cost == "dimension" else 1
        for kind in start if kind.startswith(("inner_", "outer_"))
    }  # fmt: skip
    each = sum(weight[kind] * count for kind, count in per.items() if kind in weight)
    first = sum(weight[kind] * int(start[kind][0]) for kind in weight) - each
    for spare in (0, each - 1):
        result = zb.solve(
            problem, name, budget=first + 3 * each + spare, replicates=2, record_every=None,
            gradient_cost=gradient_cost, **SHORT[name],
        )  # fmt: skip
        assert result.status.tolist() == [Status.BUDGET] * 2
        assert result.nit.tolist() == [3, 3]
        spent = sum(weight[kind] * result.counts[kind] for kind in weight)
        assert spent.tolist() == [first + 3 * each] * 2


@pytest.mark.parametrize("name", SOLVERS)
def test_a_budget_below_one_iteration_is_refused_before_anything_is_evaluated(name):
    whole = summed()

    def never(*_):
        raise AssertionError("evaluated")

    functions = ("inner", "outer", "inner_grad_z", "inner_grad_x", "outer_grad_z", "outer_grad_x", "inner_hvp_zz")
    # A declared inner solution is checked before; that is another test's.
    problem = replace(whole, inner_solution=None, **dict.fromkeys((*functions, "inner_jvp_xz"), never))
    solver = make_solver(name, **SHORT[name])
    cost = sum(
        count for kind, count in iteration_cost(whole, solver, np.random.default_rng(0)).items()
        if kind not in ("communication", "prox", "projection")
    )  # fmt: skip
    once = 3 * whole.inner_samples + 2 * whole.outer_samples if name == "saba" else 0
    of_start = rf" \({once} of them once, at the start\)" if once else ""
    with pytest.raises(ValueError, match=rf"below the cost of one iteration, {cost + once} evaluations .*{of_start};"):
        zb.solve(problem, name, budget=cost + once - 1, **SHORT[name])


# Seeds and replicates.


@pytest.mark.parametrize("name", SOLVERS)
def test_the_same_seed_gives_the_same_bits_and_another_one_does_not(name):
    runs = [
        zb.solve(summed(), name, max_iterations=5, replicates=3, seed=seed, x0=[1.0, -1.0], z0=[0.5] * 3, **SHORT[name])
        for seed in (4, 4, 5)
    ]
    for what in ("x", "z", "v"):
        assert np.array_equal(getattr(runs[0], what), getattr(runs[1], what))
    # MEHA draws nothing.
    assert np.array_equal(runs[0].x, runs[2].x) == (name == "meha")


@pytest.mark.parametrize("name", SOLVERS)
def test_replicates_draw_for_themselves(name):
    result = zb.solve(summed(), name, max_iterations=5, replicates=3, **SHORT[name])
    distinct = len(np.unique(result.x, axis=0))
    assert distinct == (1 if name == "meha" else 3)


class OneRow:
    """A generator that draws for the block, and hands out the rows of one replicate."""

    def __init__(self, rng: np.random.Generator, replicates: int, r: int) -> None:
        self.rng, self.replicates, self.r = rng, replicates, r

    def integers(self, high: int, size: tuple[int, ...]) -> np.ndarray:
        return self.rng.integers(high, size=(self.replicates, *size[1:]))[[self.r]]


@pytest.mark.parametrize("name", SOLVERS)
def test_a_replicate_alone_equals_its_row_of_a_block(name):
    problem, solver, steps = summed(), make_solver(name, **SHORT[name]), 4
    block = first_state(solver, problem, 3, seed=6)
    rows = [
        solver.init(
            Oracle(problem, 1), OneRow(np.random.default_rng([6, 7]), 3, r), block.z[[r]], block.v[[r]], block.x[[r]]
        )
        for r in range(3)
    ]
    for _ in range(steps):
        block, rows = solver.step(block), [solver.step(row) for row in rows]
    # Sums over samples in another order: eps times at most 64 terms of the size of the iterates, doubled a step.
    scale = max(np.abs(getattr(block, what)).max() for what in ("z", "v", "x"))
    limit = 2**steps * 64 * problem.inner_samples * np.finfo(float).eps * max(scale, 1.0)
    for what in ("z", "v", "x", "estimate"):
        for r in range(3):
            error = np.abs(getattr(block, what)[r] - getattr(rows[r], what)[0]).max()
            assert error <= limit, f"{what} of replicate {r}: {error} above {limit}"


@pytest.mark.parametrize("name", SOLVERS)
def test_a_frozen_replicate_stays_and_costs_nothing_and_the_others_go_on(name):
    """Replicate 0 of a block stops at iteration 2; the others are as in a block where it goes on."""
    problem, solver, outcome = summed(), make_solver(name, **SHORT[name]), []
    for stop in (False, True):
        state = first_state(solver, problem, 3, seed=8)
        for k in range(4):
            if stop and k == 2:
                state.oracle.freeze(np.array([True, False, False]))
                before = {kind: count.copy() for kind, count in state.oracle.counts.items()}
            state = solver.step(state)
        outcome.append(state)
        assert all(np.isfinite(getattr(state, what)).all() for what in ("z", "v", "x"))
    for kind, count in outcome[1].oracle.counts.items():
        assert count[0] == before[kind][0]
        assert count[1] == outcome[0].oracle.counts[kind][1]
    for what in ("z", "v", "x"):
        difference = np.abs(getattr(outcome[0], what)[1:] - getattr(outcome[1], what)[1:]).max()
        assert difference <= 1e3 * np.finfo(float).eps * max(1.0, np.abs(getattr(outcome[0], what)).max())


@pytest.mark.parametrize("name", SOLVERS)
def test_a_run_stops_at_the_tolerance_on_its_own_estimate(name):
    problem = summed()
    start = {"z0": problem.inner_solution(problem.minimizer), "v0": problem.adjoint(problem.minimizer)}
    options = {**SHORT[name]}
    first = run(
        problem, make_solver(name, **options), x0=problem.minimizer + 1.0, rng=np.random.default_rng(0),
        max_iterations=1, **start,
    )  # fmt: skip
    assert first.status.tolist() == [Status.MAX_ITERATIONS]
    size = float(first.estimate[0])
    for tolerance, status in ((1.01 * size, Status.CONVERGED), (0.99 * size, Status.MAX_ITERATIONS)):
        result = run(
            problem, make_solver(name, **options), x0=problem.minimizer + 1.0, rng=np.random.default_rng(0),
            max_iterations=1, tolerance=tolerance, **start,
        )  # fmt: skip
        assert result.status.tolist() == [status]
