"""Plans for G that is not quadratic: explicit radii, certified without a search, and small enough for what they add."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from zoba_bench.theory.single_loop.assemble import samples_of
from zoba_bench.theory.single_loop.plan import Route, value_of
from zoba_bench.theory.single_loop.run import Start

from zoba_bench import load_problem
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.registry import make_solver, theorem

PRESETS = ("zoba", "zoba-tuned", "zoba-mixed", "hf-zoba", "hf-zoba-shared")
START = {"gap": 1.0, "z_error": 0.1, "v_error": 0.1}
SIGMA = dict.fromkeys(("sigma_gz", "sigma_zz", "sigma_xz", "sigma_fz", "sigma_fx"), 0.1)


@pytest.fixture(scope="module")
def constants():
    return load_problem("dataclean_ortho", p=2, d=2).constants


@pytest.mark.sample(1)
@pytest.mark.parametrize("samples", [False, True], ids=["exact values", "samples"])
@pytest.mark.parametrize("name", PRESETS[::-1])
def test_the_explicit_plan_is_certified_at_its_first_radius(monkeypatch, constants, name, samples):
    known = replace(constants, **SIGMA) if samples else constants
    tried = []
    whole = Route.bound
    monkeypatch.setattr(Route, "bound", lambda route, *given: tried.append(given) or whole(route, *given))
    plan = theorem(name).plan(known, 2, 2, 0.1, START)
    assert len(tried) == 1
    assert 0 < plan.bound <= 0.1
    assert plan.evaluations <= theorem(name).derived_count(known, 2, 2, 0.1, START)


@pytest.mark.sample(3)
@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("samples", [False, True], ids=["exact values", "samples"])
def test_a_larger_radius_lets_some_rest_or_bias_add_more_than_it_may(constants, name, samples):
    """The largest of them is used up: a radius twice as large is refused by the conditions themselves."""
    route = (samples_of(theorem(name)) if samples else theorem(name)).route
    known = replace(constants, **SIGMA) if samples else constants
    values = route.values(known, 3, 2, 0.05, _start())
    radius = route.radius(values, True)
    share, without = route.curvature.radius_share, route.definitions["radius_share"]
    assert values["radius_share"] == value_of(share, values) < value_of(without, values)

    def used(h):
        at = dict(values, h=h)
        rests = [
            value_of(rest.root, at) ** 2 * value_of(route.curvature.weight(rest.row), at)
            / value_of(route.curvature.share(rest.column), at)
            for rest in route.curvature.rests
        ]  # fmt: skip
        largest = values["radius_share"] * 0.05
        steps = [h**2 * 3 * 7 / largest, (h / values["r"]) ** 2 * 2 * 6 / largest]
        return max(rests + steps)

    assert used(radius) == pytest.approx(1.0, rel=1e-9)
    assert used(2 * radius) > 3.9


def test_quadratic_problems_keep_their_plan(constants):
    quadratic = replace(constants, H=0.0, H_zz=0.0, H_xz=0.0, H_zx=0.0, H_xx=0.0)
    route = theorem("hf-zoba-shared").route
    values = route.values(quadratic, 2, 2, 0.1, _start())
    share = values["radius_share"] * 0.1
    plan = theorem("hf-zoba-shared").plan(quadratic, 2, 2, 0.1, START)
    assert plan.h == pytest.approx(math.sqrt(share / 12), rel=1e-12)
    terms = [value_of(term, values) for term in route.size_terms().values()]
    assert plan.l1 == math.ceil(max(1.0, *terms))


def test_what_curvature_costs_is_a_tenth_and_two_directions(constants):
    route = theorem("hf-zoba").route
    values = route.values(constants, 2, 2, 0.1, _start())
    quadratic, curved = (
        max(value_of(t, values) for t in route.size_terms(1, is_so).values()) for is_so in (False, True)
    )
    assert curved == pytest.approx(1.1 * quadratic + 1)


@pytest.mark.parametrize("name", PRESETS)
def test_the_rest_of_a_cubic_is_within_its_root(name):
    """A cubic is nothing but rest at the origin: the root mean square of each direction is below q_0 + q_b b."""
    p, d, h, largest = 3, 2, 1e-2, 0.7
    rng = np.random.default_rng(0)
    route = theorem(name).route
    r = route.model.preset.ratio(p, d, 1.0)
    at = {"p": p, "d": d, "h": h, "r": r, "R": 1.3, **dict.fromkeys(("H_zz", "H_xz", "H_zx", "H_xx"), largest)}
    b, bound = 0.4, dict.fromkeys("zvx", 0.0)
    for rest in route.curvature.rests:
        bound[rest.row] += value_of(rest.root, at) * (1.0 if rest.column == "0" else b)
    measured = _rests_of_a_cubic(name, largest, (p, d), (h, h / r), at["R"] + b, rng)
    assert all(measured[row] <= bound[row] for row in "zvx")
    # A centred second difference has no rest for a cubic: bounds of Hv and Cv are about what is not smooth.
    assert all(measured[row] > 0 for row in ("z" if name.startswith("zoba") else "zvx"))


def _rests_of_a_cubic(name, largest, dimensions, radii, size, rng, replicates=4000):
    """Root mean squares of the directions of G = H (e . (z, x))^3 / 6 at the origin, e a unit vector."""
    p, d = dimensions
    e = rng.normal(size=p + d)
    e /= np.linalg.norm(e)

    def cubic(z, x, sample=None):
        return largest * (z @ e[:p] + x @ e[p:]) ** 3 / 6

    def nothing(z, x, sample=None):
        return np.zeros(np.broadcast_shapes(z.shape[:-1], x.shape[:-1]))

    options = {"l1": 1, "l2": 1, "h": radii[0], "eta": radii[1], "rho": 1.0, "gamma": 1.0, "schedule": "constant"}
    if name.startswith("hf"):
        options |= {"h_bar": radii[0], "normalize_h_bar": True}
    solver = make_solver(name, **options)
    v = rng.normal(size=p)
    v *= size / np.linalg.norm(v)
    start = [np.zeros((replicates, p)), np.tile(v, (replicates, 1)), np.zeros((replicates, d))]
    oracle = Oracle(BilevelProblem("cubic", p, d, cubic, nothing), replicates)
    after = solver.step(solver.init(oracle, rng, *start))
    moves = (after.z - start[0], after.v - start[1], after.x - start[2])
    return {row: math.sqrt(np.mean(np.sum(move**2, axis=-1))) for row, move in zip("zvx", moves, strict=True)}


def _start():
    return Start(**START)
