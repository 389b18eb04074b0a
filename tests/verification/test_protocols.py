"""Small versions of the protocols: honest claims hold, wrong estimators and wrong powers do not."""

import functools
from dataclasses import replace

import numpy as np
import pytest
from zoba_bench.theory.single_loop import hf_zoba, zoba

from zoba_bench import estimators
from zoba_bench.registry import load_problem, theorem
from zoba_bench.statistics import log_mean
from zoba_bench.verification.claim import decide
from zoba_bench.verification.protocols import counts, floors, horizon, moments, one_step, transient
from zoba_bench.verification.protocols import mean_step as update
from zoba_bench.verification.protocols.shared.lines import line_measurement, remainder
from zoba_bench.verification.protocols.shared.mean_iteration import transient_sum
from zoba_bench.verification.protocols.shared.plan import replicate_blocks
from zoba_bench.verification.run.verify import verify
from zoba_bench.verification.suites.quick import quick

LEVEL = 1 - 1e-4
CLAIMS = {claim.id: claim for claim in quick().claims}


def measure(protocol, claim, **parameters):
    claim = replace(claim, parameters={**claim.parameters, **parameters})
    made = protocol.plan(claim, 3)
    results = {cell.key: planning_run(cell) for cell in made.cells}
    measurement = protocol.judge(claim, made, results, LEVEL)
    return decide(claim, measurement)[0], measurement


def planning_run(cell):
    from zoba_bench.sweep import run_cell

    return run_cell(cell)


def test_counts_hold_and_a_missing_centre_is_seen():
    few = {"problems": [{"name": "reference", "p": 2, "d": 2}]}
    assert measure(counts, CLAIMS["P1/zoba/counts"], **few)[0] == "consistent"
    assert measure(counts, CLAIMS["P1/zoba/control-no-centre"], **few)[0] == "violated"


@pytest.mark.parametrize("solver", ["zoba", "hf-zoba"])
@pytest.mark.parametrize("name", ["quad_general", "logcosh_ripple"])
def test_moments_hold(solver, name):
    problem = {"name": name, "p": 2, "d": 1}
    verdict, measurement = measure(moments, CLAIMS[f"P2/{solver}/{name}"], problem=problem)
    assert verdict == "consistent", measurement


@pytest.mark.parametrize(
    ("name", "where"),
    [("hessian-factor", "reference"), ("swapped-projection", "reference-square"), ("unshared-directions", "reference")],
)
def test_wrong_estimators_are_seen_by_their_moments(name, where):
    problem = {"name": "reference", "p": 2, "d": 2}
    verdict, _ = measure(moments, CLAIMS[f"P2/control:{name}/{where}"], problem=problem, nodes=5)
    assert verdict == "violated"


@pytest.mark.parametrize(
    ("function", "solver"),
    [
        ("second_difference", "zoba"),
        ("central_difference", "zoba"),
        ("forward_difference", "zoba"),
        ("mixed_difference", "zoba-mixed"),
        ("difference_along", "hf-zoba"),
    ],
)
def test_a_coefficient_off_by_a_factor_two_is_seen_on_every_kind_of_problem(monkeypatch, function, solver):
    right = getattr(estimators, function)
    module = {"zoba": "zoba", "zoba-mixed": "zoba_mixed", "hf-zoba": "hf_zoba"}[solver]
    if function == "forward_difference":  # of the outer level, which all of them share
        module = "single_loop"
    # Only the running code is wrong here; the derivation keeps the right function.
    monkeypatch.setattr(f"zoba_bench.solvers.{module}.{function}", lambda *values: 2 * right(*values))
    for name in ("quad_general", "logistic_bregman", "logcosh_ripple", "reference"):
        claim = CLAIMS[f"P2/{solver}/{name}"]
        nodes = {"problem": {"name": name, "p": 2, "d": 1}, "nodes": 4}
        assert measure(moments, claim, **nodes)[0] == "violated", name


def test_a_surrogate_that_returns_nan_is_seen(monkeypatch):
    monkeypatch.setattr("zoba_bench.solvers.zoba.cross_action", lambda c, wv, u: np.nan * u[:, 0, 0])
    problem = {"problem": {"name": "quad_general", "p": 2, "d": 1}}
    assert measure(moments, CLAIMS["P2/zoba/quad_general"], **problem)[0] == "violated"


@pytest.mark.parametrize("solver", ["zoba", "zoba-tuned", "zoba-mixed", "hf-zoba", "hf-zoba-shared"])
def test_the_mean_of_a_step_holds(solver):
    verdict, measurement = measure(update, CLAIMS[f"P2s/{solver}/reference"], nodes=4, problem=SMALLEST)
    assert verdict == "consistent", measurement


SMALLEST = {"name": "reference", "p": 2, "d": 1}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda self, state, new: replace(new, z=2 * new.z - state.z),
        lambda self, state, new: replace(new, v=state.v + 0.25 * (new.v - state.v)),
        lambda self, state, new: replace(new, x=2 * state.x - new.x),
        lambda self, state, new: replace(new, x=state.x + 2 * (new.x - state.x)),
    ],
)
def test_a_wrong_update_is_seen(monkeypatch, wrong):
    from zoba_bench.solvers.single_loop import SingleLoop

    right = SingleLoop.step
    monkeypatch.setattr(SingleLoop, "step", lambda self, state: wrong(self, state, right(self, state)))
    assert measure(update, CLAIMS["P2s/zoba/reference"], nodes=4, problem=SMALLEST)[0] == "violated"


def test_mixed_directions_that_coincide_are_seen(monkeypatch):
    from zoba_bench.solvers.single_loop import SingleLoop

    right = SingleLoop.draw
    monkeypatch.setattr(
        SingleLoop, "draw", lambda self, *given: (lambda d: d._replace(second_w=d.w))(right(self, *given))
    )
    assert measure(update, CLAIMS["P2s/zoba-mixed/reference"], nodes=4, problem=SMALLEST)[0] == "violated"


@pytest.mark.slow
def test_the_one_step_law_holds_and_a_missing_power_is_seen():
    line = {"problems": [{"name": "reference", "p": n, "d": n} for n in (32, 64, 128)], "replicates": 1000}
    claim = CLAIMS["P2b/hf-zoba/p=d/residual"]
    assert measure(one_step, claim, **line)[0] == "consistent"
    assert measure(one_step, claim, **line, missing_power=1)[0] == "violated"
    assert measure(one_step, CLAIMS["P2b/hf-zoba/p=d/level"], **line)[0] == "consistent"
    assert measure(one_step, CLAIMS["P2b/hf-zoba/p=d/control-wrong-level"], **line)[0] == "violated"


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("name", "along", "exponent"),
    [
        ("zoba", "p=d", 3), ("zoba", "d", 3), ("zoba-tuned", "d", 2), ("zoba-mixed", "p=d", 2),
        ("zoba-mixed", "d", 1), ("hf-zoba", "p=d", 1), ("hf-zoba", "d", 1),
    ],
)  # fmt: skip
def test_limit_exponents_are_read_off_the_derivation(name, along, exponent):
    assert one_step.limit_exponent(theorem(name), along) == exponent


@pytest.mark.slow
def test_the_horizon_mean_holds_and_swapped_roles_are_seen():
    small = {"horizons": [200, 400, 800], "replicates": 160, "gamma_0": 0.4}
    assert measure(horizon, CLAIMS["P4a/hf-zoba/p=d=2/level"], **small)[0] == "consistent"
    assert measure(horizon, CLAIMS["P4a/hf-zoba/p=d=2/control-level"], **small)[0] == "violated"
    small["replicates"] = 48
    assert measure(horizon, CLAIMS["P4a/control:swapped-projection/p=d=2/control"], **small)[0] == "violated"


def test_a_slope_is_that_of_the_derived_values_and_its_limit_stands_beside_it():
    few = {"horizons": [50, 100, 200], "replicates": 4}
    claim = CLAIMS["P4a/zoba/p=d=2/slope"]
    _, found = measure(horizon, claim, **few)
    predicted = horizon.plan(replace(claim, parameters={**claim.parameters, **few}), 3).context["predicted"]
    assert found.predicted == pytest.approx(np.polyfit(np.log([50, 100, 200]), np.log(predicted), 1)[0])
    assert found.predicted < -0.51
    assert "-1/2" in found.note
    assert measure(horizon, claim, **few, slope=-0.8)[1].predicted == -0.8


def test_a_prediction_that_leaves_out_half_of_the_tolerance_decides_nothing():
    line = {"sizes": [1.0, 2.0, 4.0], "predicted": [1.0, 1.0, 1.0], "xlabel": "", "ylabel": "", "tolerance": 0.1}
    means = [log_mean([0.999, 1.001])] * 3

    def judged(quantity, remainders):
        claim = replace(CLAIMS["P4a/zoba/p=d=2/level"], tolerance=0.1)
        return decide(claim, line_measurement(quantity, measured=means, level=0.9, remainders=remainders, **line))[0]

    assert judged("ratio", [0.04, 0.04, 0.04]) == "consistent"
    assert judged("ratio", [0.04, 0.04, 0.1]) == "inconclusive"
    # Ends that are off in opposite directions tilt a line: by 2 x 0.04 over log 4 here.
    assert remainder("residual", np.log(line["sizes"]), [1, 1, 1], [0.04, 0.0, 0.04]) == pytest.approx(0.08 / np.log(4))


@pytest.mark.slow
def test_the_transient_holds_and_the_wrong_slope_is_seen():
    small = {"horizons": [160, 320, 640], "replicates": 200}
    claim = CLAIMS["P4b/hf-zoba-shared/slope"]
    assert measure(transient, claim, **small)[0] == "consistent"
    assert measure(transient, claim, **small, slope=-0.5)[0] == "violated"


def test_a_transient_drowned_in_noise_is_inconclusive():
    verdict, measurement = measure(transient, CLAIMS["P4b/zoba/slope"], l=8, horizons=[160, 320], replicates=2)
    assert verdict == "inconclusive"
    assert "noise changes" in measurement.obstacle


@pytest.mark.slow
def test_floors_hold_and_a_doubled_hessian_is_seen():
    line = {
        "problems": [{"name": "reference", "p": n, "d": n} for n in (2, 4)],
        "replicates": [400, 400],
        "target": 0.04,
    }
    assert measure(floors, CLAIMS["P6b/zoba/p=d/residual"], **line, quantity="ratio")[0] == "consistent"
    assert measure(floors, CLAIMS["P6b/control:hessian-factor/p=d"], **line)[0] == "violated"


def test_the_transient_sum_tends_to_the_gap():
    # For small steps and c the sum is the integral along the gradient flow: first order in both.
    problem = load_problem("reference", 2, 2)
    x0 = problem.initial_point(np.random.default_rng(0))[1]
    gap = float(problem.value(x0) - problem.minimum)
    errors = [abs(transient_sum(problem, g, g / 0.5, round(40 / g))[-1] - gap) for g in (0.01, 0.005)]
    assert errors[1] < 0.6 * errors[0] < 0.1 * gap


def test_replicate_blocks_share_out_all_replicates():
    blocks = replicate_blocks(32, 1e7)
    assert sum(blocks) == 32
    assert max(blocks) - min(blocks) <= 1
    assert replicate_blocks(4, 1.0) == [4]


@pytest.mark.slow
def test_verify_is_deterministic_and_reuses_its_cells(tmp_path):
    # Quadrature, Monte Carlo and counts of one solver.
    claims = [
        "P1/zoba-mixed/counts", "P2/zoba-mixed/quad_general", "P2/zoba-mixed/diabetes_ridge",
        "P2s/zoba-mixed/reference",
    ]  # fmt: skip
    chosen = {"suite": "smoke", "seed": 1, "claims": claims}
    first = [v.row() for v in verify(**chosen, out=tmp_path / "a")]
    ran = []
    again = [v.row() for v in verify(**chosen, out=tmp_path / "a", progress=lambda *a: ran.append(a))]
    fresh = [v.row() for v in verify(**chosen, out=tmp_path / "b", jobs=2)]
    assert first == again == fresh
    assert not ran
    assert {(r["verdict"], r["expected"]) for r in first} == {
        ("consistent", "consistent"),
        ("violated", "violated"),
    }


@pytest.mark.slow
def test_a_deleted_half_in_a_surrogate_turns_the_matching_claims_to_violated(tmp_path, monkeypatch):
    def mutated(plus, minus, centre, first_radius, second_radius):
        return (plus + minus - 2 * centre) / (first_radius * second_radius)

    # Both the solver and the derivation read the edited function, as after an edit of the file.
    monkeypatch.setattr(estimators, "second_difference", mutated)
    monkeypatch.setattr("zoba_bench.solvers.zoba.second_difference", mutated)
    # A theorem of its own for this test: those of the other tests stay derived.
    monkeypatch.setattr(zoba, "zoba", functools.cache(zoba.zoba.__wrapped__))
    monkeypatch.setattr(hf_zoba, "hf_zoba", functools.cache(hf_zoba.hf_zoba.__wrapped__))
    chosen = {"protocol": "P2", "solver": ["zoba", "hf-zoba"]}
    verdicts = {v.claim.id: v for v in verify("smoke", out=tmp_path, only=chosen)}
    matching = [v for v in verdicts.values() if v.claim.id.startswith("P2/zoba/")]
    assert {v.verdict for v in matching} == {"violated"}
    assert {v.verdict for i, v in verdicts.items() if i.startswith("P2/hf-zoba/")} == {"consistent"}
