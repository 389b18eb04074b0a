"""P10 and P11: right solvers pass with default and other options, and one mistake at a time is refused."""

import numpy as np
import pytest

from zoba_bench.registry import entry, list_solvers, load_problem
from zoba_bench.solvers.aid_bio import AidBio
from zoba_bench.solvers.itd_bio import ItdBio
from zoba_bench.solvers.soba import Soba
from zoba_bench.sweep import run_cell
from zoba_bench.verification.checking import protocol_of
from zoba_bench.verification.claim import Claim, decide
from zoba_bench.verification.claims._later import LATER
from zoba_bench.verification.claims.independence import quick_claims as few_of_independence
from zoba_bench.verification.claims.independence import standard_claims as independence
from zoba_bench.verification.claims.whole_step import SETTINGS, quick_claims
from zoba_bench.verification.claims.whole_step import standard_claims as claims
from zoba_bench.verification.controls import CONTROLS
from zoba_bench.verification.protocols import whole_step
from zoba_bench.verification.run.looks import plan_claim
from zoba_bench.verification.wrong_solvers import WRONG_SOLVERS

LEVEL = 1 - 1e-5


#: The rivals' are left to the suite "standard": with their controls they take a minute.
EARLIER = [
    claim for claim in independence() if claim.solver.removeprefix("control:").removesuffix("-paired") not in LATER
]
FEW = {claim.id for claim in (*quick_claims(), *few_of_independence())}


def marked(claims, name):
    """Parameters; what is not in the quick suite is slow."""
    return [
        pytest.param(claim, id=getattr(claim, name), marks=() if claim.id in FEW else pytest.mark.slow)
        for claim in claims
    ]


def verdict(claim, seed=7):
    made = plan_claim(claim, seed)
    results = {cell.key: run_cell(cell) for cell in made.cells}
    measurement = protocol_of(claim).judge(claim, made, results, LEVEL)
    return decide(claim, measurement)[0], measurement


def first_of_each(kind):
    """(claim, its name) of every right setting, or of every mistake where it is listed first."""
    found = {}
    for setting in SETTINGS:
        for claim in setting.claims(len(setting.mistakes)):
            if (claim.origin == "control") == (kind == "wrong"):
                found.setdefault(claim.solver if kind == "wrong" else claim.id, claim)
    return list(found.values())


@pytest.mark.sample(5)
@pytest.mark.parametrize("claim", marked(first_of_each("right"), "id"))
def test_the_mean_of_a_step_is_the_expected_one(claim):
    found, measurement = verdict(claim)
    assert found == "consistent", measurement


@pytest.mark.sample(5)
@pytest.mark.parametrize("claim", marked(first_of_each("wrong"), "solver"))
def test_a_mistake_is_refused_at_the_same_budget(claim):
    found, measurement = verdict(claim)
    assert found == "violated", measurement


def test_every_solver_has_claims_with_controls_and_two_mistakes_that_are_tried():
    tried = {}
    for setting in SETTINGS:
        tried.setdefault(setting.solver, set()).update(setting.mistakes)
    assert sorted(tried) == list_solvers()
    assert min(map(len, tried.values())) >= 2
    made = claims()
    ids = {claim.id for claim in made}
    assert len(ids) == len(made)
    assert all(set(claim.controls) <= ids and (claim.controls or claim.origin == "control") for claim in made)


def test_every_mistake_is_tried_somewhere():
    in_steps = {claim.solver for setting in SETTINGS for claim in setting.claims(len(setting.mistakes))}
    elsewhere = {"control:hf-zoba-same-draws", "control:soba-same-samples"}
    assert set(WRONG_SOLVERS) - in_steps - elsewhere == {claim.solver for claim in independence()} - in_steps - {
        claim.solver for claim in independence() if claim.origin != "control"
    }


@pytest.mark.sample(2)
@pytest.mark.parametrize("claim", marked(EARLIER, "id"))
def test_replicates_are_independent_and_pairs_of_them_are_seen(claim):
    found, measurement = verdict(claim)
    assert found == claim.expected, measurement


@pytest.mark.parametrize("wrong", ["hf-zoba-same-draws", "soba-same-samples"])
def test_draws_that_repeat_themselves_or_another_level_are_seen(wrong):
    solver = wrong.rpartition("-same")[0]
    (right,) = (claim for claim in independence() if claim.solver == solver)
    found, measurement = verdict(Claim(**{**vars(right), "solver": f"control:{wrong}"}))
    assert found == "violated", measurement


def one_setting(solver, problem, **parameters):
    chosen = {"problem": problem, "options": {}, "iterations": [0, 3], "replicates": 1, **parameters}
    return Claim("P10/x", "x", "P10", solver, problem["name"], "at_most", 0.0, chosen)


def test_a_move_of_rounding_is_none_that_a_factor_2_would_change():
    """UFOM's z is where its inner steps end, which a small step of x moves by rounding, or not at all."""
    claim = one_setting("soba", {"name": "quad_general", "p": 3, "d": 2}, iterations=[3], replicates=20)
    made = plan_claim(claim, 7)
    (cell,) = made.cells
    row = run_cell(cell)
    update = entry("updates", "soba")
    problem = load_problem("quad_general", p=3, d=2)
    solution = problem.inner_solution(np.array(row["before"]["x"]))
    row["before"]["z"] = (solution * (1 + 8e-15)).tolist()  # from where z moves by rounding
    state = {name: np.array(values) for name, values in row["before"].items()}
    row["mean"] = {name: mean.tolist() for name, mean in update.step(problem, {}, {**state, "k": 3}).mean.items()}
    moved = np.abs(np.array(row["mean"]["z"]) - state["z"])
    assert 0 < moved.max() < 1e-14
    row["variance"]["z"] = [1e-26] * 3  # of rounding, which is more than such a move
    measurement = whole_step.judge(claim, made, {cell.key: row}, LEVEL)
    assert not measurement.obstacle


def test_too_few_replicates_decide_nothing():
    found, measurement = verdict(one_setting("zoba", {"name": "xdep_curvature", "p": 5, "d": 9}, replicates=20))
    assert found == "inconclusive"
    assert "a factor 2 would not be seen" in measurement.obstacle


def test_a_solver_that_cannot_run_on_the_problem_is_an_error():
    with pytest.raises(Exception, match="saba needs a finite-sum problem"):
        verdict(one_setting("saba", {"name": "xdep_curvature", "p": 5, "d": 9}))


@pytest.mark.parametrize(("name", "base"), [("soba", Soba), ("aid-bio", AidBio), ("itd-bio", ItdBio)])
def test_x_is_projected(name, base, tmp_path, monkeypatch):
    """A quadratic with x in [-0.1, 0.1]^d: the right solver passes, one that does not project is refused."""
    file = tmp_path / "boxed.py"
    file.write_text(
        "from dataclasses import replace\n"
        "import numpy as np\n"
        "from zoba_bench import load_problem\n"
        "from zoba_bench.problem.capabilities import Capabilities\n"
        "boxed = replace(load_problem('quad_general', p=4, d=9),\n"
        "                capabilities=Capabilities(project_x=lambda x: np.clip(x, -0.1, 0.1)))\n"
    )
    claim = one_setting(name, {"name": f"{file}:boxed"})
    assert verdict(claim)[0] == "consistent"

    class Free(base):
        mutates = name

        def step(self, state):
            state.oracle.project_x = lambda x: x
            return base.step(self, state)

    monkeypatch.setitem(CONTROLS, "control:free", Free)
    assert verdict(Claim(**{**vars(claim), "solver": "control:free"}))[0] == "violated"


def test_a_wrong_initial_memory_is_refused(monkeypatch):
    from zoba_bench.solvers.f2sa import F2sa

    class AtZ(F2sa):
        mutates = "f2sa"

        def init(self, oracle, rng, z, v, x):
            from dataclasses import replace

            return replace(F2sa.init(self, oracle, rng, z, v, x), y=z)

    monkeypatch.setitem(CONTROLS, "control:at-z", AtZ)
    found, measurement = verdict(one_setting("control:at-z", {"name": "xdep_curvature", "p": 5, "d": 9}))
    assert found == "violated"
    assert "the initial y" in measurement.note


def test_a_state_is_copied_with_all_that_it_remembers():
    problem = load_problem("quad_sum", p=3, d=2, n_inner=6, n_outer=4)
    rng = np.random.default_rng(0)
    from zoba_bench.oracle import Oracle
    from zoba_bench.solvers.saba import Saba

    solver = Saba(b1=2, b2=2)
    one = solver.init(Oracle(problem, 1), rng, *(a[None] for a in whole_step.start(problem)))
    many = whole_step.copies(one, Oracle(problem, 5), rng)
    before = {name: values.copy() for name, values in whole_step.blocks(one)}
    solver.step(solver.step(many))
    after = dict(whole_step.blocks(one))
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert dict(whole_step.blocks(many))["memories.tables.inner_grad_z.values"].shape == (5, 6, 3)
