"""P8: the bits of a run do not depend on what ran before it, and what draws from a global generator is seen."""

from dataclasses import replace

import numpy as np
import pytest

from zoba_bench.registry import entry, load_problem
from zoba_bench.solvers import SOLVERS
from zoba_bench.solvers.zoba import Zoba
from zoba_bench.sweep import Cell, run_cell
from zoba_bench.verification.claim import decide
from zoba_bench.verification.claims._later import LATER
from zoba_bench.verification.claims.determinism import quick_claims, standard_claims
from zoba_bench.verification.protocols import determinism
from zoba_bench.verification.run.cost import work_of
from zoba_bench.verification.suites.quick import quick, smoke

CLAIMS = {claim.id: claim for claim in quick_claims()}
CONTROL = CLAIMS["P8/control:global-generator/bits"]
DIGESTS = "zoba_bench.verification.protocols.determinism:digests"
RUN = {"problem": {"name": "reference", "p": 2, "d": 2}, "options": {"l1": 2}, "iterations": 2, "replicates": 2}


def verdict(claim, execute=run_cell):
    plan = determinism.plan(claim, 3)
    measurement = determinism.judge(claim, plan, {cell.key: execute(cell) for cell in plan.cells}, 0.99)
    return decide(claim, measurement)[0], measurement


def digest(solver="zoba", seed=0, **changes):
    return run_cell(Cell(DIGESTS, {"solver": solver, **RUN, **changes}, seed))


@pytest.mark.parametrize("suite", [smoke, quick])
def test_every_built_in_solver_has_a_claim_on_one_shared_cell(suite):
    claims = [claim for claim in suite().claims if claim.protocol == "P8" and claim.origin != "control"]
    assert {claim.solver for claim in claims} == set(SOLVERS) - LATER
    assert len({cell.key for claim in claims for cell in determinism.plan(claim, 0).cells}) == 1


def test_the_matrix_shows_the_problems_that_each_solver_ran_on():
    matrix = smoke().matrix()["P8"]
    assert {solver for solvers in matrix.values() for solver in solvers} == set(SOLVERS) - LATER
    for name, solvers in matrix.items():
        assert solvers == [solver for solver in SOLVERS if solver in solvers], "in the registry's order"
        problem = load_problem(name)
        assert not [solver for solver in solvers if entry("solvers", solver)().lacking(problem)], name
    assert set(SOLVERS) - LATER - set(matrix["reference"]) == {"saba", "fednest"}, "they need samples"


def test_the_others_have_theirs_in_standard():
    claims = standard_claims()
    assert {claim.solver for claim in claims} == LATER
    assert {control for claim in claims for control in claim.controls} == {CONTROL.id}
    (cell,) = {cell.key: cell for claim in claims for cell in determinism.plan(claim, 0).cells}.values()
    results = run_cell(cell)
    assert all(verdict(claim, lambda _: results)[0] == "consistent" for claim in claims)


def test_every_solver_gives_the_same_bits_and_a_global_generator_does_not():
    results = {}

    def once(cell):
        if cell.key not in results:
            results[cell.key] = run_cell(cell)
        return results[cell.key]

    for claim in CLAIMS.values():
        found, measurement = verdict(claim, once)
        assert found == claim.expected, measurement
    # Everything but the counts differs, on both problems, whatever this process drew before.
    assert verdict(CONTROL, once)[1].measured == 8.0


def test_the_control_is_seen_whatever_state_the_global_generator_is_in():
    few = replace(CONTROL, parameters={"runs": [RUN, {**RUN, "iterations": 3}]})
    for _ in range(2):
        assert verdict(few)[1].measured == 8.0


@pytest.mark.parametrize("field", ["x", "z", "v", "counts", "history"])
def test_one_array_that_depends_on_what_ran_before_is_seen_by_name(monkeypatch, field):
    right, runs = determinism._arrays, []

    def wrong(result):
        runs.append(result)
        arrays = right(result)
        # Off by one bit in one execution.
        changed = [np.nextafter(a, np.inf) if a.dtype.kind == "f" else a + 1 for a in arrays[field]]
        return {**arrays, field: changed} if len(runs) == 3 else arrays

    monkeypatch.setattr(determinism, "_arrays", wrong)
    claim = replace(CLAIMS["P8/zoba/bits"], parameters={"runs": [RUN, {**RUN, "iterations": 3}]})
    found, measurement = verdict(claim)
    assert found == "violated"
    assert measurement.measured == 1.0
    assert f"what differs: {field}" in measurement.note


def test_what_an_earlier_run_leaves_behind_in_the_process_is_seen(monkeypatch):
    right = Zoba.surrogates

    def with_memory(self, state, directions):
        Zoba.remembered = getattr(Zoba, "remembered", 0.0) + 1e-9  # type: ignore[attr-defined]
        found = right(self, state, directions)
        return found._replace(cross_v=found.cross_v + Zoba.remembered)  # type: ignore[attr-defined]

    monkeypatch.setattr(Zoba, "surrogates", with_memory)
    monkeypatch.setattr(Zoba, "remembered", 0.0, raising=False)
    claim = replace(CLAIMS["P8/zoba/bits"], parameters={"runs": [RUN, {**RUN, "iterations": 3}]})
    assert verdict(claim)[0] == "violated"


def test_the_bits_depend_on_seed_and_parameters():
    assert digest() == digest()
    assert set(digest()) == {"x", "z", "v", "counts", "history"}
    other = digest(seed=1)
    assert all(other[name] != bits for name, bits in digest().items() if name != "counts")
    assert digest(iterations=3)["counts"] != digest()["counts"]


def test_the_fresh_process_returns_what_this_one_does():
    cells = [Cell(DIGESTS, {"solver": "hf-zoba", **RUN}, seed) for seed in range(2)]
    assert determinism._in_fresh_process(cells) == [run_cell(cell) for cell in cells]


def test_a_failure_in_the_fresh_process_is_told():
    with pytest.raises(RuntimeError, match="no_such_problem"):
        determinism._in_fresh_process([Cell(DIGESTS, {**RUN, "solver": "zoba", "problem": {
            "name": "no_such_problem"}})])  # fmt: skip


def test_a_run_alone_has_no_order_and_a_list_needs_one_of_the_solver():
    for runs in ([RUN], [{**RUN, "solver": "hf-zoba"}] * 2):
        with pytest.raises(ValueError, match="at least two, with one of zoba"):
            determinism.plan(replace(CLAIMS["P8/zoba/bits"], parameters={"runs": runs}), 0)


def test_its_cost_is_that_of_all_executions_and_of_a_process():
    (cell,) = determinism.plan(CONTROL, 0).cells
    runs = [Cell(DIGESTS, run) for run in cell.parameters["runs"]]
    assert work_of(cell).numbers == 3 * sum(work_of(run).numbers for run in runs)
    assert work_of(cell).calls > 3 * sum(work_of(run).calls for run in runs)
