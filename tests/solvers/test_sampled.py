"""AmIGO, BSA, TTSA, SUSTAIN, MRBO, FSLA: one step against plain loops, published numbers, what they converge to."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from zoba_bench.theory.counts import iteration_counts

import zoba_bench as zb
from zoba_bench.oracle import Oracle
from zoba_bench.registry import entry, make_solver
from zoba_bench.verification.wrong_first_order import WRONG_SOLVERS

from . import boxes_sampled as boxes
from .boxes_first_order import Box, draw
from .test_first_order_loops import boxed, exact, first_state, summed

SOLVERS = ("amigo", "bsa", "ttsa", "sustain", "mrbo", "fsla")
RANDOM = ("bsa", "ttsa", "sustain")
PROBLEMS: dict[str, Any] = {
    "samples": summed,
    "samples of G": lambda: replace(summed(), outer_samples=None),
    "samples of F": lambda: replace(summed(), inner_samples=None),
    "exact": lambda: zb.load_problem("logistic_bregman", p=3, d=2),
    "samples, X a box": lambda: boxed(summed()),
}
#: Every option away from its default.
OPTIONS: dict[str, dict[str, Any]] = {
    "amigo": {"inner_steps": 3},
    "bsa": {"inner_steps": 2, "N": 4, "eta": 0.3},
    "ttsa": {"N": 4, "eta": 0.3},
    "sustain": {"N": 3, "eta": 0.3, "weight": 0.4},
    "mrbo": {"N": 3, "eta": 0.3, "weight": 0.4},
    "fsla": {"weight": 0.4},
}
STEPS = [
    (name, problem, {"rho": 0.2, "ratio": 3.0, **OPTIONS[name], **more})
    for name in SOLVERS
    for problem, batches in (
        ("samples", {"b1": 3, "b2": 2}), ("samples of G", {"b1": 2}), ("samples of F", {"b2": 2}), ("exact", {}),
        ("samples, X a box", {"b1": 1, "b2": 4}),
    )
    for more in ([{**batches, "series": kind} for kind in ("random", "sum")] if name in RANDOM else [batches])
]  # fmt: skip
STEPS += [(name, "samples", {"schedule": "constant", "b1": 2, "b2": 2}) for name in SOLVERS[1:]]
EXPONENTS = {
    "amigo": (0, 0), "bsa": (1 / 2, 1 / 2), "ttsa": (2 / 5, 3 / 5), "sustain": (1 / 3, 1 / 3), "mrbo": (1 / 3, 1 / 3),
    "fsla": (1 / 2, 1 / 2),
}  # fmt: skip


class Plain:
    """Steps of one replicate by the boxes."""

    def __init__(self, solver: Any, problem: Any, state: Any, r: int) -> None:
        self.solver, self.problem, self.box, self.r = solver, problem, Box(problem), r
        self.z, self.v, self.x, self.replicates = state.z[r], state.v[r], state.x[r], len(state.z)
        self.last, self.d_z, self.d_x = (self.z, self.x), 0 * self.z, 0 * self.x

    def step(self, k: int, rng: np.random.Generator) -> dict[str, Any]:
        s, name, box = self.solver, self.solver.name, self.box

        def inner() -> Any:
            return draw(rng, self.problem.inner_samples, self.replicates, s.b1 or 64, self.r)

        def outer() -> Any:
            return draw(rng, self.problem.outer_samples, self.replicates, s.b2 or 64, self.r)

        def number(n: int) -> int:
            return int(rng.integers(n, size=self.replicates)[self.r])

        constant = getattr(s, "schedule", "published") == "constant"
        e, f = (0, 0) if constant else EXPONENTS[name]
        rho, gamma = s.rho / (k + 1) ** e, s.rho / s.ratio / (k + 1) ** f
        eta = s.rho if getattr(s, "eta", None) is None else s.eta
        kind = number if getattr(s, "series", "sum") == "random" else None
        if name == "amigo":
            self.z, self.v, self.x, size = boxes.amigo(
                box, self.z, self.v, self.x, rho, gamma, s.inner_steps, inner, outer
            )
            return {"z": self.z, "v": self.v, "x": self.x, "estimate": size}
        if name in ("bsa", "ttsa"):
            run = boxes.bsa if name == "bsa" else boxes.ttsa
            passes = (s.inner_steps,) if name == "bsa" else ()
            self.z, self.v, self.x, size = run(box, self.z, self.x, rho, gamma, *passes, s.N, eta, inner, outer, kind)
            return {"z": self.z, "v": self.v, "x": self.x, "estimate": size}
        weight = s.rho if s.weight is None else s.weight
        if name == "fsla":
            keep = 0.0 if k == 0 else 1 - weight / (1 if constant else (k + 1) ** (1 / 2))
            z, v, x, self.d_x = boxes.fsla(
                box, self.z, self.v, self.x, self.last[1], self.d_x, keep, rho, gamma, inner, outer
            )
        else:
            keep = 0.0 if k == 0 else 1 - weight / (1 if constant else (k + 1) ** (2 / 3))
            z, v, x, self.d_z, self.d_x = boxes.momentum(
                box, (self.z, self.x), self.last, (self.d_z, self.d_x), keep, rho, gamma,
                s.N + (name == "mrbo"), eta, inner, outer, kind,
            )  # fmt: skip
        self.last = self.z, self.x
        self.z, self.v, self.x = z, v, x
        return {"z": z, "v": v, "x": x, "estimate": np.linalg.norm(self.d_x), "d_x": self.d_x, "x_old": self.last[1]}


@pytest.mark.parametrize(("name", "problem", "options"), STEPS, ids=str)
def test_steps_equal_the_box(name, problem, options):
    problem, solver, steps = PROBLEMS[problem](), make_solver(name, **options), 3
    states = [first_state(solver, problem, 2, seed=1)]
    plain = [Plain(solver, problem, states[0], r) for r in range(2)]
    for _ in range(steps):
        states.append(solver.step(states[-1]))
    for r in range(2):
        theirs = np.random.default_rng([1, 7])
        for k in range(steps):
            expected = plain[r].step(k, theirs)
            # Steps times curvature are at most 2 here: a rounding error doubles at most.
            limit = 2**steps * plain[r].box.rounding
            assert limit < 1e-7, f"the comparison is blunt: {limit}"
            for what, value in expected.items():
                error = np.abs(getattr(states[k + 1], what)[r] - value).max()
                assert error <= limit, f"{what} at k={k}, replicate {r}: off by {error}, {limit=}"


@pytest.mark.parametrize("name", SOLVERS)
def test_published_defaults(name):
    solver = make_solver(name)
    e, f = EXPONENTS[name]
    assert (solver.rho, solver.gamma, solver.published_batches) == (0.1, 0.1, (64, 64))
    assert solver.steps(7) == pytest.approx((0.1 * 8**-e, 0.1 * 8**-f), rel=1e-14)
    assert getattr(solver, "N", 10) == getattr(solver, "inner_steps", 10) == 10
    if name in ("sustain", "mrbo"):
        assert solver.keep(7) == pytest.approx(1 - 0.5 / 4)
    if name == "fsla":
        assert solver.keep(3) == pytest.approx(1 - 0.1 / 2)


@pytest.mark.parametrize(
    ("name", "option", "message"),
    [
        ("amigo", {"rho": -1}, "rho must be a positive finite number, got -1"),
        ("bsa", {"N": 0}, "N must be a positive integer, got 0"),
        ("ttsa", {"series": "half"}, "series must be one of 'random', 'sum', got 'half'"),
        ("sustain", {"schedule": "linear"}, "schedule must be one of 'published', 'constant', got 'linear'"),
        ("mrbo", {"weight": 1.5}, "weight must be at most 1, got 1.5"),
        ("fsla", {"weight": 2}, "weight must be at most 1, got 2"),
        ("bsa", {"eta": float("nan")}, "eta must be a positive finite number, got nan"),
        ("amigo", {"b1": 2.5}, "b1 must be a positive integer, got 2.5"),
    ],
)
def test_bad_options_are_named(name, option, message):
    with pytest.raises(ValueError, match=message):
        make_solver(name, **option)


# What is random.


@pytest.mark.parametrize("name", RANDOM)
def test_a_random_series_takes_half_of_the_products_in_the_mean(name):
    """Within four standard errors of the symbolic count; a run never takes more than all of them."""
    problem, R, N, b = summed(), 4000, 5, 3
    points = 2 if name == "sustain" else 1
    result = zb.solve(problem, name, max_iterations=1, replicates=R, record_every=None, N=N, b1=b, b2=2)
    products = result.counts["inner_hvp_zz"]
    (expected,) = [float(iteration_counts(name)["inner_hvp_zz"].subs({"N": N, "b1": b}))]
    error = points * b * np.sqrt((N**2 - 1) / 12 / R)
    assert abs(products.mean() - expected) <= 4 * error
    assert set(products) == {points * b * length for length in range(N)}


@pytest.mark.parametrize("name", RANDOM)
def test_a_random_series_has_the_mean_of_the_sum(name):
    """Every length once, with weights 1/N: the mean of the next v and x is that of the whole series."""
    problem, N = exact(summed()), 4

    class Length:
        def __init__(self, n):
            self.n = n

        def integers(self, high, size):
            assert high == N
            return np.full(size, self.n)

    def after(series, rng):
        solver = make_solver(name, N=N, series=series)
        return solver.step(replace(first_state(solver, problem, 2, seed=3), rng=rng))

    several = [after("random", Length(n)) for n in range(N)]
    whole = after("sum", None)
    for what in ("v", "x"):
        mean = np.mean([getattr(state, what) for state in several], axis=0)
        spread = np.ptp([getattr(state, what) for state in several])
        assert spread > 0.01
        assert np.abs(mean - getattr(whole, what)).max() < 1e-13


def test_ttsas_shared_batch_adds_the_covariance_of_the_update():
    """All batches enumerated; without the covariance the mean is another one."""
    problem = zb.load_problem("quad_sum", p=2, d=2, n_inner=4, n_outer=1, mu=0.5, seed=2)
    options = {"rho": 0.3, "b1": 1, "b2": 1, "N": 2, "series": "sum"}
    solver = make_solver("ttsa", **options)
    rng = np.random.default_rng(0)
    z, v, x = rng.standard_normal(2), rng.standard_normal(2), rng.standard_normal(2)

    class Given:
        def __init__(self, samples):
            self.samples = iter(samples)

        def integers(self, high, size):
            return np.full(size, next(self.samples))

    oracle, ends = Oracle(problem, 1), []
    for first, second in itertools.product(range(4), repeat=2):
        state = solver.init(oracle, Given((first, 0, second)), z[None], v[None], x[None])
        ends.append(solver.step(state).x[0])
    update = entry("updates", "ttsa")
    found = update.step(problem, options, {"z": z, "v": v, "x": x, "k": 0}).mean["x"]
    assert np.abs(np.mean(ends, axis=0) - found).max() < 1e-14
    alone = update.step(exact(problem), options, {"z": z, "v": v, "x": x, "k": 0}).mean["x"]
    assert np.abs(alone - found).max() > 1e-3


@pytest.mark.parametrize("name", ["sustain", "mrbo", "fsla"])
def test_a_weight_of_one_forgets(name):
    """The direction is then the plain estimate at the new point, whatever was remembered."""
    problem = exact(summed())
    solver = make_solver(name, weight=1.0, schedule="constant", **({"series": "sum"} if name == "sustain" else {}))
    state = solver.step(first_state(solver, problem, 2, seed=4))
    other = replace(state, d_x=state.d_x + 1.0)
    assert np.array_equal(solver.step(state).x, solver.step(other).x)
    slow = replace(solver, weight=0.5)
    assert np.abs(slow.step(state).x - slow.step(other).x).min() > 1e-3


@pytest.mark.parametrize("name", ["sustain", "mrbo", "fsla"])
def test_with_exact_derivatives_a_memory_changes_nothing(name):
    problem = exact(summed())
    options = {"rho": 0.2, **({"series": "sum"} if name == "sustain" else {})}
    ends = [
        zb.solve(problem, name, max_iterations=30, record_every=None, weight=w, **options).x for w in (1.0, 0.3)
    ]  # fmt: skip
    assert np.abs(ends[0] - ends[1]).max() < 1e-12


def test_the_first_direction_is_the_plain_estimate_and_not_a_difference():
    """The released code starts from d = 0 at the point 0; then d_0 is no gradient."""
    problem = exact(summed())
    for name in ("sustain", "mrbo"):
        solver = make_solver(name, **({"series": "sum"} if name == "sustain" else {}))
        state = first_state(solver, problem, 2, seed=5)
        assert np.allclose(solver.step(state).d_z, problem.inner_grad_z(state.z, state.x), atol=1e-14)


# Where they come to rest.


@pytest.mark.parametrize("name", SOLVERS)
def test_where_it_stops_with_exact_derivatives(name):
    """At F_x + G_xz v = 0 with the series' bias, N terms, of MRBO N + 1; AmIGO and FSLA have none."""
    problem, N = zb.load_problem("quad_general", p=3, d=2, kappa=2.0), 4
    options: dict[str, Any] = {"rho": 0.4, **({} if name in ("amigo", "fsla") else {"N": N, "eta": 0.3})}
    options |= {"series": "sum"} if name in RANDOM else {}
    options |= {} if name == "amigo" else {"schedule": "constant"}
    x = zb.solve(problem, name, max_iterations=250, record_every=None, **options).x[0]
    z = problem.inner_solution(x)
    A, C, _ = problem.inner_hessian(z, x)
    rest = np.zeros_like(A) if "N" not in options else np.linalg.matrix_power(np.eye(3) - 0.3 * A, N + (name == "mrbo"))
    v = -np.linalg.solve(A, (np.eye(3) - rest) @ problem.outer_grad_z(z, x))
    assert np.abs(problem.outer_grad_x(z, x) + C @ v).max() < 1e-11
    slope = np.abs(problem.hypergradient(x)).max()
    assert slope < 1e-11 if "N" not in options else slope > 1e-3


def test_every_mistake_is_about_a_solver_of_this_file():
    assert {WRONG_SOLVERS[name].mutates for name in WRONG_SOLVERS} >= set(SOLVERS)
