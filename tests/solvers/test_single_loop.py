"""One step of every preset against a slow reference, its evaluations, and its symmetries."""

from __future__ import annotations

import inspect
import math
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from zoba_bench.oracle import Oracle
from zoba_bench.registry import list_solvers, make_solver
from zoba_bench.solvers.single_loop import Directions, State

EPS = np.finfo(np.float64).eps
PRESETS = ("zoba", "zoba-tuned", "zoba-mixed", "hf-zoba", "hf-zoba-shared")

# Large radii keep rounding small, so that the comparison with the reference is sharp.
RADII = {"h": 0.4, "l1": 3, "rho": 0.05}
SETTINGS: dict[str, dict[str, Any]] = {
    "one outer direction": {"l2": 1},
    "more outer directions": {"l2": 5},
    "eta differs from h": {"eta": 0.7, "l2": 2},
    "tuned radius": {"radius_rule": "tuned", "curvature_ratio": 2.5, "l2": 2},
    "eta overrides the rule": {"radius_rule": "tuned", "eta": 0.3, "l2": 2},
    "independent outer directions": {"outer_directions": "independent", "l2": 2},
    "constant steps, own gamma": {"schedule": "constant", "gamma": 0.02, "l2": 2},
    "gamma zero": {"gamma": 0.0, "l2": 2},
    "projection": {"v_radius": 0.9, "l2": 2},
    "inner samples only": {"b1": 4, "inner_samples": 6, "l2": 2},
    "outer samples only": {"b2": 3, "outer_samples": 6, "l2": 2},
    "b1 above b2, l1 above l2": {"b1": 4, "b2": 2, "inner_samples": 6, "outer_samples": 5, "l2": 2},
    "b1 above b2, l2 above l1": {"b1": 4, "b2": 2, "inner_samples": 6, "outer_samples": 5, "l2": 5},
    "b2 above b1, l1 above l2": {"b1": 2, "b2": 4, "inner_samples": 6, "outer_samples": 5, "l2": 2},
    "b2 above b1, l2 above l1": {"b1": 2, "b2": 4, "inner_samples": 6, "outer_samples": 5, "l2": 5},
    "samples, independent directions": {
        "b1": 2, "b2": 3, "inner_samples": 6, "outer_samples": 5, "l2": 4, "outer_directions": "independent",
    },
    "published batches": {"inner_samples": 6, "outer_samples": 5, "l2": 2},
}  # fmt: skip
HF_SETTINGS: dict[str, dict[str, Any]] = {
    "h_bar": {"h_bar": 0.3, "l2": 2},
    "normalized h_bar": {"h_bar": 0.3, "normalize_h_bar": True, "l2": 2},
    "plain h_bar": {"h_bar": 0.3, "normalize_h_bar": False, "l2": 2},
}


def cases() -> list[Any]:
    parameters = []
    for preset in PRESETS:
        for name, setting in {**SETTINGS, **(HF_SETTINGS if preset.startswith("hf") else {})}.items():
            options = {**RADII, **setting}
            if preset.startswith("hf"):
                options.setdefault("h_bar", 0.2)
            if preset == "hf-zoba-shared":
                if "outer_directions" in options:
                    continue
                del options["l2"]
            parameters.append(pytest.param(preset, options, id=f"{preset}: {name}"))
    return parameters


def split(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options of the solver, and those of the problem."""
    samples = {k: v for k, v in options.items() if k.endswith("_samples")}
    return {k: v for k, v in options.items() if k not in samples}, samples


def states(problem, rng, oracle, generator, k=0) -> State:
    """Replicates that differ, with |v| on both sides of 1."""
    r = oracle.replicates
    v = rng.standard_normal((r, problem.p))
    v *= (np.linspace(0.5, 2.0, r) / np.linalg.norm(v, axis=1))[:, None]
    return State(
        z=rng.standard_normal((r, problem.p)), v=v, x=rng.standard_normal((r, problem.d)), k=k,
        oracle=oracle, rng=generator,
    )  # fmt: skip


class Reference:
    """The algorithm box in plain loops, one replicate and one scalar at a time.

    ``largest`` bounds the rounding error of every function value it saw.
    """

    def __init__(self, problem, preset: str, options: dict[str, Any]) -> None:
        self.problem, self.preset = problem, preset
        self.p, self.d = problem.p, problem.d
        self.hf, self.shared = preset.startswith("hf"), preset == "hf-zoba-shared"
        get = options.get
        self.h, self.l1 = options["h"], options["l1"]
        self.l2 = self.l1 if self.shared else get("l2", 1)
        self.b1 = get("b1") or (25 if problem.inner_samples else 1)
        self.b2 = get("b2") or (10 if problem.outer_samples else 1)
        tuned = get("radius_rule", "tuned" if preset == "zoba-tuned" else "equal") == "tuned"
        ratio = math.sqrt(get("curvature_ratio", 1.0) * (self.d + 2) / (self.p + 2)) if tuned else 1.0
        self.eta = get("eta") or self.h / ratio
        self.h_bar, self.normalize = get("h_bar", 1e-3), get("normalize_h_bar", self.shared)
        self.rho, self.gamma = options["rho"], get("gamma", options["rho"] / 2)
        self.constant = get("schedule") == "constant"
        self.radius = get("v_radius", math.inf)
        self.independent = get("outer_directions") == "independent"
        self.largest = 0.0

    def draw(self, rng: np.random.Generator, replicates: int) -> dict[str, Any]:
        """Everything random of one iteration, in the order in which the solvers draw."""
        r, b, l = replicates, max(self.b1, self.b2), max(self.l1, self.l2)
        drawn: dict[str, Any] = {"xi": None, "zeta": None}
        if self.problem.inner_samples:
            drawn["xi"] = rng.integers(self.problem.inner_samples, size=(r, self.b1))
        if self.problem.outer_samples:
            drawn["zeta"] = rng.integers(self.problem.outer_samples, size=(r, self.b2))
        if self.independent:
            for names, shape in ((("w", "u"), (r, self.b1, self.l1)), (("fw", "fu"), (r, self.b2, self.l2))):
                drawn[names[0]] = rng.standard_normal((*shape, self.p))
                drawn[names[1]] = rng.standard_normal((*shape, self.d))
        else:
            drawn["w"] = drawn["fw"] = rng.standard_normal((r, b, l, self.p))
            drawn["u"] = drawn["fu"] = rng.standard_normal((r, b, l, self.d))
        if self.preset == "zoba-mixed":
            drawn["w2"] = rng.standard_normal((r, self.b1, self.l1, self.p))
        return drawn

    def value(self, function, z, x, sample) -> float:
        self.largest = max(self.largest, float(inspect.unwrap(function).rounding(z, x)))
        return float(function(z, x) if sample is None else function(z, x, sample))

    def step(self, z, v, x, k, drawn, r):
        """(z, v, x, |D_x|) after one step of replicate r."""
        F, G, h, eta = self.problem.outer, self.problem.inner, self.h, self.eta
        D_z, Hv, f_z = np.zeros(self.p), np.zeros(self.p), np.zeros(self.p)
        Cv, f_x = np.zeros(self.d), np.zeros(self.d)
        for i in range(self.b1):
            xi = None if drawn["xi"] is None else drawn["xi"][r, i]

            def g(q, y, xi=xi):
                return self.value(G, q, y, xi)

            for j in range(self.l1):
                w, u = drawn["w"][r, i, j], drawn["u"][r, i, j]
                if self.hf:
                    bar = self.h_bar / max(1.0, math.sqrt(v @ v)) if self.normalize else self.h_bar
                    q = z + bar * v
                    here_z, here_x = (g(z + h * w, x) - g(z, x)) / h, (g(z, x + eta * u) - g(z, x)) / eta
                    there_z, there_x = (g(q + h * w, x) - g(q, x)) / h, (g(q, x + eta * u) - g(q, x)) / eta
                    D_z += here_z * w
                    Hv += (there_z - here_z) / bar * w
                    Cv += (there_x - here_x) / bar * u
                    continue
                D_z += (g(z + h * w, x) - g(z - h * w, x)) / (2 * h) * w
                if self.preset == "zoba-mixed":
                    w2 = drawn["w2"][r, i, j]
                    k_ij = g(z + h * w + h * w2, x) - g(z + h * w, x) - g(z + h * w2, x) + g(z, x)
                    c_ij = g(z + h * w, x + eta * u) - g(z + h * w, x) - g(z, x + eta * u) + g(z, x)
                    Hv += k_ij / h**2 * (w @ v) * w2
                    Cv += c_ij / (h * eta) * (w @ v) * u
                else:
                    s_ij = (g(z + h * w, x) + g(z - h * w, x) - 2 * g(z, x)) / (2 * h**2)
                    c_ij = g(z + h * w, x + eta * u) + g(z - h * w, x - eta * u) - 2 * g(z, x)
                    Hv += s_ij * ((w @ v) * w - v)
                    Cv += c_ij / (2 * h * eta) * (w @ v) * u
        for i in range(self.b2):
            zeta = None if drawn["zeta"] is None else drawn["zeta"][r, i]
            for j in range(self.l2):
                w, u = drawn["fw"][r, i, j], drawn["fu"][r, i, j]
                f = self.value(F, z, x, zeta)
                f_z += (self.value(F, z + h * w, x, zeta) - f) / h * w
                f_x += (self.value(F, z, x + eta * u, zeta) - f) / eta * u
        n1, n2 = self.b1 * self.l1, self.b2 * self.l2
        D_v, D_x = Hv / n1 + f_z / n2, Cv / n1 + f_x / n2
        scale = 1.0 if self.constant else 1.0 / math.sqrt(k + 1)
        v_new = v - self.rho * scale * D_v
        length = math.sqrt(v_new @ v_new)
        if length > self.radius:
            v_new = v_new * (self.radius / length)
        return z - self.rho * scale * D_z / n1, v_new, x - self.gamma * scale * D_x, math.sqrt(D_x @ D_x)

    def limit(self, drawn, v) -> float:
        """Rounding of a surrogate: four wrong values over the smallest divisor, times |w|^2 max(1, |v|).

        The relative rounding of the at most b l products and additions is smaller by the factor h^2; both are
        counted, hence 8 for 4.
        """
        longest = max(np.linalg.norm(drawn[n], axis=-1).max() for n in ("w", "u", "fw", "fu", "w2") if n in drawn)
        bar = self.h_bar / max(1.0, np.linalg.norm(v, axis=-1).max())
        moves = (self.h, self.eta, bar) if self.hf else (self.h, self.eta)
        divisor = min(moves) * min(self.h, self.eta)
        return 8 * self.largest / divisor * max(1, longest) ** 2 * max(1.0, np.linalg.norm(v, axis=-1).max())


def compare_with_reference(problem, preset, options, seed=0, replicates=2, steps=3) -> None:
    solver = make_solver(preset, **options)
    reference = Reference(problem, preset, options)
    theirs = np.random.default_rng([seed, 7])
    state = states(problem, np.random.default_rng(seed), Oracle(problem, replicates), np.random.default_rng([seed, 7]))
    for k in range(steps):
        drawn = reference.draw(theirs, replicates)
        following = solver.step(state)
        for r in range(replicates):
            z, v, x, estimate = reference.step(state.z[r], state.v[r], state.x[r], k, drawn, r)
            limit = reference.limit(drawn, state.v)
            for name, expected in (("z", z), ("v", v), ("x", x), ("estimate", estimate)):
                actual = getattr(following, name)[r]
                error = np.abs(actual - expected).max()
                assert error <= limit, f"{name} at k={k}, replicate {r}: {actual} against {expected}, {limit=}"
        # A wrong factor, sign or direction changes an iterate by about rho = 0.05.
        assert limit < 1e-6, f"the comparison is blunt: {limit}"
        state = following
    assert state.k == steps


def test_every_registered_preset_is_covered():
    assert set(PRESETS) <= set(list_solvers())


@pytest.mark.sample(40)
@pytest.mark.parametrize(("preset", "options"), cases())
def test_step_equals_the_reference(bilevel, preset, options):
    options, samples = split(options)
    compare_with_reference(bilevel(3, 2, wave=0.5, **samples), preset, options)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(("p", "d"), [(1, 1), (1, 4), (4, 1), (2, 2)])
def test_step_equals_the_reference_in_other_dimensions(bilevel, preset, p, d):
    options = {**RADII, "eta": 0.6} | ({"h_bar": 0.2} if preset.startswith("hf") else {})
    compare_with_reference(bilevel(p, d, seed=3, wave=0.5), preset, options, seed=4)


def test_step_reads_the_iteration_from_its_state(bilevel):
    """Steps at k = 99 are a tenth of those at k = 0, along the same directions."""
    problem, solver = bilevel(), make_solver("hf-zoba", h=0.3, l1=2)
    moves = []
    for k in (0, 99):
        state = states(problem, np.random.default_rng(0), Oracle(problem, 2), np.random.default_rng(1), k=k)
        moves.append(solver.step(state).x - state.x)
    # x + move - x is rounded to eps |x|, times 10.
    np.testing.assert_allclose(moves[1] * 10, moves[0], rtol=0, atol=100 * EPS)


def test_projection_keeps_v_inside_the_ball_and_its_direction(bilevel):
    problem = bilevel()
    free, held = (make_solver("zoba", **RADII, v_radius=radius) for radius in (None, 0.6))
    outcome = []
    for solver in (free, held):
        state = states(problem, np.random.default_rng(0), Oracle(problem, 4), np.random.default_rng(1))
        outcome.append(solver.step(state).v)
    lengths = [np.linalg.norm(v, axis=1) for v in outcome]
    assert (lengths[0] > 0.6).any(), "the test needs a replicate that is projected"
    np.testing.assert_allclose(lengths[1], np.minimum(lengths[0], 0.6), rtol=8 * EPS)
    cosine = np.vecdot(*outcome) / (lengths[0] * lengths[1])
    np.testing.assert_allclose(cosine, 1.0, rtol=16 * EPS)


# Evaluations.

INNER = {
    "zoba": (4, 1),
    "zoba-tuned": (4, 1),
    "zoba-mixed": (6, 1),
    "hf-zoba": (4, 2),
    "hf-zoba-shared": (4, 2),
}


@pytest.mark.parametrize("stochastic", [False, True])
@pytest.mark.parametrize("preset", PRESETS)
def test_evaluations_of_an_iteration(bilevel, points, preset, stochastic):
    """b1 (4 l1 + 1), b1 (6 l1 + 1) or b1 (4 l1 + 2) inner and b2 (2 l2 + 1) outer, by both counts."""
    samples = {"inner_samples": 5, "outer_samples": 4} if stochastic else {}
    b1, b2, l1 = (3, 2, 4) if stochastic else (1, 1, 4)
    l2 = l1 if preset == "hf-zoba-shared" else 7
    problem = bilevel(**samples)
    replicates, iterations = 2, 3
    oracle = Oracle(problem, replicates)
    solver = make_solver(preset, l1=l1, l2=l2, b1=b1, b2=b2)
    state = states(problem, np.random.default_rng(0), oracle, np.random.default_rng(0))
    problem.inner.calls.clear()
    problem.outer.calls.clear()
    for _ in range(iterations):
        state = solver.step(state)
    a, c = INNER[preset]
    inner, outer = iterations * b1 * (a * l1 + c), iterations * b2 * (2 * l2 + 1)
    assert (oracle.n_inner == inner).all(), (oracle.n_inner, inner)
    assert (oracle.n_outer == outer).all(), (oracle.n_outer, outer)
    assert points(problem.inner.calls) == replicates * inner
    assert points(problem.outer.calls) == replicates * outer


@pytest.mark.parametrize("preset", PRESETS)
def test_published_batches_on_stochastic_levels(bilevel, preset):
    oracle = Oracle(bilevel(inner_samples=5, outer_samples=4), 1)
    assert make_solver(preset).batches(oracle) == (25, 10)
    assert make_solver(preset).batches(Oracle(bilevel(), 1)) == (1, 1)


@pytest.mark.parametrize("name", ["b1", "b2"])
def test_batch_on_a_deterministic_level_is_refused(bilevel, name):
    solver = make_solver("zoba", **{name: 3})
    with pytest.raises(ValueError, match=f"{name}=3, but this level has no samples: use {name}=1"):
        solver.init(Oracle(bilevel(), 1), np.random.default_rng(0), *np.zeros((3, 1, 3)))


# Replicates.


def advance(solver, state, directions, steps=3):
    """Steps along given directions instead of drawn ones."""
    with patch.object(type(solver), "draw", lambda *_: directions):
        for _ in range(steps):
            state = solver.step(state)
    return state


def difference_limit(problem, solver, state, directions, steps=3) -> float:
    """Rounding of ``steps`` steps: that of the surrogates, as in Reference.limit, amplified by a factor of at
    most 2 a step (step times curvature times |w|^4 stays below 1 for the steps used here)."""
    reach = max(np.abs(a).max() for a in directions[:4])
    box = [np.abs(a).max(axis=0) + 3 * solver.h * reach for a in (state.z, state.x)]
    value = max(inspect.unwrap(problem.inner).rounding(*box), inspect.unwrap(problem.outer).rounding(*box))
    moves = [solver.h, solver.eta or solver.h, getattr(solver, "h_bar", 1.0)]
    longest = max(np.linalg.norm(a, axis=-1).max() for a in directions[:4])
    v = max(1.0, np.linalg.norm(state.v, axis=-1).max())
    divisor = min(moves) * min(moves[:2])
    return 2**steps * 8 * value / divisor * max(1, longest) ** 2 * v


SMALL_STEPS = {"h": 0.4, "l1": 3, "rho": 1e-3}


def prepared(bilevel, preset, replicates=3, seed=0, **samples):
    options = dict(SMALL_STEPS) | ({"h_bar": 0.3} if preset.startswith("hf") else {})
    if samples:
        options |= {"b1": 3, "b2": 2}
    solver = make_solver(preset, **options)
    problem = bilevel(3, 2, wave=0.5, **samples)
    oracle = Oracle(problem, replicates)
    state = states(problem, np.random.default_rng(seed), oracle, np.random.default_rng(seed))
    directions = solver.draw(oracle, np.random.default_rng(seed + 1))
    return problem, solver, state, directions


def moved(state: State, **changes) -> State:
    fields = {name: getattr(state, name) for name in ("z", "v", "x", "k", "oracle", "rng")}
    return State(**(fields | changes))


@pytest.mark.parametrize("preset", PRESETS)
def test_replicate_does_not_depend_on_the_others(bilevel, preset):
    problem, solver, state, directions = prepared(bilevel, preset)
    other = moved(state, z=state.z.copy(), v=state.v.copy(), x=state.x.copy())
    other.z[1] += 3.0
    other.v[1] -= 2.0
    other.x[1] *= -4.0
    limit = difference_limit(problem, solver, state, directions)
    plain, perturbed = advance(solver, state, directions), advance(solver, other, directions)
    for name in ("z", "v", "x", "estimate"):
        a, b = getattr(plain, name)[[0, 2]], getattr(perturbed, name)[[0, 2]]
        assert np.abs(a - b).max() <= limit, f"{name}: {a} against {b}"
    assert np.abs(plain.x[1] - perturbed.x[1]).max() > 0.1


@pytest.mark.parametrize("samples", [{}, {"inner_samples": 5, "outer_samples": 4}], ids=["exact", "sampled"])
@pytest.mark.parametrize("preset", PRESETS)
def test_block_of_replicates_equals_a_loop_over_them(bilevel, preset, samples):
    problem, solver, state, directions = prepared(bilevel, preset, **samples)
    limit = difference_limit(problem, solver, state, directions)
    block = advance(solver, state, directions)
    for r in range(3):
        alone = moved(state, z=state.z[[r]], v=state.v[[r]], x=state.x[[r]], oracle=Oracle(problem, 1))
        mine = Directions(*(None if a is None else a[[r]] for a in directions))
        single = advance(solver, alone, mine)
        for name in ("z", "v", "x", "estimate"):
            a, b = getattr(block, name)[r], getattr(single, name)[0]
            assert np.abs(a - b).max() <= limit, f"{name} of replicate {r}: {a} against {b}"


@pytest.mark.parametrize("preset", PRESETS)
def test_same_generator_state_gives_the_same_bits(bilevel, preset):
    problem = bilevel(inner_samples=4, outer_samples=4)
    solver = make_solver(preset, l1=3)
    runs = []
    for _ in range(2):
        state = states(problem, np.random.default_rng(0), Oracle(problem, 2), np.random.default_rng(1))
        for _ in range(3):
            state = solver.step(state)
        runs.append(state)
    for name in ("z", "v", "x", "estimate"):
        assert np.array_equal(getattr(runs[0], name), getattr(runs[1], name))


def test_step_does_not_change_the_state_it_starts_from(bilevel):
    """Also where v is projected, which happens in place."""
    problem = bilevel()
    for preset in PRESETS:
        state = states(problem, np.random.default_rng(0), Oracle(problem, 2), np.random.default_rng(1))
        copies = {name: getattr(state, name).copy() for name in ("z", "v", "x")}
        make_solver(preset, l1=2, v_radius=0.1).step(state)
        for name, copy in copies.items():
            assert np.array_equal(getattr(state, name), copy)


def test_independent_outer_directions_share_nothing(bilevel):
    solver = make_solver("zoba", l1=3, l2=2, outer_directions="independent")
    drawn = solver.draw(Oracle(bilevel(), 2), np.random.default_rng(0))
    assert not np.isin(drawn.outer_w, drawn.w).any()
    assert not np.isin(drawn.outer_u, drawn.u).any()


def test_shared_outer_directions_are_views_of_the_inner_ones(bilevel):
    problem = bilevel(inner_samples=4, outer_samples=4)
    drawn = make_solver("zoba", l1=3, l2=2, b1=4, b2=2).draw(Oracle(problem, 2), np.random.default_rng(0))
    assert np.shares_memory(drawn.outer_w, drawn.w)
    assert np.shares_memory(drawn.outer_u, drawn.u)
    assert np.array_equal(drawn.outer_w, drawn.w[:, :2, :2])
    assert np.array_equal(drawn.outer_u, drawn.u[:, :2, :2])


# Equivariance.


def rotation(n: int, seed: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))[0]


@pytest.mark.parametrize("level", ["z", "x"])
@pytest.mark.parametrize("preset", PRESETS)
def test_surrogates_and_iterates_rotate_with_the_problem(bilevel, preset, level):
    """Rotating a variable, its directions and the problem rotates what belongs to it, and only that."""
    problem, solver, state, directions = prepared(bilevel, preset)
    P = rotation(3, 1) if level == "z" else np.eye(3)
    Q = rotation(2, 2) if level == "x" else np.eye(2)

    def turned(function):
        return lambda z, x: function(z @ P, x @ Q)

    rotated_problem = type(problem).from_functions(turned(problem.outer), turned(problem.inner), 3, 2)
    rotated_state = moved(state, z=state.z @ P.T, v=state.v @ P.T, x=state.x @ Q.T, oracle=Oracle(rotated_problem, 3))
    by_z = {"w", "outer_w", "second_w"}
    turned_directions = Directions(*(
        None if array is None else array @ (P.T if name in by_z else Q.T)
        for name, array in directions._asdict().items()
    ))  # fmt: skip
    # Rotations round each coordinate by at most 2 n eps of its vector: no more than the values themselves do,
    # when points move by that much. Hence twice the limit, and sqrt(3) from coordinates to lengths.
    limit = 4 * difference_limit(problem, solver, state, directions)
    plain = solver.surrogates(state, directions)
    rotated = solver.surrogates(rotated_state, turned_directions)
    for name, array in plain._asdict().items():
        matrix = Q if name in ("cross_v", "outer_gradient_x") else P
        error = np.abs(array @ matrix.T - getattr(rotated, name)).max()
        assert error <= limit, f"{name}: {error} above {limit}"
    plain, rotated = advance(solver, state, directions), advance(solver, rotated_state, turned_directions)
    for name, matrix in (("z", P), ("v", P), ("x", Q)):
        error = np.abs(getattr(plain, name) @ matrix.T - getattr(rotated, name)).max()
        assert error <= limit, f"{name}: {error} above {limit}"


@pytest.mark.parametrize("preset", ["zoba", "zoba-tuned"])
def test_reflection_of_all_directions_keeps_central_surrogates(bilevel, preset):
    """ZOBA's inner surrogates are even in (w, u), whatever the function."""
    problem, solver, state, directions = prepared(bilevel, preset)
    negative = Directions(*(None if a is None or a.dtype != float else -a for a in directions))
    limit = difference_limit(problem, solver, state, directions)
    plain, other = solver.surrogates(state, directions), solver.surrogates(state, negative)
    for name in ("inner_gradient", "hessian_v", "cross_v"):
        assert np.abs(getattr(plain, name) - getattr(other, name)).max() <= limit


# Configuration.


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("value", [0, -1.0, float("nan"), float("inf"), True, "0.1", None])
@pytest.mark.parametrize("name", ["h", "rho", "curvature_ratio"])
def test_positive_option_is_validated_by_name(preset, name, value):
    with pytest.raises(ValueError, match=f"{name} must be a positive finite number, got"):
        make_solver(preset, **{name: value})


@pytest.mark.parametrize("name", ["eta", "v_radius", "gamma"])
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), True, "0.1"])
def test_optional_number_is_validated_by_name(name, value):
    with pytest.raises(ValueError, match=f"{name} must be a (positive|non-negative) finite number, got"):
        make_solver("zoba", **{name: value})


@pytest.mark.parametrize("value", [0, -1.0, float("nan"), True])
def test_h_bar_is_validated(value):
    with pytest.raises(ValueError, match="h_bar must be a positive finite number, got"):
        make_solver("hf-zoba", h_bar=value)


@pytest.mark.parametrize("name", ["l1", "l2", "b1", "b2"])
@pytest.mark.parametrize("value", [0, -3, 1.5, True, "2"])
def test_count_is_validated_by_name(name, value):
    with pytest.raises(ValueError, match=f"{name} must be a positive integer, got"):
        make_solver("zoba", **{name: value})


@pytest.mark.parametrize(
    ("name", "wrong"), [("schedule", "linear"), ("radius_rule", "best"), ("outer_directions", "same")]
)
def test_choice_is_validated_and_lists_what_is_allowed(name, wrong):
    with pytest.raises(ValueError, match=rf"{name} must be one of '.*', '.*', got '{wrong}'"):
        make_solver("zoba", **{name: wrong})


def test_shared_preset_follows_l1_and_refuses_anything_else():
    assert make_solver("hf-zoba-shared", l1=7).l2 == 7
    with pytest.raises(ValueError, match=r"hf-zoba-shared needs l2 = l1 .* use hf-zoba"):
        make_solver("hf-zoba-shared", l1=7, l2=3)
    with pytest.raises(ValueError, match="outer_directions='independent'; use hf-zoba"):
        make_solver("hf-zoba-shared", outer_directions="independent")


@pytest.mark.parametrize("preset", PRESETS)
def test_configuration_is_immutable_and_compares_by_value(preset):
    solver = make_solver(preset, l1=3)
    with pytest.raises(AttributeError):
        solver.l1 = 4
    assert solver == make_solver(preset, l1=3)
    assert solver != make_solver(preset, l1=4)


def test_published_defaults():
    solver = make_solver("zoba")
    assert (solver.h, solver.l1, solver.l2, solver.rho) == (1e-3, 100, 1, 0.01)
    assert solver.steps(0) == (0.01, 0.005)
    assert solver.steps(3) == (0.005, 0.0025)
    assert solver.outer_radius(5, 3) == solver.h


def test_tuned_radius_ratio():
    """eta = h / r with r^2 = (L_xx / L_zz) (d + 2) / (p + 2)."""
    solver = make_solver("zoba-tuned", h=0.1, curvature_ratio=4.0)
    assert solver.outer_radius(7, 7) == pytest.approx(0.05, rel=4 * EPS)
    assert solver.outer_radius(2, 14) == pytest.approx(0.025, rel=4 * EPS)
