"""Every registered solver: ranges of steps, divergence as a status, too small budgets, no machinery of its own."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import warnings
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.driver import _costs
from zoba_bench.oracle import DERIVATIVES, weights
from zoba_bench.registry import entry, make_solver
from zoba_bench.result import Status
from zoba_bench.solvers.base import StepWarning

SINGLE = ("zoba", "zoba-tuned", "zoba-mixed", "hf-zoba", "hf-zoba-shared")
#: Every step of a solver; the step of x is the last one.
STEPS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys((*SINGLE, "soba", "saba"), ("rho", "gamma")),
    **dict.fromkeys(("zdsba", "zmdsba"), ("beta", "gamma", "alpha")),
    "zo-penalty": ("beta", "alpha"), "pzobo": ("alpha", "beta"), "hozog": ("alpha", "gamma"),
    "f2sa": ("gamma", "alpha", "xi"), "meha": ("eta", "beta", "alpha"), "fednest": ("beta", "eta", "alpha"),
    "aid-bio": ("alpha", "beta"), "itd-bio": ("alpha", "beta"), "stocbio": ("alpha", "eta", "beta"),
    **dict.fromkeys(("fom", "ufom", "ufom-adaptive"), ("alpha", "gamma")),
    **dict.fromkeys(("amigo", "fsla", "srba"), ("rho", "gamma")),
    **dict.fromkeys(("bsa", "ttsa", "sustain", "mrbo", "vrbo"), ("rho", "eta", "gamma")),
    "iaptt-gm": ("alpha", "gamma"),
    "bome": ("alpha",),  # its other steps have no range
    **dict.fromkeys(("gfm", "s-szd", "o-zd", "mezo-bcd", "lozo"), ("alpha", "gamma")),
    "zo-sogd": ("beta", "delta", "alpha"), "vrzsbo-like": ("rho", "rho_v", "gamma"),
    "implicit": (),  # quasi-Newton steps have no range
}  # fmt: skip
#: Cheap iterations, and steps that do not shrink where that can be had.
OPTIONS: dict[str, dict[str, Any]] = {
    **{name: {"l1": 20, "schedule": "constant", "gamma": 0.01} for name in SINGLE},
    **{name: {"t_k": 4, "b_k": 4, "schedule": "constant"} for name in ("zdsba", "zmdsba")},
    **{name: {"schedule": "constant"} for name in ("zo-penalty", "soba", "fom", "ufom", "ufom-adaptive")},
    "pzobo": {"Q": 3}, "hozog": {"inner_steps": 10}, "f2sa": {"alpha_exponent": 0.0, "gamma_exponent": 0.0},
    "s-szd": {"power": 0.0}, "meha": {"power": 0.0}, "fednest": {"clients": 4},
    **{name: {"schedule": "constant", "eta": 0.1} for name in ("bsa", "ttsa", "sustain", "mrbo")},
    "amigo": {}, "fsla": {"schedule": "constant"}, "srba": {"b1": 4, "b2": 4},
    "vrbo": {"inner_steps": 2, "N": 5, "eta": 0.1, "b1": 4, "b2": 4}, "bome": {"alpha": 0.1},
    "iaptt-gm": {"alpha": 0.1, "inner_steps": 3},
}  # fmt: skip
NAMES = zb.list_solvers()


def problem_for(name: str):
    if name in ("saba", "fednest", "srba", "vrbo"):
        return zb.load_problem("quad_sum", p=3, d=2, n_inner=8, n_outer=8)
    return zb.load_problem("quad_general", p=3, d=2, kappa=2.0)


def with_step(name: str, step: str, value: float) -> dict[str, Any]:
    """The options at which this step has this value, and x moves as before where it is another one."""
    options = {**OPTIONS.get(name, {}), step: value}
    if step in ("rho", "gamma") and "ratio" in entry("solvers", name).option_names():  # in place of gamma
        return options | ({"ratio": value / 0.01} if step == "rho" else {"ratio": 0.1 / options.pop("gamma")})
    return options | ({"xi": 1e-4 / value} if (name, step) == ("f2sa", "alpha") else {})


def test_the_table_is_complete():
    assert set(STEPS) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_step_has_a_range_and_a_warning_outside_that_says_it(name):
    problem, found = problem_for(name), set()
    for step, value, end, symbols in make_solver(name, **OPTIONS.get(name, {})).stable_steps(problem):
        found.add(step)
        assert value < end, "defaults are inside"
        for share in (1.01, 0.99):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                zb.solve(problem, name, max_iterations=1, record_every=None, **with_step(name, step, share * end))
            told = [str(w.message) for w in caught if issubclass(w.category, StepWarning)]
            range_of = f"{step}={share * end:.4g} is outside of the stable range (0, {symbols}) = (0, {end:.4g})"
            assert any(range_of in message for message in told) == (share > 1), (step, symbols, share, told)
    assert found == set(STEPS[name])


@pytest.mark.parametrize(("name", "step"), [(name, step) for name in NAMES for step in STEPS[name]])
def test_a_step_far_outside_ends_as_a_status_with_its_iteration(name, step):
    problem = problem_for(name)
    rows = make_solver(name, **OPTIONS.get(name, {})).stable_steps(problem)
    far = 100 * max(end for found, _, end, _ in rows if found == step)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StepWarning)
        result = zb.solve(problem, name, max_iterations=300, replicates=2, **with_step(name, step, far))
    assert np.isin(result.status, (Status.DIVERGED, Status.NON_FINITE)).all(), (result.status, result.nit)
    assert result.failed.all()
    assert (result.nit < 300).all()
    for nit, message in zip(result.nit, result.message, strict=True):
        assert re.search(rf"\biteration {nit}:", message), message
    assert all(np.isfinite(iterate).all() for iterate in (result.x, result.z, result.v))


def watched(problem, evaluated: list[str]):
    """The problem, with each call of its functions written down."""

    def watch(name: str, function):
        return lambda *arguments: evaluated.append(name) or function(*arguments)

    own = ("inner", "outer", *DERIVATIVES)
    return replace(problem, **{n: watch(n, getattr(problem, n)) for n in own if getattr(problem, n) is not None})


@pytest.mark.parametrize("gradient_cost", ["one", "dimension"])
@pytest.mark.parametrize("name", NAMES)
def test_a_budget_that_holds_no_iteration_is_refused_before_anything_is_evaluated(name, gradient_cost):
    evaluated: list[str] = []
    # A declared inner solution is checked before, uncounted; here nothing else may be evaluated.
    plain = replace(problem_for(name), inner_solution=None)
    problem, options = watched(plain, evaluated), OPTIONS.get(name, {})
    cost = weights(gradient_cost, plain.p, plain.d)
    first, each = _costs(plain, make_solver(name, **options), np.random.default_rng(0), cost)
    assert each > 0
    keywords = {"gradient_cost": gradient_cost, "record_every": None, **options}
    with pytest.raises(ValueError, match=f"below the cost of one iteration, {first + each} evaluations"):
        zb.solve(problem, name, budget=first + each - 1, **keywords)
    assert not evaluated
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StepWarning)
        result = zb.solve(problem, name, budget=first + each, **keywords)
    assert evaluated
    assert result.nit[0] >= 1
    assert sum(weight * int(result.counts[column][0]) for column, weight in cost.items()) <= first + each


@pytest.mark.parametrize("name", NAMES)
def test_x_stays_where_a_problem_restricts_it_to(name):
    plain = problem_for(name)
    boxed = replace(plain.capabilities, project_x=lambda x: np.clip(x, 0.1, 0.3))
    options = OPTIONS.get(name, {})
    keywords = {"max_iterations": 3, "replicates": 2, "x0": [0.2, 0.2], **options}
    result = zb.solve(replace(plain, capabilities=boxed), name, **keywords)
    assert result.counts["projection"].tolist() == [3, 3]
    assert ((result.x >= 0.1) & (result.x <= 0.3)).all()
    free = zb.solve(plain, name, **keywords)
    assert free.counts["projection"].tolist() == [0, 0]


@pytest.mark.parametrize("name", NAMES)
def test_a_problem_that_restricts_z_is_refused_by_all_that_do_not_keep_it_there(name):
    plain = problem_for(name)
    boxed = replace(plain, capabilities=replace(plain.capabilities, project_z=lambda z: np.clip(z, 0.1, 0.3)))
    options = {"max_iterations": 3, **OPTIONS.get(name, {})}
    if name == "meha":
        result = zb.solve(boxed, name, **options)
        assert ((result.z >= 0.1) & (result.z <= 0.3)).all()
        return
    words = f"{name} needs an inner problem without constraints; {plain.name} restricts z"
    with pytest.raises(ValueError, match=words):
        zb.solve(boxed, name, **options)


@pytest.mark.parametrize("name", NAMES)
def test_no_solver_has_a_loop_a_counter_or_a_recorder_of_its_own(name):
    """It has init and step; what it knows of the engine is the oracle, and it leaves the oracle's counts alone."""
    solver = entry("solvers", name)
    assert not {"run", "solve", "minimize", "record"} & set(dir(solver))
    assert {f.name for f in fields(solver)}.isdisjoint({"max_iterations", "budget", "tolerance", "callback"})
    for module in {base.__module__ for base in solver.__mro__ if base.__module__.startswith("zoba_bench.solvers")}:
        tree = ast.parse(inspect.getsource(importlib.import_module(module)))
        imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert imported.isdisjoint({"zoba_bench.driver", "zoba_bench.recorder", "zoba_bench.result"}), (
            module,
            imported,
        )
        used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert used.isdisjoint({"counts", "n_inner", "n_outer", "spent", "freeze"}), (module, used)
