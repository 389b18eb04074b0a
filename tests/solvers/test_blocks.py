"""Directions in blocks: all of them once, counted once, the same estimate, and memory that does not grow with l."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.directions import LAWS
from zoba_bench.driver import iteration_cost, iteration_memory, run
from zoba_bench.oracle import Oracle
from zoba_bench.registry import make_solver
from zoba_bench.solvers import drawing
from zoba_bench.solvers.drawing import Draws
from zoba_bench.solvers.single_loop import Directions, SingleLoop

from .test_laws import EVERY, OTHERS
from .test_single_loop import INNER, PRESETS, difference_limit, states

SIZES = {
    "l1 above l2": {"l1": 7, "l2": 3},
    "l2 above l1": {"l1": 3, "l2": 8},
    "independent": {"l1": 7, "l2": 4, "outer_directions": "independent"},
    "b1 above b2": {"l1": 5, "l2": 2, "b1": 4, "b2": 2},
    "b2 above b1": {"l1": 2, "l2": 5, "b1": 2, "b2": 5},
    "samples, independent": {"l1": 3, "l2": 4, "b1": 3, "b2": 5, "outer_directions": "independent"},
}


@pytest.fixture
def entries(monkeypatch):
    """Make blocks of at most so many entries."""
    return lambda number: monkeypatch.setattr(drawing, "ENTRIES", number)


def draws(law="gaussian", replicates=2, p=3, d=2, b1=1, l1=1, b2=1, l2=1, shared=True, second=False):
    return Draws(LAWS[law](), replicates, p, d, b1, l1, b2, l2, shared, second)


@pytest.mark.parametrize("law", ["gaussian", "orthogonal"])
@pytest.mark.parametrize(("b", "l"), [(1, 1), (1, 40), (7, 1), (5, 11), (40, 3)])
@pytest.mark.parametrize("number", [1, 6, 50, 10**6])
def test_blocks_hold_every_direction_once_and_are_small(entries, law, b, l, number):
    entries(number)
    made = draws(law, b1=b, l1=l).blocks()
    seen = np.zeros((b, l), dtype=int)
    together = 6 if law == "orthogonal" else 1  # of 3 and 2 dimensions
    for block in made:
        seen[block] += 1
        samples, directions = (part.stop - part.start for part in block)
        assert samples * directions * 2 * 3 <= max(number, 2 * 3 * min(l, together))
        assert directions % together == 0 or block.directions.stop == l
    assert (seen == 1).all()
    assert (len(made) == 1) == (b * l * 6 <= number) or l * b <= together


def whole(solver, oracle, rng) -> Directions:
    """What all blocks of an iteration draw, side by side."""
    needed = solver.draws(oracle)
    common = needed.begin(oracle, rng, None)
    r, (b1, l1), (b2, l2) = oracle.replicates, (needed.b1, needed.l1), (needed.b2, needed.l2)
    inner = [np.full((r, b1, l1, n), np.nan) for n in (oracle.p, oracle.d, oracle.p)]
    outer = [np.full((r, b2, l2, n), np.nan) for n in (oracle.p, oracle.d)]
    for block, part, own in needed.parts(common):
        drawn = part.directions(rng, own)
        for array, piece in zip(inner, (drawn.w, drawn.u, drawn.second_w), strict=True):
            if piece is not None:
                array[:, block.samples, block.directions] = piece
        for array, piece in zip(outer, (drawn.outer_w, drawn.outer_u), strict=True):
            array[:, block.samples, block.directions] = piece
    second = inner[2] if needed.second else None
    return Directions(*inner[:2], *outer, second, common.inner_sample, common.outer_sample)


def setting(bilevel, preset, sizes, law="gaussian"):
    sizes = dict(sizes)
    samples = {"inner_samples": 6, "outer_samples": 5} if "b1" in sizes else {}
    if preset == "hf-zoba-shared":
        del sizes["l2"]
        sizes.pop("outer_directions", None)
    bar = {"h_bar": 0.2} if preset.startswith("hf") else {}
    solver = make_solver(preset, h=0.4, rho=1e-3, law=law, **EVERY[law], **sizes, **bar)
    return bilevel(3, 2, wave=0.5, **samples), solver


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("number", [1, 12])
def test_a_step_in_blocks_is_the_step_along_all_of_their_directions(bilevel, entries, preset, name, number):
    problem, solver = setting(bilevel, preset, SIZES[name])
    entries(number)
    state = states(problem, np.random.default_rng(0), Oracle(problem, 2), np.random.default_rng(1))
    directions = whole(solver, state.oracle, np.random.default_rng(1))
    assert all(np.isfinite(array).all() for array in directions[:4])
    blocks = solver.draws(state.oracle).blocks()
    assert len(blocks) > 1
    found, bases = solver._in_blocks(state, solver.draws(state.oracle), None)
    expected = solver.surrogates(state, directions)
    assert bases is None
    limit = difference_limit(problem, solver, state, directions, steps=0)
    for field, mine, theirs in zip(expected._fields, found, expected, strict=True):
        assert np.abs(mine - theirs).max() <= limit, field
        assert np.abs(theirs).max() > 1e3 * limit, f"{field}: the comparison is blunt"


@pytest.mark.parametrize("law", ["sphere", "coordinate", "orthogonal", "block", "low-rank"])
def test_a_step_in_blocks_of_every_law(bilevel, entries, law):
    problem, solver = setting(bilevel, "hf-zoba", {"l1": 13, "l2": 4}, law)
    entries(40)
    state = states(problem, np.random.default_rng(0), Oracle(problem, 2), np.random.default_rng(1))
    directions = whole(solver, state.oracle, np.random.default_rng(1))
    assert len(solver.draws(state.oracle).blocks()) > 1
    found, bases = solver._in_blocks(state, solver.draws(state.oracle), None)
    expected = solver.surrogates(state, directions)
    assert (bases is not None) == (law == "low-rank")
    limit = difference_limit(problem, solver, state, directions, steps=0)
    for mine, theirs in zip(found, expected, strict=True):
        assert np.abs(mine - theirs).max() <= limit


def test_orthogonal_directions_stay_orthogonal_in_blocks(bilevel, entries):
    problem = bilevel(3, 3)
    solver = make_solver("hf-zoba", law="orthogonal", l1=14)
    entries(2 * 3 * 8)  # room for two groups of three
    directions = whole(solver, Oracle(problem, 2), np.random.default_rng(1))
    for array in (directions.w, directions.u):
        for first in range(0, 12, 3):
            group = array[:, 0, first : first + 3]
            np.testing.assert_allclose(group @ group.swapaxes(-1, -2), np.tile(3 * np.eye(3), (2, 1, 1)), atol=1e-12)


def test_bases_of_a_law_serve_as_many_iterations_in_blocks(bilevel, entries):
    problem = bilevel(3, 2)
    solver = make_solver("hf-zoba", law="low-rank", rank=2, refresh=2, l1=9, rho=1e-3)
    entries(20)
    state = states(problem, np.random.default_rng(0), Oracle(problem, 2), np.random.default_rng(1))
    kept = []
    for _ in range(4):
        state = solver.step(state)
        kept.append(state.bases)
    assert kept[0] is kept[1]
    assert kept[2] is kept[3]
    assert not np.array_equal(kept[1][0], kept[2][0])
    assert kept[0][0].shape == (2, 1, 9, 2, 2)


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("preset", PRESETS)
def test_blocks_cost_what_one_block_costs(bilevel, points, entries, preset, name):
    """Values at points that no direction moves are asked for once an iteration and sample."""
    problem, solver = setting(bilevel, preset, SIZES[name])
    expected = iteration_cost(problem, solver, np.random.default_rng(0))
    oracle = Oracle(problem, 2)
    b1, b2 = solver.batches(oracle)
    a, c = INNER[preset]
    assert expected == {"inner": b1 * (a * solver.l1 + c), "outer": b2 * (2 * solver.l2 + 1)}
    entries(1)
    assert iteration_cost(problem, solver, np.random.default_rng(0)) == expected
    state = states(problem, np.random.default_rng(0), oracle, np.random.default_rng(0))
    problem.inner.calls.clear()
    problem.outer.calls.clear()
    solver.step(state)
    assert (oracle.n_inner == expected["inner"]).all()
    assert (oracle.n_outer == expected["outer"]).all()
    assert points(problem.inner.calls) == 2 * expected["inner"]
    assert points(problem.outer.calls) == 2 * expected["outer"]


def test_few_directions_are_one_block_with_the_bits_of_one_draw(bilevel):
    """Two steps by hand: the blocks change nothing where there is one."""
    problem = bilevel()
    solver = make_solver("hf-zoba", l1=4, l2=2)
    state = states(problem, np.random.default_rng(0), Oracle(problem, 2), np.random.default_rng(1))
    drawn = solver.draw(state.oracle, np.random.default_rng(1))
    right = solver.surrogates(state, drawn)
    following = solver.step(state)
    rho, gamma = solver.steps(0)
    assert np.array_equal(following.z, state.z - rho * right.inner_gradient)
    assert np.array_equal(following.x, state.x - gamma * (right.cross_v + right.outer_gradient_x))


def test_a_subclass_that_draws_by_itself_has_one_block(bilevel, entries):
    entries(1)
    asked = []

    class Own(type(make_solver("hf-zoba"))):
        def draw(self, oracle, rng, kept=None):
            asked.append(SingleLoop.draw(self, oracle, rng, kept))
            return asked[-1]

    problem = bilevel()
    state = states(problem, np.random.default_rng(0), Oracle(problem, 2), np.random.default_rng(1))
    Own(l1=6).step(state)
    assert [drawn.w.shape for drawn in asked] == [(2, 1, 6, 3)]


# Memory.


def peak(problem, solver, replicates):
    """Bytes that two iterations allocate at once, beside what there was."""
    start = {"z0": np.ones(problem.p), "x0": np.ones(problem.d), "rng": np.random.default_rng(0)}
    run(problem, solver, max_iterations=1, replicates=1, record_every=None, **start)  # imports and caches
    tracemalloc.start()
    try:
        run(problem, solver, max_iterations=2, replicates=replicates, record_every=None, **start)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("preset", "law", "p", "d"),
    [
        *((preset, "gaussian", 40, 40) for preset in PRESETS),
        ("hf-zoba", "gaussian", 60, 10),
        ("zoba-mixed", "gaussian", 10, 60),
        *(("hf-zoba", law, 30, 30) for law in OTHERS),
    ],
)
def test_memory_is_what_is_said_and_does_not_grow_with_the_directions(entries, preset, law, p, d):
    number, replicates, functions = 2**14, 4, 8 * 6 * 2**16  # the last: what the family allocates, in its own blocks
    entries(number)
    problem = zb.load_problem("reference", p, d)
    few, many = (make_solver(preset, l1=l, law=law, **OTHERS.get(law, {})) for l in (2**8, 2**11))
    said, used = iteration_memory(problem, many, replicates, np.random.default_rng(0)), peak(problem, many, replicates)
    assert used <= said + functions
    assert said <= 3 * used
    together = math.lcm(p, d) if law == "orthogonal" else 1
    if law != "low-rank" and together * replicates * max(p, d) <= number:  # else it keeps, or draws, more at once
        values = 8 * 12 * replicates * 2**11
        assert used < 1.5 * peak(problem, few, replicates) + values


def test_a_run_that_needs_more_is_refused(bilevel):
    problem = bilevel()
    with pytest.raises(ValueError, match=r"max_memory=10000 \(10 kB\) is below .* hf-zoba .* about .*; raise it, or"):
        zb.solve(problem, "hf-zoba", l1=1000, max_memory="10k")


def test_a_limit_changes_no_bit(bilevel, same_run):
    problem = bilevel()
    free = zb.solve(problem, "zoba", max_iterations=5, l1=20, replicates=2)
    same_run(free, zb.solve(problem, "zoba", max_iterations=5, l1=20, replicates=2, max_memory="1G"))


def test_the_memory_of_other_solvers_is_tried(bilevel):
    problem = zb.load_problem("quad_general", 40, 30)
    small, large = (make_solver("zo-penalty", l=l) for l in (10, 10_000))
    one, ten = (iteration_memory(problem, large, r, np.random.default_rng(0)) for r in (1, 10))
    assert 2 * 8 * 10_000 * 30 <= one <= 8 * 8 * 10_000 * 30
    assert ten == pytest.approx(10 * one, rel=0.01)
    assert iteration_memory(problem, small, 1, np.random.default_rng(0)) < one / 50
