"""Every registered solver: what the oracle counts is what the symbolic counts say, in every column."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from zoba_bench.theory.counts import SETTINGS, iteration_counts
from zoba_bench.theory.run_counts import run_counts

import zoba_bench as zb
from zoba_bench.driver import iteration_cost
from zoba_bench.oracle import COUNTED, weights
from zoba_bench.registry import make_solver

ITERATIONS, REPLICATES = 3, 2

EXACT: tuple[str, dict[str, Any]] = ("quad_general", {"p": 3, "d": 2})
SUM: tuple[str, dict[str, Any]] = ("quad_sum", {"p": 3, "d": 2, "n_inner": 8, "n_outer": 4})
TASKS: tuple[str, dict[str, Any]] = ("imaml_quad", {"p": 6, "d": 2, "lam": 5.0})
TOY: tuple[str, dict[str, Any]] = ("two_task", {"steps": 4})
LASSO: tuple[str, dict[str, Any]] = ("l1_meha", {"d": 4})
BOXES: tuple[str, dict[str, Any]] = ("iaptt_toy", {})

SINGLE = {"l1": 5, "l2": 3}
FEW = {"t_k": 3, "b_k": 2}
BATCHES = {"D": 2, "Q": 3, "S": 4, "D_f": 3, "D_g": 2, "B": 8}

CASES: list[tuple[str, tuple[str, dict[str, Any]], str, dict[str, Any]]] = [
    *((name, problem, "", {**SINGLE, **batch, **({"l2": 5} if name == "hf-zoba-shared" else {})})
      for name in ("zoba", "zoba-tuned", "zoba-mixed", "hf-zoba", "hf-zoba-shared")
      for problem, batch in ((EXACT, {}), (SUM, {"b1": 4, "b2": 3}), (SUM, {}))),
    *((name, problem, "", {**FEW, **more}) for name, more in (("zdsba", {}), ("zmdsba", {"s_k": 4}))
      for problem in (EXACT, SUM)),
    *(("zo-penalty", problem, "", {"T_b": 3, "l": 4}) for problem in (EXACT, SUM)),
    ("pzobo", EXACT, "", {"N": 3, "Q": 4}), ("pzobo", SUM, "", {"N": 3, "Q": 4}),
    ("pzobo", SUM, "batch", {"N": 3, "Q": 4, "batch": 2}),
    ("hozog", EXACT, "", {"q": 2, "inner_steps": 4}), ("hozog", SUM, "", {"q": 2, "inner_steps": 4}),
    ("hozog", SUM, "values", {"q": 2, "inner_steps": 4, "training": "values"}),
    *(("implicit", problem, setting, {"curvature": setting} if setting else {}) for problem in (EXACT, SUM)
      for setting in ("", "measured")),
    *(("zo-sogd", problem, setting, {"l1": 3, "l2": 2, **weights}) for problem in (EXACT, SUM)
      for setting, weights in (("", {}), ("no memory", {"gamma": 1.0, "lam": 1.0, "eta": 1.0}))),
    *((name, problem, setting, {"inner_steps": 3, **({"training": setting} if setting else {})})
      for name in ("gfm", "s-szd", "o-zd", "mezo-bcd", "lozo") for problem in (EXACT, SUM)
      for setting in ("", "gradients")),
    ("gfm", SUM, "batch", {"q": 2, "inner_steps": 3, "batch": 3}),
    ("gfm", SUM, "gradients, batch", {"inner_steps": 3, "batch": 3, "training": "gradients"}),
    ("s-szd", EXACT, "", {"l": 2, "inner_steps": 3}), ("o-zd", EXACT, "", {"l": 2, "inner_steps": 3}),
    ("vrzsbo-like", EXACT, "", {}), ("vrzsbo-like", SUM, "", {"q": 1.0}),
    ("soba", EXACT, "", {}), ("soba", SUM, "", {"b1": 3, "b2": 2}), ("soba", SUM, "", {}),
    ("saba", SUM, "", {"b1": 3, "b2": 2}), ("saba", SUM, "", {}),
    ("f2sa", EXACT, "", {"inner_steps": 3}), ("f2sa", SUM, "", {"inner_steps": 3, "b1": 3, "b2": 2}),
    ("meha", EXACT, "", {}), ("meha", SUM, "", {}), ("meha", LASSO, "", {}),
    ("meha", BOXES, "", {"eta": 0.01, "beta": 0.001}),
    ("fednest", SUM, "", {"clients": 4, "T": 2, "tau": 3, "tau_x": 2, "N": 4}),
    ("fednest", SUM, "batch", {"clients": 2, "T": 2, "tau": 3, "tau_x": 2, "N": 4, "batch": 1}),
    ("aid-bio", EXACT, "", {"D": 3, "N": 2}), ("aid-bio", SUM, "", {"D": 3, "N": 2}),
    ("itd-bio", EXACT, "", {"D": 3}), ("itd-bio", SUM, "", {"D": 3}), ("itd-bio", EXACT, "", {"D": 1}),
    ("stocbio", EXACT, "", {"D": 2, "Q": 3}), ("stocbio", SUM, "", BATCHES),
    ("stocbio", SUM, "", {**BATCHES, "B_ratio": 0.25}),
    *((name, problem, "", {**options, **batch})
      for name, options in (("amigo", {"inner_steps": 3}), ("fsla", {}), ("mrbo", {"N": 3}))
      for problem, batch in ((EXACT, {}), (SUM, {"b1": 3, "b2": 2}))),
    *(("srba", SUM, setting, {"b1": 3, "b2": 2, "period": n}) for setting, n in (("refresh", 1), ("", 2))),
    *(("vrbo", SUM, setting, {"inner_steps": 2, "N": 3, "b1": 3, "b2": 2, "period": n})
      for setting, n in (("refresh", 1), ("", 2))),
    *(("iaptt-gm", problem, "", {"inner_steps": 1}) for problem in (EXACT, SUM)),
    *(("bome", problem, setting, {"inner_steps": 3, "phi": phi}) for problem in (EXACT, SUM)
      for setting, phi in (("", "gradient"), ("value", "value"))),
    *((name, problem, setting, {"N": n, "series": series, **batch}) for name in ("bsa", "ttsa", "sustain")
      for setting, series, n in (("", "random", 1), ("sum", "sum", 4))
      for problem, batch in ((EXACT, {}), (SUM, {"b1": 3, "b2": 2}))),
    ("fom", EXACT, "one task", {"inner_steps": 4}), ("fom", SUM, "one task", {"inner_steps": 4}),
    ("fom", TASKS, "tasks", {"batch": 2}), ("fom", TOY, "tasks", {"batch": None}),
    *((name, problem, f"{kind}, {gradient}", {**options, "gradient": gradient, **sure})
      for name, sure in (("ufom", {"q": 1.0}), ("ufom-adaptive", {"q": 1.0, "q_min": 1.0}))
      for gradient in ("stored", "recomputed", "forward")
      for problem, kind, options in ((EXACT, "one task", {"inner_steps": 4}), (SUM, "one task", {"inner_steps": 4}),
                                     (TASKS, "tasks", {"batch": 2}), (TOY, "tasks", {"batch": 3}))),
]  # fmt: skip


def identify(case):
    name, problem, setting, options = case
    return f"{name} on {problem[0]} {setting} {options}"


@pytest.mark.sample(24)
@pytest.mark.parametrize("case", CASES, ids=identify)
def test_the_counter_agrees_with_the_symbolic_counts_in_every_column(case):
    name, (title, parameters), _setting, options = case
    problem, solver = zb.load_problem(title, **parameters), make_solver(name, **options)
    run_of = {k: dict.fromkeys(COUNTED, 0) | run_counts(name, problem, options, k) for k in (0, 1, 2, ITERATIONS)}
    # The dearer of the first iteration, which asks for all samples or has no memory, and the second one.
    each = {c: max(run_of[1][c] - run_of[0][c], run_of[2][c] - run_of[1][c]) for c in COUNTED}
    run = {"max_iterations": ITERATIONS, "replicates": REPLICATES, "record_every": None}
    result = zb.solve(problem, name, **run, **SLOW.get(name, {}), **options)
    assert {column: n.tolist() for column, n in result.counts.items()} == {
        column: [n] * REPLICATES for column, n in run_of[ITERATIONS].items()
    }
    assert iteration_cost(problem, solver, np.random.default_rng(0)) == {c: n for c, n in each.items() if n}


#: Steps small enough for problems of every size.
SLOW: dict[str, dict[str, Any]] = {
    **{name: {"gamma": 1e-6} for name in ("fom", "ufom", "ufom-adaptive")},
    "stocbio": {"eta": 0.01},
}


AT_START = ("start", "first")


def test_every_solver_and_every_setting_is_compared():
    assert set(SETTINGS) == set(zb.list_solvers())
    compared = {(name, setting) for name, _, setting, _ in CASES}
    everything = {
        (name, setting) for name, several in SETTINGS.items() for setting in several if setting not in AT_START
    }
    assert compared == everything


@pytest.mark.parametrize("name", sorted(set(zb.list_theorems()) & set(SETTINGS)))
def test_a_theorem_names_the_columns_of_the_oracle(name):
    assert set(zb.theorem(name).evaluations_per_iteration) <= {*COUNTED, "trainings"}


def test_a_plan_of_soba_announces_what_a_run_uses():
    problem = zb.load_problem("quad_general", p=3, d=2, kappa=2.0)
    start = {"gap": 0.01, "z_error": 0.1, "v_error": 0.1}
    plan = zb.theorem("soba").plan(problem.constants, 3, 2, 0.9, start)
    options = {"rho": plan.rho, "ratio": plan.rho / plan.gamma, "schedule": "constant"}
    result = zb.solve(problem, "soba", max_iterations=50, record_every=None, **options)
    spent = sum(weight * int(result.counts[column][0]) for column, weight in weights("one", 3, 2).items())
    assert spent * plan.K == 50 * plan.evaluations


@pytest.mark.parametrize(
    ("name", "setting", "message"),
    [("nothing", "", "no counts of solver 'nothing'"), ("saba", "batch", "saba has no setting 'batch'; it has ''")],
)
def test_an_unknown_name_is_refused_with_the_known_ones(name, setting, message):
    with pytest.raises(ValueError, match=message):
        iteration_counts(name, setting)


@pytest.mark.parametrize(
    ("solver", "what"),
    [*((name, "at q = 0") for name in ("ufom", "ufom-adaptive", "vrzsbo-like")),
     *((name, "with series='random' at N = 10") for name in ("bsa", "ttsa", "sustain"))],
)  # fmt: skip
def test_a_count_that_chance_decides_is_refused(solver, what):
    with pytest.raises(ValueError, match=f"the count of {solver} is random {what}"):
        run_counts(solver, zb.load_problem(SUM[0], **SUM[1]), {}, 3)


def test_a_count_that_the_values_of_f_decide_is_refused():
    with pytest.raises(ValueError, match=r"the count of iaptt-gm depends on where F is largest .* inner_steps=40"):
        run_counts("iaptt-gm", zb.load_problem(EXACT[0], **EXACT[1]), {}, 3)


def test_published_batches_and_defaults_are_counted():
    problem = zb.load_problem(SUM[0], **SUM[1])
    assert run_counts("zoba", problem, {}, 2)["outer"] == 2 * 3 * 10
    assert run_counts("saba", problem, {}, 2)["inner_grad_z"] == 8 + 2 * 64
    assert run_counts("hf-zoba-shared", problem, {"l1": 3}, 1) == run_counts(
        "hf-zoba-shared", problem, {"l1": 3, "l2": 3}, 1
    )
