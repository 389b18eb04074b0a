"""P5: plans, judgements and claims of the certified bounds."""

import inspect
import json
import math
import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from zoba_bench.errors import DerivationError
from zoba_bench.json_values import strict_json
from zoba_bench.registry import entry, list_problems, list_solvers, load_problem, missing_requirements, theorem
from zoba_bench.solvers.single_loop import SingleLoop
from zoba_bench.statistics import Limits
from zoba_bench.sweep import run_cell
from zoba_bench.verification.claim import Claim, Measurement, Verdict, decide
from zoba_bench.verification.claims.bounds import standard_claims
from zoba_bench.verification.protocols import bounds as protocol
from zoba_bench.verification.protocols.shared.named import build_problem, build_solver
from zoba_bench.verification.run.verify import verify
from zoba_bench.verification.suite import Suite
from zoba_bench.verification.suites.bounds import bounds
from zoba_bench.verification.suites.quick import quick

DOCS = Path(__file__).parents[2] / "docs"
LEVEL = 1 - 1e-4
CLAIMS = {claim.id: claim for claim in standard_claims()}
HONEST = [claim for claim in CLAIMS.values() if claim.origin != "control"]
SOLVERS = ("zoba", "zoba-tuned", "zoba-mixed", "hf-zoba", "hf-zoba-shared")

OPTIONS = {
    "schedule": "constant", "rho": 0.3, "gamma": 0.03, "h": 1e-4, "h_bar": 1e-4, "normalize_h_bar": True, "l1": 32,
    "l2": 32,
}  # fmt: skip
TINY = Claim(
    "P5/hf-zoba-shared/tiny", "A statement.", "P5", "hf-zoba-shared", "reference", "at_most", 0.0,
    {
        "problem": {"name": "reference", "p": 2, "d": 2}, "options": OPTIONS, "start": "family", "iterations": 60,
        "replicates": 6,
    },
)  # fmt: skip


def tiny(**parameters):
    return replace(TINY, parameters={**TINY.parameters, **parameters})


def measure(claim, seed=0):
    made = protocol.plan(claim, seed)
    results = {cell.key: run_cell(cell) for cell in made.cells}
    return protocol.judge(claim, made, results, LEVEL)


def judged(made, means, failed=0, outside=0):
    """What follows from given means, as multiples of the bound."""
    (cell,) = made.cells
    row = {"means": [m * made.context["bound"] for m in means], "failed": failed, "outside": outside}
    measurement = protocol.judge(TINY, made, {cell.key: row}, LEVEL)
    return *decide(TINY, measurement), measurement


@pytest.mark.slow
def test_the_prediction_is_the_theorems_bound_for_that_run():
    made = protocol.plan(TINY, 0)
    problem = build_problem(TINY.parameters["problem"])
    x0 = problem.initial_point(np.random.default_rng(0))[1]
    start = {"gap": float(problem.value(x0)) - problem.minimum, "z_error": 0.0, "v_error": 0.0}
    bound = theorem("hf-zoba-shared").bound(
        problem.constants, 2, 2, build_solver("hf-zoba-shared", OPTIONS), TINY.parameters["iterations"], start
    )
    assert bound <= made.context["bound"] <= bound * (1 + 1e-15)
    assert made.context["transient"] + made.context["floor"] == pytest.approx(bound, rel=1e-12)
    assert made.context["gap"] == start["gap"]


def test_errors_of_z_and_v_at_the_start_enter_the_bound():
    problem = load_problem("quad_general", 2, 2)
    z, x = problem.initial_point(np.random.default_rng(0))
    spec = {"name": "quad_general", "p": 2, "d": 2, "kappa": 1.0}
    exact = protocol.plan(tiny(problem=spec), 0).context
    cold = protocol.plan(tiny(problem=spec, start="cold"), 0).context
    problem = build_problem(spec)
    assert cold["z_error"] == np.linalg.norm(z - problem.inner_solution(x))
    assert cold["v_error"] == np.linalg.norm(problem.adjoint(x))
    assert cold["gap"] == exact["gap"]
    assert (exact["z_error"], exact["v_error"]) == (0.0, 0.0)
    assert cold["bound"] > exact["bound"]


def test_from_the_solution_only_the_floor_is_left():
    context = protocol.plan(tiny(start="solution"), 0).context
    assert context["gap"] == context["transient"] == 0.0
    assert 0 < context["floor"] <= context["bound"]


def test_a_run_stays_below_its_bound_and_says_how_far():
    measurement = measure(TINY)
    assert decide(TINY, measurement)[0] == "consistent"
    tightness = measurement.predicted / measurement.measured
    assert 1 < tightness < 3
    assert measurement.series["tightness"] == tightness
    assert f"tightness {tightness:.4g}, bound = transient " in measurement.note
    json.dumps(strict_json(dict(measurement.series)), allow_nan=False)


@pytest.mark.parametrize("wrong", [{"iterations": 6}, {"start": 6}])
def test_a_bound_that_is_too_small_is_violated(wrong):
    claim = tiny(wrong=wrong)
    assert decide(claim, measure(claim))[0] == "violated"


def test_what_a_control_claims_too_much_of_makes_the_bound_smaller_and_leaves_the_run_alone():
    right = protocol.plan(TINY, 0)
    for wrong in ({"directions": 9}, {"iterations": 2}, {"start": 2}):
        made = protocol.plan(tiny(wrong=wrong), 0)
        assert made.context["bound"] < right.context["bound"], wrong
        assert [cell.key for cell in made.cells] == [cell.key for cell in right.cells]
    with pytest.raises(ValueError, match="not in radius"):
        protocol.plan(tiny(wrong={"radius": 2}), 0)


def test_a_control_can_claim_too_many_samples():
    claim = CLAIMS["P5/hf-zoba-shared/quad_sum-weak/solution"]
    right, wrong = (
        protocol.plan(replace(claim, parameters={**claim.parameters, "wrong": {"samples": n}}), 0).context["bound"]
        for n in (1, 40)
    )
    assert right == protocol.plan(claim, 0).context["bound"]
    assert wrong < right / 20  # samples make most of this floor


def test_the_bound_of_shared_directions_for_independent_ones_is_measured_and_not_refused():
    controls = [claim for claim in CLAIMS.values() if "theorem" in claim.parameters.get("wrong", {})]
    assert len(controls) >= 5
    for control in controls:
        assert control.parameters["options"]["outer_directions"] == "independent"
        assert protocol.plan(control, 0).context["bound"] > 0, control.id


@pytest.mark.parametrize(
    ("means", "failed", "verdict"),
    [
        ([0.50, 0.52, 0.48, 0.5], 0, "consistent"),
        ([2.00, 2.02, 1.98, 2.0], 0, "violated"),
        ([0.20, 1.60, 0.90, 0.4], 0, "inconclusive"),
        ([0.97, 0.99, 0.98, 0.9], 0, "inconclusive"),
        ([0.50, 0.52, 0.48, 0.5], 1, "violated"),
        ([0.50, 0.52, 0.48, math.nan], 0, "violated"),
        ([0.0, 0.0, 0.0, 0.0], 0, "inconclusive"),  # below 1 % of what is allowed: vacuous
    ],
)
def test_the_upper_limit_must_lie_below_the_bound(means, failed, verdict):
    assert judged(protocol.plan(TINY, 0), means, failed)[0] == verdict


def test_runs_that_leave_the_region_of_the_constants_decide_nothing():
    verdict, reason, _ = judged(protocol.plan(TINY, 0), [0.1, 0.1], outside=1)
    assert verdict == "inconclusive"
    assert "left the region" in reason


def test_replicates_beyond_the_radius_are_counted():
    problem = {"name": "quad_tracking", "p": 2, "d": 2, "kappa": 1.0, "radius": 4.0}
    run = {
        "solver": "hf-zoba-shared", "options": OPTIONS, "start": "family", "iterations": 20, "replicates": 3,
    }  # fmt: skip
    inside = protocol.trajectory(np.random.default_rng(0), problem, **run)
    outside = protocol.trajectory(np.random.default_rng(0), {**problem, "radius": 1.0}, **run)
    assert (inside["outside"], outside["outside"]) == (0, 3)
    assert inside["means"] == outside["means"]


def test_the_same_cell_gives_the_same_bits():
    first, again = (protocol.plan(TINY, 5) for _ in range(2))
    assert [cell.key for cell in first.cells] == [cell.key for cell in again.cells]
    assert first.context == again.context
    assert run_cell(first.cells[0]) == run_cell(again.cells[0])
    assert run_cell(protocol.plan(TINY, 6).cells[0]) != run_cell(first.cells[0])


def test_an_unknown_constant_is_a_refusal_that_names_it(monkeypatch):
    def without(spec):
        problem = build_problem(spec)
        return replace(problem, constants=replace(problem.constants, k_z=None))

    monkeypatch.setattr(protocol, "build_problem", without)
    with pytest.raises(DerivationError, match="'k_z' is not known"):
        protocol.plan(TINY, 0)


def test_a_start_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="minimizer"):
        protocol.plan(tiny(problem={"name": "logcosh_ripple", "p": 2, "d": 3}, start="solution"), 0)
    with pytest.raises(ValueError, match="start must be"):
        protocol.plan(tiny(start="nowhere"), 0)


def test_a_refused_bound_is_a_violated_claim_and_takes_no_other_along(tmp_path, monkeypatch):
    steep = replace(tiny(options={**OPTIONS, "gamma": 0.3}), id="P5/hf-zoba-shared/steep")
    suite = Suite("s", "", (steep, TINY))
    monkeypatch.setattr("zoba_bench.verification.run.verify.entry", lambda kind, name: lambda: suite)
    monkeypatch.setattr("zoba_bench.verification.run.verify.derivations", lambda solvers: {})
    refused, right = verify("s", out=tmp_path)
    assert (refused.verdict, right.verdict) == ("violated", "consistent")
    assert "the derivation refuses: condition 'negative drift'" in refused.reason


def test_a_refused_control_shows_nothing(tmp_path, monkeypatch):
    steep = replace(tiny(options={**OPTIONS, "gamma": 0.3}), id="P5/hf-zoba-shared/steep", origin="control")
    monkeypatch.setattr("zoba_bench.verification.run.verify.entry", lambda kind, name: lambda: Suite("s", "", (steep,)))
    monkeypatch.setattr("zoba_bench.verification.run.verify.derivations", lambda solvers: {})
    (verdict,) = verify("s", out=tmp_path)
    assert verdict.verdict == "inconclusive"
    assert "the derivation refuses" in verdict.reason


def test_what_has_no_claim_has_no_bound(monkeypatch):
    # Whether the theorems' steps hold is asked elsewhere, and takes longer than all bounds here.
    monkeypatch.setattr(type(theorem("hf-zoba-shared")), "require_checked", lambda self: None)
    claimed = {(claim.problem, claim.solver) for claim in HONEST}
    assert set(SOLVERS) == {name for name in list_solvers() if issubclass(entry("solvers", name), SingleLoop)}
    for name in list_problems():
        left = [solver for solver in SOLVERS if (name, solver) not in claimed]
        if left and not missing_requirements(name):
            for problem in instances(name):
                for solver in left:
                    assert not has_bound(problem, solver), f"{solver} has a bound on {name}: claim it"


def instances(name):
    """The defaults, the family's small instance, and one whose constants need hold up to a radius only."""
    factory = entry("problems", name)
    found = [load_problem(name), load_problem(name, **factory.card.small)]
    if "radius" in inspect.signature(factory).parameters and found[0].constants.radius == math.inf:
        found.append(load_problem(name, radius=1.5))
    return found


def has_bound(problem, solver):
    """With small steps and radii and many directions the only obstacle left is a constant that is not known."""
    if None in (problem.constants.mu, problem.constants.L_zz):
        return False
    rho = 1 / (problem.constants.mu + problem.constants.L_zz)
    options = {"schedule": "constant", "rho": rho, "gamma": 1e-6 * rho, "h": 1e-9, "l1": 10**8, "l2": 10**8}
    if solver.startswith("hf-"):
        options |= {"h_bar": 1e-9, "normalize_h_bar": True}
    if problem.inner_samples is not None:
        options |= {"b1": 10**4, "b2": 10**4}
    run = build_solver(solver, options)
    try:
        theorem(solver).certificate(problem.constants, problem.p, problem.d, run, 10**6, {"gap": 1.0})
    except ValueError as error:
        if "is not known" in str(error):
            return False
        raise
    return True


def test_the_probe_finds_the_bounds_that_are_claimed(monkeypatch):
    monkeypatch.setattr(type(theorem("hf-zoba-shared")), "require_checked", lambda self: None)
    for name in ("cournot", "smd2", "quad_sum", "rosenbrock"):
        assert any(has_bound(problem, "hf-zoba-shared") for problem in instances(name)), name
        assert ("P5/hf-zoba-shared/" + name) in {key.rpartition("/")[0] for key in CLAIMS}


def test_every_start_exists():
    for claim in CLAIMS.values():
        spec = dict(claim.parameters["problem"])
        if not missing_requirements(spec["name"]) and claim.parameters["start"] == "solution":
            assert build_problem(spec).minimizer is not None, claim.id
    assert {claim.parameters["start"] for claim in HONEST} == {"family", "cold", "origin", "solution"}


def test_every_claim_has_a_control_of_its_own_problem_and_start_on_no_larger_budget():
    used = [control for claim in HONEST for control in claim.controls]
    assert sorted(used) == sorted(claim.id for claim in CLAIMS.values() if claim.origin == "control")
    for claim in HONEST:
        assert claim.controls, claim.id
        for control in (CLAIMS[name] for name in claim.controls):
            for name in ("problem", "options", "start", "iterations"):
                assert control.parameters[name] == claim.parameters[name], control.id
            assert control.parameters["replicates"] <= claim.parameters["replicates"]
            assert ("wrong" in control.parameters) == (not control.solver.startswith("control:"))


def test_quick_has_some_of_the_claims_as_they_are():
    some = [claim for claim in quick().claims if claim.protocol == "P5"]
    assert 4 <= sum(claim.origin != "control" for claim in some) <= 6
    assert all(claim == CLAIMS[claim.id] for claim in some)
    assert {claim.id for claim in bounds().claims} == set(CLAIMS)


def test_the_lower_bounds_on_psi_of_the_real_data_are_bounds():
    pytest.importorskip("sklearn")
    spoken = [claim for claim in HONEST if "psi_at_least" in claim.parameters]
    assert {claim.problem for claim in spoken} == {"diabetes_ridge"}
    instances = {str(claim.parameters["problem"]): claim for claim in spoken}
    assert len(instances) == 2
    for claim in instances.values():
        problem = build_problem(claim.parameters["problem"])
        # F is quadratic in z and does not depend on x: no Psi(x) is below its least value.
        x, z = np.zeros(problem.d), np.zeros(problem.p)
        lowest = -np.linalg.solve(problem.outer_hessian(z, x)[0], problem.outer_grad_z(z, x))
        assert claim.parameters["psi_at_least"] <= problem.outer(lowest, x)


def test_the_table_of_tightness_lists_the_claims_of_the_suite():
    table = runpy.run_path(str(DOCS / "tightness.py"))["table"]
    note = "tightness 2, bound = transient 0.75 + floor 0.25, 4 replicates"
    rows = []
    for claim in CLAIMS.values():
        measurement = Measurement(1.0, 0.5, Limits(0.4, 0.6), note)
        rows.append(Verdict(claim, *decide(claim, measurement), measurement).row())
    made = [line.split("|")[1:-1] for line in table(rows)]
    lines = (DOCS / "measured" / "tightness.md").read_text(encoding="utf-8").splitlines()
    written = [row for row in (line.split("|")[1:-1] for line in lines) if len(row) == len(made[0])]
    assert {cell.strip() for row in made[2:] for cell in row[3:]} == {"", "2 (25%)"}
    assert [[cell.strip() for cell in row[:3]] for row in written] == [
        [cell.strip() for cell in row[:3]] for row in made
    ]
    assert [[bool(cell.strip()) for cell in row] for row in written] == [
        [bool(cell.strip()) for cell in row] for row in made
    ]
