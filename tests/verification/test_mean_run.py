"""P7b: whole runs of right solvers end where their expected update does; a wrong rate is refused."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from zoba_bench.registry import list_solvers
from zoba_bench.solvers.base import StepWarning
from zoba_bench.solvers.f2sa import F2sa
from zoba_bench.solvers.saba import Saba
from zoba_bench.sweep import run_cell
from zoba_bench.verification.claim import Claim, decide
from zoba_bench.verification.claims.mean_run import SETTINGS, quick_claims, standard_claims
from zoba_bench.verification.controls import CONTROLS
from zoba_bench.verification.protocols import mean_run

LEVEL = 1 - 1e-5
CLAIMS = {claim.id: claim for claim in standard_claims()}


def verdict(claim, seed=5):
    made = mean_run.plan(claim, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StepWarning)
        results = {cell.key: run_cell(cell) for cell in made.cells}
    measurement = mean_run.judge(claim, made, results, LEVEL)
    return decide(claim, measurement)[0], measurement


def changed(key, **parameters):
    claim = CLAIMS[key]
    return replace(claim, parameters={**claim.parameters, **parameters})


@pytest.mark.sample(10)
@pytest.mark.parametrize("claim", quick_claims(), ids=lambda claim: claim.id)
def test_quick_claims_and_their_controls_get_their_verdicts(claim):
    found, measurement = verdict(claim)
    assert found == claim.expected, measurement


def test_every_solver_has_two_problems_with_controls():
    problems = {}
    for setting in SETTINGS:
        problems.setdefault(setting.solver, []).append(setting.what or setting.problem["name"])
    assert sorted(problems) == list_solvers()
    assert min(map(len, problems.values())) >= 2
    assert len(CLAIMS) == 2 * len(SETTINGS)
    assert all(set(claim.controls) <= set(CLAIMS) for claim in CLAIMS.values())


class FivePercent(F2sa):
    """x moves 5 % too far, which is no mistake of a sign or of a place."""

    name, mutates, mistake = "control:five-percent", "f2sa", "x moves 5 % too far"

    def step(self, state):
        right = F2sa.step(self, state)
        return replace(right, x=state.x + 1.05 * (right.x - state.x))


class TenthFaster(Saba):
    """x moves 10 % too far."""

    name, mutates, mistake = "control:tenth-faster", "saba", "x moves 10 % too far"

    def step(self, state):
        right = Saba.step(self, state)
        return replace(right, x=state.x + 1.1 * (right.x - state.x))


@pytest.mark.parametrize(
    ("wrong", "key"), [(FivePercent, "P7b/f2sa/logcosh_ripple"), (TenthFaster, "P7b/saba/quad_sum")]
)
def test_a_wrong_rate_is_refused(wrong, key, monkeypatch):
    monkeypatch.setitem(CONTROLS, wrong.name, wrong)
    found, measurement = verdict(replace(CLAIMS[key], solver=wrong.name))
    assert found == "violated", measurement


def test_a_promise_for_another_step_is_refused():
    found, _ = verdict(changed("P7b/pzobo/quad_general", predicted={"beta": 0.06}))
    assert found == "violated"


def test_what_has_not_converged_decides_nothing():
    found, measurement = verdict(changed("P7b/soba/logistic_bregman", iterations=20))
    assert found == "inconclusive"
    assert "more iterations are needed" in measurement.obstacle


def test_noise_off_quadratics_is_halved_or_decides_nothing():
    claim = CLAIMS["P7b/hf-zoba/logistic_bregman"]
    without = {name: value for name, value in claim.parameters.items() if name != "halved"}
    found, measurement = verdict(replace(claim, parameters=without))
    assert found == "inconclusive"
    assert "which options halve the noise" in measurement.obstacle
    found, measurement = verdict(changed("P7b/hf-zoba/logistic_bregman", halved={"l1": 1, "l2": 1}))
    assert found != "consistent", measurement


def test_the_extrapolation_removes_what_is_linear_in_the_noise():
    """Ends with the mean share 1 + a V: 1.1 and 1.05 are 1 without noise."""
    claim = CLAIMS["P7b/hf-zoba/logistic_bregman"]
    made = mean_run.plan(claim, 0)
    rng = np.random.default_rng(0)
    description = {name: claim.parameters[name] for name in ("problem", "iterations", "goal", "options")}
    run = mean_run._expected(mean_run.json.dumps({**description, "solver": "hf-zoba"}, sort_keys=True))
    away = run.end - run.goal
    results = {
        cell.key: {"x": (run.goal + (share + 0.01 * rng.standard_normal((200, 1))) * away).tolist(), "failed": 0}
        for cell, share in zip(made.cells, (1.1, 1.05), strict=True)
    }
    measurement = mean_run.judge(claim, made, results, LEVEL)
    assert measurement.measured == pytest.approx(1, abs=0.005)
    assert decide(claim, measurement)[0] == "consistent"


def test_runs_that_diverge_are_counted_against_the_claim():
    claim = CLAIMS["P7b/soba/logistic_bregman"]
    made = mean_run.plan(claim, 0)
    (cell,) = made.cells
    measurement = mean_run.judge(claim, made, {cell.key: {"x": [[None, None]], "failed": 1}}, LEVEL)
    assert decide(claim, measurement)[0] == "violated"


def test_a_goal_that_the_problem_does_not_have_is_named():
    problem = {"name": "diabetes_ridge"}
    chosen = {"problem": problem, "options": {}, "iterations": 2, "replicates": 1, "goal": "minimizer"}
    with pytest.raises(ValueError, match="has no minimiser that is the only one"):
        verdict(Claim("P7b/x", "x", "P7b", "soba", "diabetes_ridge", "equal", 0.1, chosen))
