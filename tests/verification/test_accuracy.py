"""P7: known solutions are reached as closely as is derived; what misses them, or promises too much, is seen."""

import math
from dataclasses import replace

import numpy as np
import pytest

from zoba_bench.errors import DerivationError
from zoba_bench.registry import entry, list_solvers, load_problem, theorem
from zoba_bench.solvers.single_loop import SingleLoop
from zoba_bench.sweep import run_cell
from zoba_bench.verification.checking import check_claim
from zoba_bench.verification.claim import decide
from zoba_bench.verification.claims.accuracy import quick_claims
from zoba_bench.verification.protocols import accuracy
from zoba_bench.verification.protocols.shared import named
from zoba_bench.verification.protocols.shared.mean_iteration import mean_path, transient_sum

LEVEL = 1 - 1e-4
CLAIMS = {claim.id: claim for claim in quick_claims()}
SHARED = CLAIMS["P7/hf-zoba-shared/quad_general/distance"]
# In one dimension each, with few replicates and wide tolerances: a fraction of a second.
SMALL = {"problem": {"name": "quad_general", "p": 1, "d": 1, "kappa": 1.0}, "replicates": 48}


def changed(claim, tolerance=None, options=None, **parameters):
    merged = {**claim.parameters, **parameters, "options": {**claim.parameters["options"], **(options or {})}}
    without = {name: value for name, value in merged.items() if value is not None}
    return replace(claim, parameters=without, tolerance=claim.tolerance if tolerance is None else tolerance)


def verdict(claim):
    plan = accuracy.plan(claim, 5)
    measurement = accuracy.judge(claim, plan, {cell.key: run_cell(cell) for cell in plan.cells}, LEVEL)
    return decide(claim, measurement)[0], measurement


def test_every_single_loop_solver_and_every_biased_method_has_a_claim_with_a_control():
    biased = {"zo-penalty", "itd-bio", "stocbio", "fom"}
    single = {name for name in list_solvers() if issubclass(entry("solvers", name), SingleLoop)}
    assert {claim.solver for claim in CLAIMS.values() if claim.origin != "control"} == single | biased
    for claim in CLAIMS.values():
        check_claim(claim)
        assert claim.origin == "control" or claim.controls


@pytest.mark.sample(2)
@pytest.mark.parametrize("claim", [c for c in CLAIMS.values() if "at-rest" in c.id], ids=lambda claim: claim.id)
def test_biased_methods_come_to_rest_where_their_theorems_say_and_wrong_ones_do_not(claim):
    assert verdict(claim)[0] == claim.expected


def test_no_promise_is_a_typed_number():
    # A promise follows the problem, the steps, the directions and the start: nothing in a claim says what it is.
    promised = accuracy.plan(changed(SHARED, **SMALL), 0).context["promised"]
    for other in ({"options": {"gamma": 0.04}}, {"options": {"l1": 8, "l2": 8}}, {"options": {"h": 2e-4}}):
        assert accuracy.plan(changed(SHARED, **SMALL, **other), 0).context["promised"] != promised


@pytest.mark.parametrize("quantity", ["distance", "gap", "stationarity"])
def test_shared_directions_reach_the_minimiser_up_to_the_noise_of_their_radii(quantity):
    found, measurement = verdict(changed(SHARED, 0.4, **SMALL, quantity=quantity))
    assert found == "consistent", measurement
    assert measurement.series["reached"] < 1e-3 * measurement.series["begun"]


@pytest.mark.parametrize("solver", ["zoba", "zoba-tuned", "zoba-mixed", "hf-zoba"])
def test_the_others_reach_their_floor(solver):
    claim = replace(changed(SHARED, 0.3, **SMALL, options={"outer_directions": "independent"}), solver=solver)
    if not solver.startswith("hf"):
        del claim.parameters["options"]["h_bar"]  # type: ignore[attr-defined]
    found, measurement = verdict(claim)
    assert found == "consistent", measurement
    assert measurement.series["reached"] > 1e-4  # noise that the shared directions do not have


@pytest.mark.parametrize("quantity", ["distance", "gap", "stationarity"])
def test_a_step_with_the_wrong_sign_misses(quantity):
    wrong = changed(CLAIMS["P7/control:ascent/quad_general/distance"], **SMALL, quantity=quantity)
    assert verdict(wrong)[0] == "violated"


def test_a_doubled_hessian_misses():
    options = {"l1": 16, "l2": 16, "h_bar": 1e-4}
    wrong = replace(changed(SHARED, 0.3, **SMALL, options=options), solver="control:hf-factor")
    found, measurement = verdict(wrong)
    assert found == "violated"
    assert measurement.measured > 2


def test_the_accuracy_of_twice_as_many_directions_is_not_reached():
    claim = CLAIMS["P7/zoba/quad_general/distance/control-directions"]
    assert verdict(changed(claim, **SMALL))[0] == "violated"


def test_beyond_quadratics_the_floor_counts_once_the_start_is_forgotten():
    claim = changed(CLAIMS["P7/hf-zoba-shared/reference/distance"], 0.4, replicates=24)
    found, measurement = verdict(claim)
    assert found == "consistent", measurement
    early = changed(claim, iterations=60, window=10)
    found, measurement = verdict(early)
    assert found == "inconclusive"
    assert "noise-free iteration is not there yet" in measurement.obstacle


def test_a_promise_that_the_start_meets_already_is_nothing_to_reach():
    found, measurement = verdict(changed(SHARED, **SMALL, iterations=2, window=1))
    assert found == "inconclusive"
    assert "nothing is to be reached" in measurement.obstacle


def test_a_certified_bound_is_a_promise_on_the_last_iterates():
    base = CLAIMS["P7/hf-zoba-shared/reference/distance"]
    few = changed(
        replace(base, relation="at_most", problem="logistic_bregman"),
        0.0, problem={"name": "logistic_bregman", "p": 3, "d": 2, "mu": 1.0}, quantity="stationarity", promise="bound",
        iterations=900, window=890, replicates=6, options={"l1": 16, "l2": 16, "rho": 0.3, "gamma": 0.013},
    )  # fmt: skip
    plan = accuracy.plan(few, 0)
    problem = load_problem(**few.parameters["problem"])
    z, v, x = accuracy._start(problem)
    start = {
        "gap": float(problem.value(x)) - problem.minimum,
        "z_error": float(np.linalg.norm(z - problem.inner_solution(x))),
        "v_error": float(np.linalg.norm(v - problem.adjoint(x))),
    }
    solver = entry("solvers", "hf-zoba-shared")(**few.parameters["options"])
    whole = theorem("hf-zoba-shared").bound(problem.constants, problem.p, problem.d, solver, 900, start)
    assert plan.context["promised"] == whole * 900 / 890
    found, measurement = verdict(few)
    assert found == "consistent", measurement
    # The last iterates are far below what a bound on all of them allows: that says nothing.
    last = changed(few, window=450)
    found, measurement = verdict(last)
    assert found == "inconclusive"
    assert measurement.measured < 0.01
    assert decide(last, measurement)[1].startswith("vacuous: ")


def test_the_way_to_a_point_beside_the_minimiser_is_measured_too():
    claim = changed(CLAIMS["P7/hf-zoba-shared/two_task/distance_to_point"], replicates=4)
    found, measurement = verdict(claim)
    assert found == "consistent"
    problem = load_problem("two_task")
    wrong = problem.capabilities.tasks.first_order_point
    assert measurement.series["reached"] == pytest.approx(float(np.abs(problem.minimizer - wrong)[0]), rel=1e-3)


def test_coordinates_serve_as_a_point():
    best = load_problem(**SMALL["problem"]).minimizer.tolist()
    near = changed(SHARED, 0.4, **SMALL, quantity="distance_to_point", point=best)
    plan, same = accuracy.plan(near, 0), accuracy.plan(changed(SHARED, **SMALL), 0)
    assert plan.context["promised"] == pytest.approx(same.context["promised"], rel=1e-9)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"problem": {"name": "coreset_attained"}},
            "no minimiser that is the only one.*use the gap or the stationarity",
        ),
        ({"problem": {"name": "diabetes_ridge"}, "quantity": "gap"}, "needs minimum, which 'diabetes_ridge' does not"),
        ({"window": 601}, "window must be at most the 600 iterations, got 601"),
        ({"quantity": "distance_to_point"}, "needs a point"),
        ({"point": [0.0, 0.0]}, "point belongs to the quantity 'distance_to_point'"),
        ({"quantity": "distance_to_point", "point": [1.0]}, "point must have 2 coordinates"),
        (
            {"quantity": "distance_to_point", "point": "first_order_point"},
            "knows no point where a first-order gradient",
        ),
        ({"promise": "bound"}, "a bound promises the stationarity alone"),
        (
            {"problem": {"name": "dataclean_ortho"}, "promise": "bound", "quantity": "stationarity"},
            "hold up to a radius",
        ),
    ],
)
def test_what_cannot_be_promised_is_refused(changes, words):
    pytest.importorskip("sklearn")
    with pytest.raises(ValueError, match=words):
        accuracy.plan(changed(SHARED, **changes), 0)


def test_a_problem_with_many_minimisers_is_measured_by_its_stationarity():
    claim = changed(SHARED, problem={"name": "coreset_attained"}, quantity="stationarity", promise="bound")
    options = {"rho": 0.5, "l1": 64, "l2": 64, "normalize_h_bar": True}
    plan = accuracy.plan(changed(claim, iterations=1200, window=600, options=options), 0)
    assert plan.context["promised"] < plan.context["begun"]


def test_a_theorem_that_promises_nothing_refuses(monkeypatch):
    class Silent:
        name = "silent"

    monkeypatch.setattr(named, "reference_theorem", lambda solver: Silent())
    with pytest.raises(DerivationError, match="theorem 'silent' does not derive what this claim needs: run_moments"):
        accuracy.plan(changed(SHARED, **SMALL), 0)


def test_limits_of_very_few_replicates_are_wide_and_no_error():
    plan = accuracy.plan(changed(SHARED, **SMALL), 0)
    rows = {cell.key: {"means": [1e-12, 1e-9], "failed": 0} for cell in plan.cells}
    measurement = accuracy.judge(changed(SHARED, **SMALL), plan, rows, 1 - 1e-9)
    assert measurement.limits.high == math.inf
    assert decide(SHARED, measurement)[0] == "inconclusive"


def test_a_diverged_replicate_is_not_dropped():
    plan = accuracy.plan(changed(SHARED, **SMALL), 0)
    rows = {cell.key: {"means": [1e-9, 1e-9], "failed": 1} for cell in plan.cells}
    measurement = accuracy.judge(changed(SHARED, **SMALL), plan, rows, LEVEL)
    assert measurement.measured == math.inf
    assert decide(SHARED, measurement)[0] == "violated"


def test_the_transient_is_the_sum_along_the_mean_path():
    problem = load_problem("reference", 3, 2)
    x = problem.initial_point(np.random.default_rng(0))[1]
    path = mean_path(problem, (problem.inner_solution(x), problem.adjoint(x), x), 0.2, 0.05, 30)
    assert path.shape == (31, 2)
    gradient = problem.hypergradient(path[:30])
    assert transient_sum(problem, 0.05, 0.25, 30)[-1] == pytest.approx(0.05 * float((gradient**2).sum()))
    assert np.linalg.norm(path[-1] - problem.minimizer) < np.linalg.norm(path[0] - problem.minimizer)
