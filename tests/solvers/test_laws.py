"""Direction laws on the single-loop solvers: options, one step against slow loops, counts, kept bases, refusals."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.directions import LAWS
from zoba_bench.driver import iteration_cost, run
from zoba_bench.oracle import Oracle
from zoba_bench.registry import make_solver
from zoba_bench.result import Status
from zoba_bench.solvers.base import State, StepWarning
from zoba_bench.solvers.single_loop import Directions, KeptState

from .second_moments import SecondMoments
from .test_single_loop import INNER, Reference, advance, difference_limit, moved, states

ACCEPTING = ("zoba-mixed", "hf-zoba", "hf-zoba-shared")
GAUSSIAN_ONLY = ("zoba", "zoba-tuned")
OTHERS: dict[str, dict[str, Any]] = {
    "sphere": {}, "coordinate": {}, "orthogonal": {}, "block": {"block_size": 2}, "low-rank": {"rank": 2, "refresh": 2},
}  # fmt: skip
EVERY = {"gaussian": {}, **OTHERS}


def options(law: str, preset: str, **more: Any) -> dict[str, Any]:
    """Large radii, so that comparisons are sharp."""
    chosen = {"law": law, **EVERY[law], "h": 0.4, "l1": 4, "rho": 0.05, **more}
    return chosen | ({"h_bar": 0.2} if preset.startswith("hf") else {})


# Options.


@pytest.mark.parametrize("preset", ACCEPTING)
@pytest.mark.parametrize("law", EVERY)
def test_every_law_is_an_option(preset, law):
    solver = make_solver(preset, law=law)
    assert solver.direction_law == LAWS[law]()
    assert make_solver(preset, law=law, **EVERY[law]).direction_law == LAWS[law](**EVERY[law])


def test_the_published_law_is_the_default():
    for preset in (*ACCEPTING, *GAUSSIAN_ONLY):
        assert make_solver(preset).law == "gaussian"


@pytest.mark.parametrize("law", ["normal", "Gaussian", "", None, 3, ["sphere"], "low_rank"])
def test_an_unknown_law_is_refused_with_the_known_ones(law):
    known = "'gaussian', 'sphere', 'coordinate', 'orthogonal', 'block', 'low-rank'"
    with pytest.raises(ValueError, match=rf"law must be one of {known}, got {re.escape(repr(law))}"):
        make_solver("hf-zoba", law=law)


@pytest.mark.parametrize(("name", "law"), [("block_size", "block"), ("rank", "low-rank"), ("refresh", "low-rank")])
@pytest.mark.parametrize("value", [0, -1, 2.0, True, "2", math.nan])
def test_options_of_laws_are_positive_integers(name, law, value):
    with pytest.raises(ValueError, match=f"{name} must be a positive integer, got {value!r}"):
        make_solver("hf-zoba", law=law, **{name: value})


@pytest.mark.parametrize("law", EVERY)
@pytest.mark.parametrize(("name", "own"), [("block_size", "block"), ("rank", "low-rank"), ("refresh", "low-rank")])
def test_an_option_of_another_law_is_refused(name, own, law):
    if law == own:
        make_solver("hf-zoba", law=law, **{name: 2})
        return
    with pytest.raises(ValueError, match=f"{name}=2 is an option of law='{own}', got law='{law}'"):
        make_solver("hf-zoba", law=law, **{name: 2})


@pytest.mark.parametrize("law", OTHERS)
@pytest.mark.parametrize("preset", GAUSSIAN_ONLY)
def test_second_differences_need_gaussian_directions(preset, law):
    match = (
        rf"{preset} needs law='gaussian', got law='{law}': its Hessian surrogate s \[\(w'v\) w - v\] is unbiased "
        "for Gaussian directions only; use zoba-mixed, hf-zoba or hf-zoba-shared"
    )
    with pytest.raises(ValueError, match=match):
        make_solver(preset, law=law)


# One step.


class LawReference(Reference):
    """The reference with directions made of the generator's numbers one scalar at a time."""

    def __init__(self, problem, preset, chosen) -> None:
        super().__init__(problem, preset, chosen)
        self.law, self.options, self.kept = chosen["law"], chosen, None
        self.condition = 1.0  # by which rounding of orthogonal directions may be larger than that of others

    def draw(self, rng, replicates, k=0):
        r, b, l = replicates, max(self.b1, self.b2), max(self.l1, self.l2)
        drawn: dict[str, Any] = {"xi": None, "zeta": None}
        if self.problem.inner_samples:
            drawn["xi"] = rng.integers(self.problem.inner_samples, size=(r, self.b1))
        if self.problem.outer_samples:
            drawn["zeta"] = rng.integers(self.problem.outer_samples, size=(r, self.b2))
        wanted = [("w", (r, b, l), self.p), ("u", (r, b, l), self.d)]
        if self.independent:
            wanted = [("w", (r, self.b1, self.l1), self.p), ("u", (r, self.b1, self.l1), self.d)]
            wanted += [("fw", (r, self.b2, self.l2), self.p), ("fu", (r, self.b2, self.l2), self.d)]
        if self.preset == "zoba-mixed":
            wanted.append(("w2", (r, self.b1, self.l1), self.p))
        if self.law == "low-rank" and k % self.options["refresh"] == 0:
            rank = self.options["rank"]
            self.kept = [rng.standard_normal((*shape, math.ceil(math.sqrt(n)), rank)) for _, shape, n in wanted]
        for i, (name, shape, n) in enumerate(wanted):
            drawn[name] = getattr(self, self.law.replace("-", "_"))(rng, shape, n, self.kept and self.kept[i])
        drawn.setdefault("fw", drawn["w"])
        drawn.setdefault("fu", drawn["u"])
        return drawn

    def gaussian(self, rng, shape, n, _):
        return rng.standard_normal((*shape, n))

    def sphere(self, rng, shape, n, _):
        w = rng.standard_normal((*shape, n))
        for index in np.ndindex(*shape):
            w[index] = [math.sqrt(n) * a / math.sqrt(sum(b * b for b in w[index])) for a in w[index]]
        return w

    def coordinate(self, rng, shape, n, _):
        w, drawn = np.zeros((*shape, n)), rng.integers(2 * n, size=(*shape, 1))
        for index in np.ndindex(*shape):
            w[index][drawn[index][0] // 2] = math.sqrt(n) * (-1) ** drawn[index][0]
        return w

    def orthogonal(self, rng, shape, n, _):
        """Gram and Schmidt's columns: those of the triangular factor with a positive diagonal."""
        *lead, l = shape
        normal = rng.standard_normal((*lead, math.ceil(l / n), n, min(l, n)))
        self.condition = max(self.condition, np.linalg.cond(normal).max())
        w = np.zeros((*lead, l, n))
        for index in np.ndindex(*lead):
            for j in range(l):
                column = normal[index][j // n][:, j % n].copy()
                for _ in range(2):  # twice, for orthogonality to rounding
                    for i in range(j - j % n, j):
                        column -= (column @ w[index][i]) * w[index][i] / n
                w[index][j] = math.sqrt(n) * column / math.sqrt(column @ column)
        return w

    def block(self, rng, shape, n, _):
        size = min(self.options["block_size"], n)
        blocks = math.ceil(n / size)
        chosen, normal = rng.integers(blocks, size=(*shape, 1, 1)), rng.standard_normal((*shape, 1, size))
        w = np.zeros((*shape, n))
        for index in np.ndindex(*shape):
            for i in range(size):
                if chosen[index][0, 0] * size + i < n:
                    w[index][chosen[index][0, 0] * size + i] = math.sqrt(blocks) * normal[index][0, i]
        return w

    def low_rank(self, rng, shape, n, right):
        columns, rank = math.ceil(math.sqrt(n)), self.options["rank"]
        left = rng.standard_normal((*shape, math.ceil(n / columns), rank))
        w = np.zeros((*shape, n))
        for index in np.ndindex(*shape):
            for i in range(n):
                row, column = i // columns, i % columns
                products = [left[index][row, a] * right[index][column, a] for a in range(rank)]
                w[index][i] = sum(products) / math.sqrt(rank)
        return w


@pytest.mark.sample(24)
@pytest.mark.parametrize(
    ("p", "d", "setting"),
    [
        (3, 2, {"l2": 2}),
        (5, 1, {"l2": 6}),
        (3, 2, {"l2": 2, "outer_directions": "independent", "eta": 0.7}),
        (2, 4, {"b1": 2, "b2": 3, "inner_samples": 6, "outer_samples": 5, "l2": 3}),
    ],
    ids=["shared", "more outer directions", "independent", "samples"],
)
@pytest.mark.parametrize("law", OTHERS)
@pytest.mark.parametrize("preset", ACCEPTING)
def test_steps_equal_the_reference(bilevel, preset, law, p, d, setting):
    """Three steps, in which low-rank directions keep their basis once and change it once."""
    samples = {k: v for k, v in setting.items() if k.endswith("_samples")}
    chosen = options(law, preset, **{k: v for k, v in setting.items() if k not in samples})
    if preset == "hf-zoba-shared":
        del chosen["l2"]
        chosen.pop("outer_directions", None)
    problem = bilevel(p, d, wave=0.5, **samples)
    solver, reference = make_solver(preset, **chosen), LawReference(problem, preset, chosen)
    theirs = np.random.default_rng(7)
    state = states(problem, np.random.default_rng(0), Oracle(problem, 2), np.random.default_rng(7))
    for k in range(3):
        drawn = reference.draw(theirs, 2, k)
        following = solver.step(state)
        for r in range(2):
            expected = reference.step(state.z[r], state.v[r], state.x[r], k, drawn, r)
            limit = reference.condition * reference.limit(drawn, state.v)
            assert limit < 1e-6, f"the comparison is blunt: {limit}"
            for name, value in zip(("z", "v", "x", "estimate"), expected, strict=True):
                actual = getattr(following, name)[r]
                assert np.abs(actual - value).max() <= limit, f"{name} at k={k}: {actual} against {value}"
        state = following


def test_the_gaussian_law_draws_what_it_drew_before_there_were_others(bilevel):
    """w, u, then the outer ones or w2, straight from the generator."""
    problem = bilevel()
    for preset, outer in (("zoba", "shared"), ("hf-zoba", "independent"), ("zoba-mixed", "shared")):
        solver = make_solver(preset, l1=4, l2=2, outer_directions=outer, law="gaussian")
        drawn, rng = solver.draw(Oracle(problem, 2), np.random.default_rng(5)), np.random.default_rng(5)
        assert np.array_equal(drawn.w, rng.standard_normal((2, 1, 4, 3)))
        assert np.array_equal(drawn.u, rng.standard_normal((2, 1, 4, 2)))
        if outer == "independent":
            assert np.array_equal(drawn.outer_w, rng.standard_normal((2, 1, 2, 3)))
            assert np.array_equal(drawn.outer_u, rng.standard_normal((2, 1, 2, 2)))
        if preset == "zoba-mixed":
            assert np.array_equal(drawn.second_w, rng.standard_normal((2, 1, 4, 3)))
        assert drawn.bases is None


# Counts and runs.


@pytest.mark.sample(24)
@pytest.mark.parametrize("law", EVERY)
@pytest.mark.parametrize("preset", ACCEPTING)
@pytest.mark.parametrize(("l1", "l2", "b1", "b2"), [(1, 1, 1, 1), (5, 3, 1, 1), (4, 7, 3, 2)])
def test_evaluations_are_those_of_the_theorem(bilevel, points, preset, law, l1, l2, b1, b2):
    """A law changes directions, not the number of points; by the theorem's symbols, by hand and by the problem."""
    l2 = l1 if preset == "hf-zoba-shared" else l2
    samples = {"inner_samples": 5, "outer_samples": 4} if b1 > 1 else {}
    problem, iterations = bilevel(**samples), 3
    solver = make_solver(preset, law=law, l1=l1, l2=l2, b1=b1, b2=b2)
    derived = zb.theorem(preset).evaluations_per_iteration
    sizes = {"l1": l1, "l2": l2, "b1": b1, "b2": b2}
    expected = {
        level: int(count.subs({s: sizes[str(s)] for s in count.free_symbols})) for level, count in derived.items()
    }
    a, c = INNER[preset]
    assert expected == {"inner": b1 * (a * l1 + c), "outer": b2 * (2 * l2 + 1)}
    assert iteration_cost(problem, solver, np.random.default_rng(0)) == expected
    problem.inner.calls.clear()
    start = {"z0": np.ones(problem.p), "x0": np.ones(problem.d)}
    result = run(problem, solver, rng=np.random.default_rng(0), replicates=2, max_iterations=iterations, **start)
    assert (result.n_inner == iterations * expected["inner"]).all()
    assert (result.n_outer == iterations * expected["outer"]).all()
    assert points(problem.inner.calls) == 2 * iterations * expected["inner"]


@pytest.mark.parametrize("law", OTHERS)
def test_budget_is_kept_and_does_not_change_the_path(bilevel, same_run, law):
    problem, solver = bilevel(), make_solver("hf-zoba", law=law, l1=3, **EVERY[law])
    start = {"z0": np.ones(problem.p), "x0": np.ones(problem.d), "replicates": 2}
    cost = sum(iteration_cost(problem, solver, np.random.default_rng(0)).values())
    with pytest.raises(ValueError, match=f"budget={cost - 1} is below the cost of one iteration, {cost} "):
        run(problem, solver, rng=np.random.default_rng(0), budget=cost - 1, **start)
    bound = run(problem, solver, rng=np.random.default_rng(0), budget=5 * cost - 1, max_iterations=9, **start)
    free = run(problem, solver, rng=np.random.default_rng(0), max_iterations=4, **start)
    assert bound.status.tolist() == [Status.BUDGET] * 2
    assert (bound.nfev <= 5 * cost - 1).all()
    same_run(bound, replace(free, status=bound.status))


@pytest.mark.parametrize("law", EVERY)
@pytest.mark.parametrize("preset", ACCEPTING)
def test_same_seed_same_bits_and_replicates_differ(bilevel, same_run, preset, law):
    problem = bilevel(3, 2)
    keywords = {"max_iterations": 5, "replicates": 6, "l1": 2, "law": law, **EVERY[law]}
    first, second, other = (zb.solve(problem, preset, seed=seed, **keywords) for seed in (3, 3, 4))
    same_run(first, second)
    assert not np.array_equal(first.x, other.x)
    # Coordinates are drawn from a finite set, so two of six runs may coincide; not all do.
    assert len(np.unique(first.z.round(12), axis=0)) > 1


@pytest.mark.parametrize("law", OTHERS)
@pytest.mark.parametrize("preset", ACCEPTING)
def test_a_replicate_alone_takes_the_same_steps(bilevel, preset, law):
    problem = bilevel(3, 2, wave=0.5)
    solver = make_solver(preset, **options(law, preset, rho=1e-3))
    oracle = Oracle(problem, 3)
    state = states(problem, np.random.default_rng(0), oracle, np.random.default_rng(0))
    directions = solver.draw(oracle, np.random.default_rng(1))._replace(bases=None)
    limit = difference_limit(problem, solver, state, directions)
    block = advance(solver, state, directions)
    for r in range(3):
        alone = moved(state, z=state.z[[r]], v=state.v[[r]], x=state.x[[r]], oracle=Oracle(problem, 1))
        single = advance(solver, alone, Directions(*(None if a is None else a[[r]] for a in directions)))
        for name in ("z", "v", "x", "estimate"):
            assert np.abs(getattr(block, name)[r] - getattr(single, name)[0]).max() <= limit


@pytest.mark.parametrize("law", OTHERS)
@pytest.mark.parametrize("preset", ACCEPTING)
def test_a_step_outside_the_stable_range_warns_and_diverges(preset, law):
    """rho = 400 / L_zz: every eigenvalue of the mean iteration of z is beyond -1, whatever the directions."""
    problem = zb.load_problem("quad_general", p=3, d=2, kappa=2.0)
    rho = 400 / problem.constants.L_zz
    keywords = {
        "law": law, "l1": 4, "rho": rho, "gamma": 0.01, "schedule": "constant", "replicates": 3, "max_iterations": 200,
    }  # fmt: skip
    with pytest.warns(StepWarning, match=rf"rho={rho:.4g} is outside of the stable range \(0, 2 / L_zz\)"):
        result = zb.solve(problem, preset, **keywords, **EVERY[law])
    assert result.status.tolist() == [Status.DIVERGED] * 3
    assert np.isfinite(result.x).all()


# Bases that are kept.


def kept_run(problem, solver, iterations: int, seed: int = 0, replicates: int = 2) -> list[Any]:
    oracle, rng = Oracle(problem, replicates), np.random.default_rng(seed)
    start = np.ones((replicates, problem.p))
    found = [solver.init(oracle, rng, start, 0 * start, np.ones((replicates, problem.d)))]
    for _ in range(iterations):
        found.append(solver.step(found[-1]))
    return found


@pytest.mark.parametrize("preset", ACCEPTING)
@pytest.mark.parametrize("refresh", [1, 2, 3, 50])
def test_low_rank_bases_change_every_so_many_iterations(bilevel, preset, refresh):
    path = kept_run(bilevel(), make_solver(preset, law="low-rank", l1=2, refresh=refresh), 7)
    assert type(path[0]) is State
    for k in range(1, 7):
        now, then = path[k].bases, path[k + 1].bases
        assert len(now) == (3 if preset == "zoba-mixed" else 2)
        same = [np.array_equal(a, b) for a, b in zip(now, then, strict=True)]
        assert all(same) if k % refresh else not any(same), (k, same)


def test_other_laws_keep_nothing(bilevel):
    for law in EVERY:
        kept = kept_run(bilevel(), make_solver("hf-zoba", law=law, l1=2), 1)[-1]
        assert isinstance(kept, KeptState) == (law == "low-rank")


def test_independent_outer_directions_have_bases_of_their_own(bilevel):
    solver = make_solver("zoba-mixed", law="low-rank", l1=3, l2=2, outer_directions="independent")
    bases = kept_run(bilevel(), solver, 1)[-1].bases
    assert [basis.shape for basis in bases] == [(2, 1, l, 2, 2) for l in (3, 3, 2, 2, 3)]


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_state_is_enough_to_go_on(bilevel, cut):
    """The generator's state and the solver's: the rest of a run again, bit by bit, also within a period."""
    problem, solver = bilevel(), make_solver("hf-zoba", law="low-rank", l1=2, refresh=3)
    whole = kept_run(problem, solver, 7)
    again = kept_run(problem, solver, cut)[-1]
    for k in range(cut, 7):
        again = solver.step(again)
        for name in ("z", "v", "x"):
            assert np.array_equal(getattr(again, name), getattr(whole[k + 1], name))


def test_a_state_without_bases_draws_them_wherever_it_is(bilevel):
    problem, solver = bilevel(), make_solver("hf-zoba", law="low-rank", l1=2, refresh=3)
    for k in (0, 1, 5):
        state = states(problem, np.random.default_rng(0), Oracle(problem, 2), np.random.default_rng(1), k=k)
        assert solver.step(state).bases[0].shape == (2, 1, 2, 2, 2)


def test_the_driver_keeps_bases_when_a_replicate_stops(bilevel, start):
    """Freezing a replicate replaces iterates, nothing else."""
    problem, solver = bilevel(), make_solver("hf-zoba", law="low-rank", l1=2, refresh=50, rho=0.05)
    seen = []
    first = run(problem, solver, rng=np.random.default_rng(0), replicates=3, max_iterations=1, **start(problem))
    tolerance = float(np.sort(first.estimate)[0])
    result = run(
        problem, solver, rng=np.random.default_rng(0), replicates=3, max_iterations=4, tolerance=tolerance,
        callback=lambda k, state: seen.append(state.bases), **start(problem),
    )  # fmt: skip
    assert result.nit.tolist().count(1) == 1
    assert all(np.array_equal(a, b) for bases in seen[1:] for a, b in zip(seen[0], bases, strict=True))


def test_moves_stay_in_the_range_of_the_kept_bases():
    """One direction, p = 9 as 3 x 3, rank 1: rows of z - z_0 are multiples of V' for as long as V is kept."""
    problem = zb.load_problem("quad_general", p=9, d=4, kappa=2.0)
    solver = make_solver("hf-zoba", law="low-rank", rank=1, refresh=5, l1=1, rho=0.05, schedule="constant")
    path = kept_run(problem, solver, 6)
    for r in range(2):
        for k, inside in ((5, True), (6, False)):
            moves = (path[k].z[r] - path[0].z[r]).reshape(3, 3)
            ranks = np.linalg.svd(moves, compute_uv=False)
            # What another direction would leave is of the size of a move; rounding of z is eps |z|.
            assert (ranks[1] <= 1e-12) == inside, (k, ranks)


def test_mean_of_a_period_is_the_iteration_seen_through_the_bases():
    """Given V the mean of (w'g) w is S g, S the mean of I (x) VV'/r: s_k = (I - T S J) s_(k-1), exactly for quadratics.

    4000 replicates share the bases of one; entries are compared within 6 standard errors (2e-9 each).
    """
    problem = zb.load_problem("quad_general", p=4, d=3, kappa=2.0)
    solver = make_solver(
        "hf-zoba-shared", law="low-rank", rank=1, refresh=4, l1=3, rho=0.2, gamma=0.1, schedule="constant", h=1e-3
    )
    moments = SecondMoments(problem, replace(solver, law="gaussian", rank=None, refresh=None))
    count, p = 4000, problem.p
    first = kept_run(problem, solver, 1, replicates=1)[-1]
    bases = tuple(np.repeat(basis, count, axis=0) for basis in first.bases)
    begin = np.concatenate([np.ones(p), np.full(p, 0.5), -np.ones(problem.d)])
    solution = np.concatenate([
        problem.inner_solution(problem.minimizer), problem.adjoint(problem.minimizer), problem.minimizer
    ])  # fmt: skip
    z, v, x = np.split(np.tile(begin, (count, 1)), [p, 2 * p], axis=1)
    # An iteration number within a period, so that the bases are kept.
    state = KeptState(z, v, x, 1, Oracle(problem, count), np.random.default_rng(3), None, bases)
    seen = []
    for basis, n in zip(first.bases, (p, problem.d), strict=True):
        rows = -(-n // basis.shape[-2])
        whole = [np.kron(np.eye(rows), right @ right.T) for right in basis[0, 0]]
        seen.append(np.mean(whole, axis=0)[:n, :n])
    S = np.zeros((len(begin), len(begin)))
    S[:p, :p], S[p : 2 * p, p : 2 * p], S[2 * p :, 2 * p :] = seen[0], seen[0], seen[1]
    mean = begin - solution
    for _ in range(3):
        state = solver.step(state)
        mean = mean - moments.scale * (S @ moments.model.J @ mean)
        found = np.concatenate([state.z, state.v, state.x], axis=1) - solution
        limit = 6 * found.std(axis=0) / math.sqrt(count) + 1e-6  # and rounding over h^2
        assert (np.abs(found.mean(axis=0) - mean) <= limit).all()
    assert np.abs(S - np.eye(len(S))).max() > 0.5, "the bases must matter"


# What is derived for Gaussian directions only.


@pytest.mark.sample(1)
@pytest.mark.parametrize("law", OTHERS)
@pytest.mark.parametrize("preset", ACCEPTING)
def test_theorems_refuse_other_laws_by_name(preset, law):
    problem, theorem = zb.load_problem("reference", p=3, d=2), zb.theorem(preset)
    start = {"gap": 1.0, "z_error": 0.1, "v_error": 0.1}
    steps = {"schedule": "constant", "rho": 0.3, "gamma": 0.012, "h": 1e-4, "l1": 512, "l2": 512}
    fine = make_solver(preset, **steps)
    assert theorem.bound(problem.constants, 3, 2, fine, 100, start) > 0
    other = replace(fine, law=law)
    for method in (theorem.bound, theorem.certificate):
        with pytest.raises(ValueError, match=f"law = 'gaussian'.*the solver has law='{law}'"):
            method(problem.constants, 3, 2, other, 100, start)
    blocks = theorem.blocks_at(problem, problem.minimizer)
    for predict in (
        lambda **law: theorem.linear_noise(blocks, 0.01, 0.1, **law),
        lambda **law: theorem.horizon_mean(blocks, 0.01, 0.1, 4, 10, **law),
        lambda **law: theorem.noise_covariance(blocks, **law),
        lambda **law: theorem.iteration_noise(blocks, 2, 2, **law),
    ):
        predict(law="gaussian")
        with pytest.raises(ValueError, match=f"the solver has law='{law}'"):
            predict(law=law)


def test_claims_about_other_laws_are_refused():
    """What suites hand to the theory holds the law."""
    from zoba_bench.verification.protocols.shared.named import noise_options

    blocks = zb.theorem("hf-zoba").blocks_at(problem := zb.load_problem("reference", p=2, d=2), problem.minimizer)
    assert zb.theorem("hf-zoba").linear_noise(blocks, 0.01, 0.1, **noise_options({})) >= 0
    with pytest.raises(ValueError, match="the solver has law='sphere'"):
        zb.theorem("hf-zoba").linear_noise(blocks, 0.01, 0.1, **noise_options({"law": "sphere"}))


def test_a_law_of_a_shared_solver_is_an_option_of_the_command_line_too():
    import json

    from click.testing import CliRunner

    from zoba_bench.cli import cli

    arguments = ["solve", "reference", "--solver", "hf-zoba-shared", "--max-iterations", "3", "--json"]
    done = CliRunner().invoke(cli, [*arguments, "--set", "law=orthogonal", "--set", "l1=4"], standalone_mode=False)
    assert json.loads(done.output)["nit"] == [3]


@pytest.mark.sample(3)
@pytest.mark.parametrize("law", OTHERS)
@pytest.mark.parametrize("method", ["hf-zoba", "hf-zoba-shared"])
def test_minimize_takes_a_law(method, law):
    """Stages are judged by measured curvature, whatever the directions; the tolerance is on the distance."""

    def inner(z, x):
        return 0.5 * np.sum(np.array([1.0, 2.0]) * (z - np.tanh(x[..., :2])) ** 2, axis=-1)

    def outer(z, x):
        return np.sum((z - 0.5) ** 2, axis=-1) + 0.1 * np.sum(x**2, axis=-1)

    results = [
        zb.minimize(outer, inner, x0=[2.0, -1.0, 0.5], z0=[0.0, 0.0], method=method, law=chosen, seed=0,
                    vectorized=True, tolerance=1e-3)
        for chosen in ("gaussian", law)
    ]  # fmt: skip
    assert [result.status for result in results] == [Status.CONVERGED] * 2
    assert np.abs(results[0].x - results[1].x).max() <= 2e-3
