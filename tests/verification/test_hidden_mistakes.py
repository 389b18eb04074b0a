"""Mistakes that leave the mean of a step as it is: batches that repeat themselves, other replicates, lost digits."""

from dataclasses import replace

import numpy as np
import pytest
from zoba_bench.theory.updates.expected import is_affine, require_affine_projection

from zoba_bench.oracle import Oracle
from zoba_bench.problem.capabilities import Capabilities
from zoba_bench.registry import list_solvers, load_problem
from zoba_bench.solvers.hf_zoba import HfZoba
from zoba_bench.solvers.pzobo import Pzobo
from zoba_bench.solvers.soba import Soba
from zoba_bench.solvers.zo_penalty import ZoPenalty
from zoba_bench.sweep import run_cell
from zoba_bench.verification.checking import protocol_of
from zoba_bench.verification.claim import Claim, decide
from zoba_bench.verification.claims import conduct, independence, whole_step
from zoba_bench.verification.controls import CONTROLS
from zoba_bench.verification.protocols.independence import _repeated, _same_points
from zoba_bench.verification.protocols.shared.plane import on_plane
from zoba_bench.verification.protocols.whole_step import copies, start, steps_from
from zoba_bench.verification.run.looks import plan_claim

LEVEL = 1 - 1e-5


def verdict(claims, solver, wrong=None, what=""):
    """Verdict and note of the first right claim about a solver, measured on a wrong version of it."""
    claim = next(c for c in claims if c.solver == solver and c.origin != "control" and what in c.id)
    if wrong is not None:
        claim = Claim(**{**vars(claim), "solver": "control:wrong"})
    made = plan_claim(claim, 3)
    results = {cell.key: run_cell(cell) for cell in made.cells}
    measurement = protocol_of(claim).judge(claim, made, results, LEVEL)
    return decide(claim, measurement)[0], measurement.note


@pytest.fixture
def plant(monkeypatch):
    def planted(base, **methods):
        wrong = type("Wrong", (base,), {"mutates": base.name, **methods})
        monkeypatch.setitem(CONTROLS, "control:wrong", wrong)
        return wrong

    return planted


def _answering(base, **queries):
    """A step whose oracle is changed: name -> function of the right query."""

    def step(self, state):
        wrong = type("Wrong", (type(state.oracle),), {})
        oracle = object.__new__(wrong)
        vars(oracle).update(vars(state.oracle))
        for name, change in queries.items():
            setattr(oracle, name, change(getattr(state.oracle, name)))
        return replace(base.step(self, replace(state, oracle=oracle)), oracle=state.oracle)

    return step


def _one_direction(self, oracle, rng, kept=None):
    drawn = HfZoba.draw(self, oracle, rng, kept)
    first = {name: np.repeat(getattr(drawn, name)[:, :, :1], getattr(drawn, name).shape[2], axis=2)
             for name in ("w", "u", "outer_w", "outer_u")}  # fmt: skip
    return drawn._replace(**first)


def test_a_direction_that_is_used_for_a_whole_batch_is_refused(plant):
    plant(HfZoba, draw=_one_direction)
    found, note = verdict(independence.standard_claims(), "hf-zoba", "wrong")
    assert found == "violated"
    assert "ask for a point twice, every time" in note


def test_a_sample_that_is_used_for_a_whole_batch_is_refused(plant):
    def repeated(draw):
        return lambda rng, batch: np.repeat(draw(rng, 1), batch, axis=1)

    plant(Soba, step=_answering(Soba, draw_inner=repeated))
    found, note = verdict(independence.standard_claims(), "soba", "wrong")
    assert found == "violated"
    assert "two samples of batch" in note


def test_a_centre_that_is_asked_for_once_a_direction_is_no_repeated_direction():
    rng = np.random.default_rng(0)
    z, x, w = np.zeros((2, 1, 1, 3)), np.zeros((2, 1, 1, 2)), rng.standard_normal((2, 1, 5, 3))
    centre, moved = np.repeat(z, 5, axis=2), z + w
    along, at = _same_points((moved, x)), _same_points((centre, x))
    assert not along[0].any()
    assert at[0].all()
    assert _repeated([("G", along), ("G", at)]) == 0
    assert _repeated([("G", at)]) == 1
    assert _repeated([("G", along), ("F", at)]) == 1
    half = w.copy()
    half[:, :, 1] = half[:, :, 0]
    assert _repeated([("G", along), ("G", _same_points((z + half, x)))]) == 1
    assert _same_points((np.broadcast_to(z, (2, 1, 5, 3)), x)) == []


@pytest.mark.parametrize("what", ["centre", "digits", "type"])
def test_a_missing_centre_and_lost_digits_are_refused(plant, what):
    def step(self, state):
        change = {
            "centre": lambda query: lambda z, x, s=None: query(z, x, s) * (x.shape[2] > 1),
            "digits": lambda query: lambda z, x, s=None: query(z, x, s).astype(np.float32).astype(float),
            "type": lambda query: lambda z, x, s=None: query(z.astype(np.float32), x, s),
        }[what]
        return _answering(ZoPenalty, outer=change, inner=change)(self, state)

    plant(ZoPenalty, step=step)
    found, note = verdict(conduct.standard_claims(), "zo-penalty", "wrong")
    assert found == "violated"
    assert ("float32" if what == "type" else "a constant added to F and G moves a step by") in note


@pytest.mark.parametrize("which", [slice(1), slice(-1, None)])
def test_the_values_of_another_replicate_are_refused(plant, which):
    def step(self, state):
        return Pzobo.step(self, replace(state, z=np.repeat(state.z[which], len(state.z), axis=0)))

    assert verdict(whole_step.standard_claims(), "pzobo", what="/plane")[0] == "consistent"
    plant(Pzobo, step=step)
    assert verdict(whole_step.standard_claims(), "pzobo", "wrong", "/plane")[0] == "violated"


def _from_two_hundred_on(state, right):
    return replace(right, x=2 * right.x - state.x) if state.k >= 200 else right


def _tenth_coordinate(state, right):
    z = right.z.copy()
    z[:, 9:] = state.z[:, 9:]
    return replace(right, z=z)


@pytest.mark.parametrize("mistake", [_from_two_hundred_on, _tenth_coordinate])
def test_mistakes_far_on_and_where_z_is_long_are_refused(plant, mistake):
    plant(Soba, step=lambda self, state: mistake(state, Soba.step(self, state)))
    claims = whole_step.standard_claims()
    assert verdict(claims, "soba", "wrong", "/default")[0] == "consistent"
    assert verdict(claims, "soba", "wrong", "/tall")[0] == "violated"


def test_every_solver_is_measured_far_on_and_where_z_is_long():
    measured = {setting.solver: setting for setting in whole_step.SETTINGS if setting.what == "tall"}
    assert set(measured) == set(list_solvers())
    # SABA has no schedule, and its memory knows its own number.
    assert {setting.later for solver, setting in measured.items() if solver != "saba"} == {1000}
    assert all(setting.problem["p"] > max(8, setting.problem["d"]) for setting in measured.values())


def test_an_iterate_in_single_precision_is_refused(plant):
    def step(self, state):
        right = Soba.step(self, state)
        return replace(right, v=right.v.astype(np.float32))

    plant(Soba, step=step)
    found, note = verdict(whole_step.standard_claims(), "soba", "wrong", "/outer-slopes")
    assert found == "violated"
    assert "v, which the state does not hold in double precision" in note


def test_the_company_stands_around_and_is_not_measured():
    problem = {"name": "quad_general", "p": 3, "d": 2}
    rows = [steps_from(np.random.default_rng(0), problem, "soba", {}, 2, 3, company=c) for c in (False, True)]
    assert rows[0] == rows[1]
    built, rng = load_problem(**problem), np.random.default_rng(0)
    one, other = (Soba().init(Oracle(built, 1), rng, *(a[None] + by for a in start(built))) for by in (0.0, 1.0))
    many = copies(one, Oracle(built, 5), rng, other)
    assert np.array_equal(many.x, np.array([other.x[0], other.x[0], one.x[0], one.x[0], other.x[0]]))


def test_the_mean_of_a_projection_is_known_on_planes_alone():
    free = load_problem("quad_general", p=3, d=4)
    plane = on_plane(free)
    boxed = replace(free, capabilities=Capabilities(project_x=lambda x: np.clip(x, -1, 1)))
    half = replace(free, capabilities=Capabilities(project_x=lambda x: np.minimum(x, 0.0)))
    assert [is_affine(problem) for problem in (free, plane, boxed, half)] == [True, True, False, False]
    require_affine_projection(plane)
    with pytest.raises(ValueError, match="known on planes, and quad_general has another X"):
        require_affine_projection(boxed)
    project = plane.capabilities.project_x
    x = np.random.default_rng(1).standard_normal((5, 4))
    assert np.allclose(project(x).sum(axis=-1), 1.0)
    assert np.allclose(project(project(x)), project(x))
    with pytest.raises(ValueError, match="restricts x already"):
        on_plane(plane)
    with pytest.raises(ValueError, match="d = 1"):
        on_plane(load_problem("quad_general", p=2, d=1))


def test_every_solver_is_measured_where_x_is_restricted():
    measured = {claim.solver for claim in whole_step.standard_claims() if claim.parameters.get("plane")}
    assert measured == {name for solver in list_solvers() for name in (solver, f"control:{solver}-unprojected")}
