"""Floors on registered problems: what is derived, what is refused, and what is not local."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zoba_bench.errors import DerivationError
from zoba_bench.registry import entry, load_problem, missing_requirements
from zoba_bench.sweep import run_cell
from zoba_bench.verification.claim import decide
from zoba_bench.verification.claims import registry as claims
from zoba_bench.verification.protocols import complexity
from zoba_bench.verification.protocols import registry as protocol
from zoba_bench.verification.run.looks import part
from zoba_bench.verification.suites.standard import standard

LEVEL = 1 - 1e-4
CLAIMS = {claim.id: claim for claim in (*claims.quick_claims(), *claims.standard_claims())}
LEVEL_CLAIM = CLAIMS["P6d/hf-zoba/bvfsm_sin/l-level"]


def changed(claim, **parameters):
    kept = {name: value for name, value in claim.parameters.items() if name != "looks"}
    return replace(claim, parameters={**kept, **parameters})


def measure(claim, **parameters):
    claim = changed(claim, **parameters)
    plan = protocol.plan(claim, 3)
    found = protocol.judge(claim, plan, {cell.key: run_cell(cell) for cell in plan.cells}, LEVEL)
    return decide(claim, found)[0], found


@pytest.mark.slow
def test_a_floor_on_a_problem_that_is_not_quadratic_holds_and_a_wrong_factor_is_seen():
    assert measure(LEVEL_CLAIM, replicates=[700, 700])[0] == "consistent"
    assert measure(CLAIMS["P6d/hf-zoba/bvfsm_sin/l-control-level"], replicates=[700, 700])[0] == "violated"
    assert measure(CLAIMS["P6d/hf-zoba/bvfsm_sin/l-control-power"], replicates=[60, 60])[0] == "violated"


@pytest.mark.slow
def test_a_wrong_estimator_is_seen():
    claim = replace(LEVEL_CLAIM, solver="control:hf-factor")
    assert measure(claim, replicates=[60, 60])[0] == "violated"


@pytest.mark.slow
def test_few_directions_are_not_local():
    # One direction a level: the noise that grows with the distance is larger than that of the solution.
    verdict, found = measure(CLAIMS["P6d/hf-zoba/two_task/l-level"], directions=[4, 16], replicates=[4, 4])
    assert verdict == "inconclusive"
    assert found.obstacle.startswith("not local: the derived mean is 1.4")


def test_without_a_tilt_there_is_no_floor_along_l():
    claim = changed(LEVEL_CLAIM, problem={"name": "quartic_cardano", "p": 3, "d": 2}, gamma=0.02)
    with pytest.raises(DerivationError, match="radii"):
        protocol.plan(replace(claim, problem="quartic_cardano"), 0)


@pytest.mark.slow
def test_the_floor_of_the_radii_grows_as_their_square_and_starts_at_the_solution():
    claim = CLAIMS["P6d/hf-zoba/quartic_cardano/h-level"]
    small, large = protocol.plan(changed(claim), 0).context["predicted"]
    smaller, larger = claim.parameters["radii"]
    assert large / small == pytest.approx((larger / smaller) ** 2, rel=0.05)
    # So few replicates have limits 6.5 % wide: they decide within the 10 % of `quick`, not within 5 %.
    verdict, found = measure(replace(claim, tolerance=0.1), iterations=60, replicates=[1600, 1600])
    assert verdict == "consistent", found


@pytest.mark.parametrize("wrong", [{"directions": [4, 16]}, {"replicates": [4]}, {"radii": [0.1]}])
def test_points_that_do_not_make_a_line_are_refused(wrong):
    claim = CLAIMS["P6d/hf-zoba/quartic_cardano/h-level"]
    with pytest.raises(ValueError, match=r"one number along h|two points or more"):
        protocol.plan(changed(claim, **wrong), 0)


@pytest.mark.slow
def test_every_point_has_random_numbers_of_its_own():
    line = protocol.plan(part(LEVEL_CLAIM, 0), 0)
    claim = CLAIMS["P6/hf-zoba/quartic_cardano/level"]
    short = [{**point, "eps": 10 * point["eps"]} for point in claim.parameters["points"]]
    crossings = complexity.plan(changed(claim, points=short), 0)
    for plan in (line, crossings):
        streams = [tuple(cell.rng().standard_normal(4)) for cell in plan.cells]
        assert len(set(streams)) == len(streams) == len(plan.cells) >= 2


@pytest.mark.slow
def test_evaluations_are_of_the_first_order_in_1_over_eps_where_nothing_stays():
    eps = [0.02, 0.01, 0.005]
    predicted = complexity.plan(CLAIMS["P6/hf-zoba/quartic_cardano/exponent"], 0).context["predicted"]
    assert np.polyfit(np.log(eps), np.log(predicted), 1)[0] == pytest.approx(-1.0, abs=0.02)
    tilted = complexity.plan(CLAIMS["P6/hf-zoba/quartic_cardano-tilted/exponent"], 0).context["predicted"]
    assert np.polyfit(np.log([0.04, 0.02, 0.01]), np.log(tilted), 1)[0] < -1.8


def test_the_floors_stand_on_twelve_problems_of_five_groups_most_of_them_not_quadratic():
    groups, names, curved = set(), set(), set()
    for claim in standard().claims:
        if claim.protocol == "P6d" and claim.origin != "control":
            spec = claim.parameters["problem"]
            card = entry("problems", spec.get("base", spec["name"])).card
            names.add(spec.get("base", spec["name"]))
            groups.add(card.group)
            if not card.quadratic_inner:
                curved.add(spec.get("base", spec["name"]))
    assert len(names) >= 12
    assert len(groups) >= 5
    assert len(curved) > len(names) / 2
    assert "diabetes_ridge" in names


@pytest.mark.skipif(bool(missing_requirements("diabetes_ridge")), reason="needs the data")
def test_regularised_real_data_have_a_single_minimiser_that_is_known():
    problem = load_problem("diabetes_ridge", p=3, d=3, features=3, weight=0.25)
    assert problem.minimizer is not None
    assert np.linalg.norm(problem.hypergradient(problem.minimizer)) < 1e-12
    near = problem.minimizer + 0.3 * np.random.default_rng(0).standard_normal((50, 3))
    assert (problem.value(near) > problem.minimum).all()
    # grad Psi and grad F with the new term, by differences.
    x, e = np.array([0.3, -0.2, 0.1]), 1e-6 * np.eye(3)
    slopes = (problem.value(x + e) - problem.value(x - e)) / 2e-6
    assert problem.hypergradient(x) == pytest.approx(slopes, abs=1e-8)
    z = problem.inner_solution(x)
    slopes = (problem.outer(z, x + e) - problem.outer(z, x - e)) / 2e-6
    assert problem.outer_grad_x(z, x) == pytest.approx(slopes, abs=1e-8)
    # Too little weight: nothing is proved, and nothing declared.
    assert load_problem("diabetes_ridge", weight=0.25).minimizer is None
