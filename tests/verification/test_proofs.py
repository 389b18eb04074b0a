"""P9: theorems and certificates proved again as claims, and statements that must be refused."""

from __future__ import annotations

import pytest
from zoba_bench.problems import PROBLEMS

from zoba_bench.registry import list_theorems, missing_requirements
from zoba_bench.sweep import run_cell
from zoba_bench.verification.checking import check_claim
from zoba_bench.verification.claim import Claim, decide
from zoba_bench.verification.claims.proofs import quick_claims, standard_claims
from zoba_bench.verification.protocols import proofs as protocol
from zoba_bench.verification.run.looks import plan_claim
from zoba_bench.verification.suite import Suite

SMALL = {"name": "quad_general", "p": 2, "d": 1}


def claim(**parameters):
    return Claim("P9/x", "A statement.", "P9", "", "", "exact", 0.0, parameters)


def verdict(one):
    plan = plan_claim(one, 0)
    results = {cell.key: run_cell(cell) for cell in plan.cells}
    return decide(one, protocol.judge(one, plan, results, 0.99))


def test_a_theorem_holds_and_each_change_of_a_step_is_refused():
    found, reason = verdict(claim(theorem="zo-penalty"))
    assert found == "consistent"
    assert "18 statements" in reason
    for wrong in ({"factor": 0.5}, {"times": "lambda"}, {"over": "d"}):
        name = "bound of the error" if "factor" not in wrong else "limit with the sign reversed"
        found, reason = verdict(claim(theorem="zo-penalty", wrong={"statement": name, **wrong}))
        assert found == "violated", wrong
        assert f"refused: {name}" in reason


def test_a_weight_below_its_threshold_is_refused_as_such():
    changed = claim(theorem="hf-zoba-shared", wrong={"statement": "explicit weights", "factor": 0.25})
    found, reason = verdict(changed)
    assert found == "violated"
    assert "the weight is below its threshold" in reason


def test_a_plan_for_another_accuracy_than_the_one_shown_is_refused():
    changed = claim(theorem="hf-zoba-shared", wrong={"statement": "plan", "factor": 0.5})
    assert verdict(changed)[0] == "violated"


def test_a_certificate_holds_and_a_wrong_solution_is_refused():
    assert verdict(claim(problem=SMALL))[0] == "consistent"
    found, reason = verdict(claim(problem=SMALL, wrong={"statement": "inner_solution", "factor": 1.01}))
    assert found == "violated"
    assert "refused: inner solution: |G_z(z*(x), x)| = " in reason
    assert verdict(claim(problem=SMALL, wrong={"statement": "inner_solution", "added": 0.01}))[0] == "violated"


def test_the_control_of_every_problem_can_be_planned():
    """It changes what the problem declares; where nothing is known of z*, as of margin_attack, a gradient."""
    controls = [one for one in standard_claims() if "problem" in one.parameters and "wrong" in one.parameters]
    installed = [one for one in controls if not missing_requirements(one.problem)]
    assert len(installed) > 50
    assert all(len(plan_claim(one, 0).cells) == 1 for one in installed)


def test_mixed_points_and_a_wrong_constant_are_refused():
    found, reason = verdict(claim(problem=SMALL, wrong={"statement": "inner", "mixed": True}))
    assert found == "violated"
    assert "values of different points are mixed" in reason
    found, reason = verdict(claim(problem=SMALL, wrong={"statement": "constant mu", "factor": 2.0}))
    assert found == "violated"
    assert "refused: constant mu: declared" in reason


def test_a_wrong_gradient_is_refused():
    found, reason = verdict(claim(problem=SMALL, wrong={"statement": "outer_grad_z", "factor": 1.01}))
    assert found == "violated"
    assert "outer_grad_z" in reason


def test_a_factor_of_one_changes_nothing():
    assert verdict(claim(problem=SMALL, wrong={"statement": "inner_solution", "factor": 1.0}))[0] == "consistent"
    same = {"statement": "order in lambda", "factor": 1.0}
    assert verdict(claim(theorem="zo-penalty", wrong=same))[0] == "consistent"


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"theorem": "zobs"}, "unknown theorem 'zobs'; did you mean 'zoba'"),
        ({"theorem": "hozog", "wrong": {"statement": "contraction"}}, "unknown step of theorem 'hozog' 'contraction'"),
        (
            {"theorem": "hozog", "wrong": {"statement": "uniform directions", "over": "p"}},
            "unknown symbol of theorem 'hozog' 'p'",
        ),
        ({"problem": SMALL, "wrong": {"statement": "slope"}}, "unknown closed form or gradient of 'quad_general'"),
        ({"problem": SMALL, "wrong": {"statement": "value", "over": "p"}}, "a closed form has a factor alone"),
        ({"theorem": "hozog", "wrong": {"statement": "uniform directions", "added": 1.0}}, "wrong.added is for closed"),
        ({"problem": SMALL, "theorem": "zoba"}, "either theorem or problem"),
        ({}, "either theorem or problem"),
    ],
)
def test_what_cannot_be_proved_again_is_named(parameters, match):
    with pytest.raises(ValueError, match=match):
        plan_claim(claim(**parameters), 0)


def test_every_theorem_and_problem_of_this_project_has_its_claim_and_controls():
    claims = {one.id: one for one in standard_claims()}
    assert {f"P9/theorem/{name}" for name in list_theorems()} <= set(claims)
    assert {f"P9/problem/{name}" for name in PROBLEMS} <= set(claims)
    for one in claims.values():
        check_claim(one)
        assert one.origin == "control" or (one.controls and set(one.controls) <= set(claims))
    assert {one.id for one in quick_claims()} <= set(claims)


def test_the_matrix_names_every_row_and_what_is_in_it():
    matrix = Suite("proofs", "", tuple(quick_claims())).matrix()
    assert matrix == {"P9": {"theorem": ["zoba"], "quad_general": ["no solver"]}}


CHEAP = {"fom", "hozog", "itd-bio", "pzobo", "saba", "stocbio", "zmdsba", "zo-penalty"}


@pytest.mark.parametrize(
    "control",
    [one for one in standard_claims() if one.origin == "control" and one.parameters.get("theorem") in CHEAP],
    ids=lambda one: one.id,
)
def test_the_changed_steps_are_refused(control):
    assert verdict(control)[0] == "violated"
