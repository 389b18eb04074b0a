"""What a run will cost: by rules that grow with the work, add up, and forget what the ledger holds."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from zoba_bench.execution import run_cells
from zoba_bench.ledger import Ledger
from zoba_bench.report.terminal import cost_table
from zoba_bench.sweep import Cell, fingerprint
from zoba_bench.verification.claim import Claim
from zoba_bench.verification.protocols.shared.plan import Plan, Work
from zoba_bench.verification.run.cost import Rates, estimate, measure_rates, work_of
from zoba_bench.verification.run.verify import verify

from .command import call

TASK = "zoba_bench.verification.tasks:trajectory"
PARAMETERS = {
    "problem": {"name": "reference", "p": 3, "d": 2}, "solver": "zoba", "start": "solution", "iterations": 20,
    "replicates": 3, "options": {"l1": 4, "l2": 4, "schedule": "constant", "rho": 0.04, "gamma": 0.01},
}  # fmt: skip
RATES = Rates(cell=1e-3, call=1e-5, number=1e-8)
CLAIM = Claim("P6b/zoba/x", "s", "P6b", "zoba", "reference", "equal", 0.1, {})


def trajectory(seed=0, **changes):
    return Cell(TASK, {**PARAMETERS, **changes}, seed)


def claim(key, protocol="P6b"):
    return replace(CLAIM, id=key, protocol=protocol)


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as opened:
        yield opened


# Work.


def test_a_run_draws_its_directions_in_every_iteration_and_replicate():
    # w in R^3 and u in R^2 for each of 4 directions; ZOBA asks for five arrays of G and three of F.
    assert work_of(trajectory()) == Work(calls=20 * 8, numbers=20 * 3 * 4 * (3 + 2))
    independent = {**PARAMETERS["options"], "outer_directions": "independent"}
    assert work_of(trajectory(options=independent)).numbers == 2 * work_of(trajectory()).numbers
    # Second directions in R^3.
    assert work_of(trajectory(solver="zoba-mixed")).numbers == 20 * 3 * 4 * (3 + 2 + 3)


def test_samples_are_random_numbers_too():
    problem = {"name": "quad_sum", "p": 2, "d": 2, "n_inner": 4, "n_outer": 4}
    batches = {"l1": 2, "l2": 2, "b1": 3, "b2": 1}
    assert work_of(trajectory(problem=problem, options=batches)).numbers == 20 * 3 * (3 * 2 * (2 + 2) + 3 + 1)


@pytest.mark.parametrize(
    ("name", "values"),
    [("iterations", (20, 40)), ("replicates", (3, 4)), ("options", ({"l1": 4, "l2": 4}, {"l1": 5, "l2": 5}))],
)
def test_work_grows_with_each_parameter(name, values):
    small, large = (work_of(trajectory(**{name: value})) for value in values)
    assert small.numbers < large.numbers
    assert small.calls <= large.calls
    assert RATES.seconds(small) < RATES.seconds(large)


def test_work_is_proportional_to_iterations_and_numbers_to_replicates():
    once = work_of(trajectory(iterations=1, replicates=1))
    assert work_of(trajectory(iterations=7, replicates=5)) == Work(7 * once.calls, 35 * once.numbers)


def test_every_kind_of_task_has_work():
    problem = {"name": "reference", "p": 2, "d": 1}
    step = {"problem": problem, "solver": "zoba", "options": {"l1": 1, "l2": 1}, "replicates": 10, "blocks": 6}
    assert work_of(Cell("zoba_bench.verification.tasks:one_step", step)).numbers == 10 * 6 * 3
    nodes = {"problem": problem, "solver": "zoba", "h": 1e-3, "nodes": 4}
    assert work_of(Cell("zoba_bench.verification.protocols.moments:measure", nodes)).numbers == 4**3 * 3
    mixed = {**nodes, "solver": "zoba-mixed"}
    assert work_of(Cell("zoba_bench.verification.protocols.update:mean_move", mixed)).numbers == 4**5 * 5
    crossing = {**PARAMETERS, "eps": 0.1, "groups": 1, "max_iterations": 80}
    del crossing["iterations"]
    halfway = work_of(Cell("zoba_bench.verification.tasks:crossing", crossing))
    assert halfway == work_of(trajectory(iterations=40))
    counted = {"problem": problem, "solver": "zoba", "options": [{"l1": 1, "l2": 1}, {"l1": 7, "l2": 3}]}
    assert work_of(Cell("zoba_bench.verification.tasks:count", counted)).numbers == 2 * 2 * 3 * (1 + 7)


def test_a_task_of_another_kind_costs_what_every_cell_costs(ledger):
    plans = {"a": Plan((Cell("zoba_bench.verification.cost:idle", {}),))}
    assert estimate([claim("a")], plans, ledger, RATES).seconds == RATES.cell


def test_a_dry_run_that_fails_leaves_the_estimate_without_it(ledger):
    broken = trajectory(options={"l1": 0})
    assert work_of(broken) == Work()
    assert estimate([claim("a")], {"a": Plan((broken,))}, ledger, RATES).seconds == RATES.cell


# Cost.


def test_costs_of_plans_add_up_by_protocol(ledger):
    plans = {
        "a": Plan((trajectory(1), trajectory(2))),
        "b": Plan((trajectory(3, iterations=50),)),
        "c": Plan((trajectory(4, replicates=8),)),
    }
    claims = [claim("a"), claim("b", "P4a"), claim("c")]
    whole = estimate(claims, plans, ledger, RATES)
    parts = [estimate([c], plans, ledger, RATES) for c in claims]
    assert whole.seconds == pytest.approx(sum(part.seconds for part in parts), rel=1e-12)
    assert [(s.protocol, s.claims, s.cells, s.found) for s in whole.shares] == [("P6b", 2, 3, 0), ("P4a", 1, 1, 0)]
    expected = sum(RATES.seconds(work_of(cell)) for plan in plans.values() for cell in plan.cells)
    assert whole.seconds == pytest.approx(expected, rel=1e-12)


def test_a_cell_that_claims_share_costs_once(ledger):
    plans = {"a": Plan((trajectory(),)), "b": Plan((trajectory(),))}
    both = estimate([claim("a"), claim("b", "P4a")], plans, ledger, RATES)
    assert both.cells == 1
    assert both.seconds == estimate([claim("a")], plans, ledger, RATES).seconds


def test_a_claim_without_a_plan_costs_nothing(ledger):
    refused = estimate([claim("a")], {}, ledger, RATES)
    assert (refused.shares[0].claims, refused.cells, refused.seconds) == (1, 0, 0.0)


def test_cells_in_the_ledger_cost_nothing(ledger):
    run_cells([trajectory(1)], ledger)
    plans = {"a": Plan((trajectory(1), trajectory(2)))}
    cost = estimate([claim("a")], plans, ledger, RATES)
    assert (cost.cells, cost.found, cost.remembered) == (1, 1, 0)
    assert cost.seconds == RATES.seconds(work_of(trajectory(2)))
    run_cells([trajectory(2)], ledger)
    done = estimate([claim("a")], plans, ledger, RATES)
    assert (done.cells, done.found, done.seconds) == (0, 2, 0.0)


def test_a_cell_of_other_code_is_expected_to_take_as_long_as_then(ledger):
    cell = trajectory()
    row = {"key": cell.key, "task": cell.task, "parameters": dict(cell.parameters), "seed": 0, "result": {}}
    ledger.put(**row, fingerprint="older code", seconds=7.0)
    ledger.put(**row, fingerprint="old code", seconds=12.5)
    cost = estimate([claim("a")], {"a": Plan((cell,))}, ledger, RATES)
    assert (cost.cells, cost.remembered, cost.seconds) == (1, 1, 12.5)
    ledger.put(**row, fingerprint=fingerprint(), seconds=1.0)
    assert estimate([claim("a")], {"a": Plan((cell,))}, ledger, RATES).seconds == 0.0


def test_rates_are_positive_and_a_larger_cell_takes_longer():
    rates = measure_rates()
    assert min(rates.cell, rates.call, rates.number) > 0
    assert rates.seconds(Work()) < rates.seconds(Work(10, 100)) < rates.seconds(Work(20, 200))


def test_verify_tells_the_cost_before_it_runs_anything(tmp_path):
    events = []
    arguments = {"claims": ["P2s/hf-zoba/reference"], "out": tmp_path, "progress": lambda *_: events.append("ran")}
    verify("smoke", **arguments, announce_cost=events.append)
    assert events[1:] == ["ran"] * len(events[1:])
    assert (events[0].cells, events[0].found) == (2, 0)
    assert 0 < events[0].seconds < 60
    again = []
    verify("smoke", **arguments, announce_cost=again.append)
    assert (again[0].cells, again[0].found, again[0].seconds) == (0, 2, 0.0)


def test_the_command_prints_what_a_run_will_cost(tmp_path):
    arguments = ("verify", "--suite", "smoke", "--claim", "P2s/hf-zoba/reference", "--no-report", "--out", tmp_path)
    _, output, _ = call(*arguments)
    assert "predictions derived" in output
    assert output.index("To go: ") < output.index("verdicts as expected")
    _, output, _ = call(*arguments)
    assert "every cell is in the ledger" in output


def test_the_table_of_costs_has_a_line_a_protocol_and_their_sum():
    stream = io.StringIO()
    Console(file=stream, width=100).print(
        cost_table([("P1", 6, 40, 0, 0.04), ("P6b", 26, 42, 3, 51.7)], {"P1": "evaluation counts"})
    )
    lines = [line.split() for line in stream.getvalue().splitlines()]
    assert lines[1] == ["P1", "evaluation", "counts", "6", "40", "0", "under", "1", "s"]
    assert lines[2][-5:] == ["26", "42", "3", "52", "s"]
    assert lines[3] == ["all", "32", "82", "3", "52", "s"]


def test_processes_share_the_time():
    stream = io.StringIO()
    Console(file=stream, width=100).print(cost_table([("P6b", 26, 42, 3, 600.0)], {}, jobs=2))
    assert stream.getvalue().splitlines()[-1].split()[-2:] == ["5", "min"]


@pytest.fixture(autouse=True)
def _without_derivations(monkeypatch):
    """Rendering the derivations takes longer than everything that is tested here."""
    monkeypatch.setattr("zoba_bench.verification.run.verify.derivations", lambda solvers: {})
