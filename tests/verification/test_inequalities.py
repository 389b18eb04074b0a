"""P3: the one-step inequalities as claims: states, bounds, limits of a largest excess, and controls."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zoba_bench.errors import DerivationError
from zoba_bench.registry import load_problem, theorem
from zoba_bench.sweep import run_cell
from zoba_bench.verification.claim import Claim, decide
from zoba_bench.verification.claims.inequalities import standard_claims
from zoba_bench.verification.protocols import inequalities as protocol
from zoba_bench.verification.protocols.shared.named import build_solver
from zoba_bench.verification.run.looks import merged, plan_claim, up_to
from zoba_bench.verification.suites.standard import full, standard

LEVEL = 1 - 1e-4
TRACKING = {"name": "quad_tracking", "p": 3, "d": 2, "kappa": 5.0}
OPTIONS = {
    "schedule": "constant", "rho": 0.3, "gamma": 0.03, "h": 1e-5, "h_bar": 1e-5, "normalize_h_bar": True, "l1": 100,
    "l2": 100, "outer_directions": "independent",
}  # fmt: skip
CLAIM = Claim(
    "P3/hf-zoba/tracking", "A statement.", "P3", "hf-zoba", "quad_tracking", "at_most", 0.05,
    {"problem": TRACKING, "options": OPTIONS, "states": 12, "replicates": 400},
)  # fmt: skip


def changed(**parameters):
    return replace(CLAIM, parameters={**CLAIM.parameters, **parameters})


def verdict(claim):
    plan = protocol.plan(claim, 0)
    results = {cell.key: run_cell(cell) for cell in plan.cells}
    return decide(claim, protocol.judge(claim, plan, results, LEVEL))


def test_the_inequalities_hold_and_wrong_numbers_in_them_are_seen():
    assert verdict(CLAIM)[0] == "consistent"
    # The smallest curvature doubled: seen at the state whose error lies along its eigenvector.
    assert verdict(changed(wrong={"mu": 2.0}))[0] == "violated"
    assert verdict(changed(at_once=True))[0] == "violated"


def test_bounds_are_those_of_the_theorem_at_the_state():
    problem, solver = load_problem(**TRACKING), build_solver("hf-zoba", OPTIONS)
    found = protocol.plan(CLAIM, 0).context["bounds"]
    z, v, x = protocol.draw_state(problem, 7)
    sizes = {
        "a": np.linalg.norm(z - problem.inner_solution(x)), "b": np.linalg.norm(v - problem.adjoint(x)),
        "g": np.linalg.norm(problem.hypergradient(x)), "v": np.linalg.norm(v),
        "D": np.linalg.norm(problem.inner_jvp_xz(z, x, v) + problem.outer_grad_x(z, x)),
    }  # fmt: skip
    bounds = theorem("hf-zoba").one_step(problem.constants, 3, 2, solver, sizes)
    assert found[7] == pytest.approx([bounds["a"], bounds["b"], bounds["psi"]], rel=1e-12)


def test_states_differ_and_lie_where_the_constants_hold():
    problem = load_problem(**TRACKING)
    states = [protocol.draw_state(problem, index) for index in range(12)]
    assert len({b"".join(part.tobytes() for part in state) for state in states}) == 12
    again = protocol.draw_state(problem, 3)
    assert all(np.array_equal(one, two) for one, two in zip(again, states[3], strict=True))
    errors = [np.linalg.norm(z - problem.inner_solution(x)) for z, _, x in states]
    assert min(errors) < 1e-12 < 0.9 < max(errors), "with and without an error of z"
    near = load_problem("rosenbrock", p=2, d=2, kappa=1.5, radius=0.2)
    inside = [protocol.draw_state(near, index) for index in range(12)]
    assert max(max(np.linalg.norm(z), np.linalg.norm(x)) for z, _, x in inside) <= 0.2
    assert max(np.linalg.norm(z - near.inner_solution(x)) for z, _, x in inside) > 0.02, "room for an error of z"


def judged(means, errors, failed=0, descent=0.0):
    """What follows from means where every bound is 1, two states of three inequalities."""
    plan = replace(protocol.plan(changed(states=2), 0))
    plan = replace(plan, context={**plan.context, "bounds": [[1.0] * 3] * 2, "descents": [descent] * 2})
    (cell,) = plan.cells
    row = {"first": 0, "replicates": 400, "means": means, "errors": errors, "failed": failed}
    return protocol.judge(CLAIM, plan, {cell.key: row}, LEVEL)


def test_a_wide_interval_does_not_hide_an_excess_that_is_sure():
    # One mean is surely 1.5; another is not known at all, and has the larger upper limit.
    found = judged([[0.5, 1.5, 0.5], [0.5, 0.5, 1.0]], [[1e-3] * 3, [1e-3, 1e-3, 1.0]])
    assert decide(CLAIM, found)[0] == "violated"
    assert found.measured == pytest.approx(0.5 / 2.5)
    assert found.limits.low > 0.05 < found.limits.high
    unsure = judged([[0.5] * 3, [0.5, 0.5, 1.0]], [[1e-3] * 3, [1e-3, 1e-3, 1.0]])
    assert decide(CLAIM, unsure)[0] == "inconclusive"
    assert decide(CLAIM, judged([[0.5] * 3] * 2, [[1e-3] * 3] * 2))[0] == "consistent"


def test_an_excess_over_a_difference_is_measured_by_what_it_is_a_difference_of():
    means, errors = [[0.5, 0.5, 1.5], [0.5] * 3], [[1e-6] * 3] * 2
    assert judged(means, errors).measured == pytest.approx(0.5 / 2.5)
    assert judged(means, errors, descent=2.0).measured == pytest.approx(0.5 / 2.5), "no looser where nothing cancels"
    assert judged(means, errors, descent=10.0).measured == pytest.approx(0.5 / 10)
    z, v, x = protocol.draw_state(load_problem(**TRACKING), 5)
    problem, gamma = load_problem(**TRACKING), OPTIONS["gamma"]
    mean_x = problem.inner_jvp_xz(z, x, v) + problem.outer_grad_x(z, x)
    squares = np.sum(mean_x**2) + np.sum(problem.hypergradient(x) ** 2)
    assert protocol.plan(CLAIM, 0).context["descents"][5] == pytest.approx(gamma * squares / 2, rel=1e-12)


def test_looks_draw_anew_and_are_judged_together():
    claim = changed(replicates=400, looks=[0.5, 1.0])
    looks = [plan_claim(claim, 0, look) for look in (0, 1)]
    rows = [run_cell(cell) for plan in looks for cell in plan.cells]
    assert [row["replicates"] for row in rows] == [200, 200]
    assert np.all(np.array(rows[0]["means"]) != np.array(rows[1]["means"]))
    plan = merged(looks)
    results = {cell.key: row for cell, row in zip(plan.cells, rows, strict=True)}
    both = protocol.judge(up_to(claim, 1), plan, results, LEVEL)
    one = protocol.judge(up_to(claim, 0), looks[0], results, LEVEL)
    assert both.limits.high - both.limits.low < one.limits.high - one.limits.low
    assert decide(claim, both)[0] == "consistent"


def test_a_diverged_step_breaks_every_bound():
    assert decide(CLAIM, judged([[0.5] * 3] * 2, [[1e-3] * 3] * 2, failed=1))[0] == "violated"


def test_cells_are_short_and_states_are_shared_out():
    plan = protocol.plan(changed(replicates=200_000), 0)
    assert len(plan.cells) > 1
    assert sum(cell.parameters["states"] for cell in plan.cells) == 12
    firsts = [cell.parameters["first"] for cell in plan.cells]
    assert firsts == sorted(set(firsts))


def test_what_the_theorem_cannot_bound_is_refused_by_name(monkeypatch):
    with pytest.raises(ValueError, match="quad_sum has samples"):
        protocol.plan(changed(problem={"name": "quad_sum", "p": 2, "d": 2}), 0)
    with pytest.raises(DerivationError, match="the inequalities have no number 'nu'"):
        protocol.plan(changed(wrong={"nu": 2.0}), 0)
    right = protocol.build_problem

    def unknown(spec):
        problem = right(spec)
        return replace(problem, constants=replace(problem.constants, k_z=None))

    monkeypatch.setattr(protocol, "build_problem", unknown)
    protocol._at_states.cache_clear()  # kept from before the constant went missing
    with pytest.raises(DerivationError, match="'k_z' is not known"):
        protocol.plan(CLAIM, 0)


def test_every_instance_with_a_bound_has_its_inequalities_claimed():
    claims = standard_claims()
    honest = [claim for claim in claims if claim.origin != "control"]
    controls = {claim.id for claim in claims if claim.origin == "control"}
    assert controls == {control for claim in honest for control in claim.controls}
    assert all(f"{claim.id}/control" in claim.controls for claim in honest)
    assert sum(control.endswith("/control-mu") for control in controls) == 10, "five solvers on two problems"
    ids = {claim.id for claim in standard().claims}
    assert {claim.id for claim in claims} < ids < {claim.id for claim in full().claims}
