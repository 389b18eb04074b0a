"""How runs end: CONVERGED only where the distance is within the tolerance, and an honest status everywhere else."""

from __future__ import annotations

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.result import Status

from .support import Pair, curved, error, follow, quadratic, simple, solve, total

TOL = 1e-2


def digits(n):
    """Rounding to n significant digits."""

    def rounded(values):
        scale = 10.0 ** (n - 1 - np.floor(np.log10(np.abs(np.where(values == 0, 1.0, values)))))
        return np.round(values * scale) / scale

    return rounded


def precision(kind):
    return lambda values: values.astype(kind).astype(float)


def must_be_right(outcome, pair):
    """The solution was found, and the bound on its distance holds."""
    assert outcome.status == Status.CONVERGED, outcome.message
    assert error(outcome, pair) <= outcome.error_bound <= TOL


@pytest.mark.parametrize("seed", range(10))
def test_noise_in_the_outer_function_is_averaged(seed):
    pair = simple()
    must_be_right(solve(pair, noise={"outer": 1e-6}, seed=seed)[0], pair)


ROUNDED = {
    **{f"{level}, {n} digits": {level: digits(n)} for level in ("outer", "inner") for n in (7, 6, 4, 3)},
    **{f"{n} decimals": {"outer": lambda f, n=n: np.round(f, n)} for n in (7, 6, 4, 3)},
    "both, 6 digits": {"outer": digits(6), "inner": digits(6)},
    "integers": {"outer": lambda f: np.trunc(10 * f)},
    **{f"{level} {kind}": {level: precision(kind)}
       for level in ("outer", "inner") for kind in ("float16", "float32")},
}  # fmt: skip


@pytest.mark.parametrize("name", ROUNDED)
def test_rounded_values_never_converge_far_from_the_solution(name):
    pair = simple()
    outcome, _ = solve(pair, rounded=ROUNDED[name])
    assert outcome.status in (Status.CONVERGED, Status.NOISE_LIMITED), outcome.message
    if outcome.status == Status.CONVERGED:
        must_be_right(outcome, pair)
    # A quantum q of F hides a distance of about sqrt(2 q / 1.1): integers of 10 F have q = 1 and curvature 11.
    assert error(outcome, pair) <= 0.5


@pytest.mark.parametrize("name", ["outer, 7 digits", "outer, 6 digits", "outer, 4 digits", "outer float32"])
def test_moderate_rounding_still_converges(name):
    pair = simple()
    must_be_right(solve(pair, rounded=ROUNDED[name])[0], pair)


@pytest.mark.parametrize("level", ["outer", "inner"])
@pytest.mark.parametrize("offset", [1e9, 1e12])
def test_offsets_are_noise_of_their_rounding(level, offset):
    pair = simple()
    must_be_right(solve(pair, offset={level: offset})[0], pair)


def test_noise_in_the_inner_function_does_not_displace_z():
    pair = simple()
    outcome, _ = solve(pair, noise={"inner": 1e-5})
    must_be_right(outcome, pair)
    assert np.linalg.norm(outcome.z - pair.minimizer) <= TOL


def test_start_at_the_solution_converges_without_a_step():
    pair = simple()
    pair.z0 = pair.x0 = pair.minimizer
    outcome, _ = solve(pair)
    must_be_right(outcome, pair)
    assert outcome.nit == 0


def sigmoid(u):
    return 0.5 * (1.0 + np.tanh(u / 2))


FLAT = {
    "constant F": follow(lambda z, x: 0 * total(z) + 3.0, [1, 2], [0, 1]),
    "saturated": follow(lambda z, x: total((sigmoid(z) - 0.5) ** 2), [0], [60]),
}


@pytest.mark.parametrize("name", FLAT)
def test_nothing_to_minimise_is_flat(name):
    outcome, _ = solve(FLAT[name])
    assert outcome.status == Status.FLAT
    np.testing.assert_array_equal(outcome.x, FLAT[name].x0)


def square(z, x):
    return total((z - 1) ** 2) + total(x**2)


INNER = {
    "linear in z": (lambda z, x: total(z * x), Status.INNER_FAILED),
    "constant": (lambda z, x: 0 * total(z), Status.INNER_SINGULAR),
    "flat along z_2": (lambda z, x: (z[..., 0] - x[..., 0]) ** 2, Status.INNER_SINGULAR),
    "concave": (lambda z, x: -total((z - x) ** 2), Status.INNER_FAILED),
    "at a maximum": (lambda z, x: total(np.cos(z - x)), Status.INNER_SINGULAR),
}


@pytest.mark.parametrize("name", INNER)
def test_an_undefined_inner_solution_is_told_before_x_moves(name):
    function, status = INNER[name]
    outcome, values = solve(Pair(square, function, [1, 3] if name == "concave" else [3, 4], [3, 4]))
    assert outcome.status == status, outcome.message
    np.testing.assert_array_equal(outcome.x, [3, 4])
    assert values.total <= 400
    assert outcome.error_bound == np.inf


@pytest.mark.parametrize(
    ("outer", "x0"),
    [(lambda z, x: total(z), [1.0]), (lambda z, x: -total(z**2), [1.0, 2.0])],
    ids=["linear", "concave"],
)
def test_psi_unbounded_below_diverges_and_the_lowest_point_is_returned(outer, x0):
    outcome, _ = solve(follow(outer, x0, x0))
    assert outcome.status == Status.DIVERGED
    assert outcome.fun == min(outcome.history["value"] + [outcome.fun])


def test_inner_curvature_that_vanishes_at_the_solution_does_not_pass_for_converged():
    # G = (x + z - 20)^4: z* = 20 - x, but G_zz = 0 there. Right: x = 7.2, F = 2304.
    pair = Pair(
        lambda z, x: 16 * total(x**2) + 9 * total(z**2),
        lambda z, x: total((x + z - 20) ** 4),
        [10],
        [5],
        np.array([7.2]),
    )
    outcome, _ = solve(pair)
    assert outcome.status != Status.CONVERGED or error(outcome, pair) <= TOL
    assert error(outcome, pair) <= 0.1
    assert outcome.fun == pytest.approx(2304, rel=1e-3)


@pytest.mark.parametrize("x0", [0.0, 1.0, -3.0])
def test_slow_steps_towards_a_minimum_of_fourth_order_are_not_taken_for_its_distance(x0):
    pair = follow(lambda z, x: total((z - 0.1) ** 4), [x0], [x0], np.array([0.1]))
    outcome, _ = solve(pair)
    assert outcome.status != Status.CONVERGED or error(outcome, pair) <= TOL


def test_a_maximum_and_a_saddle_are_left():
    top = follow(lambda z, x: total(np.cos(z)), [0, 0], [0, 0])
    outcome, _ = solve(top)
    assert outcome.status == Status.CONVERGED
    np.testing.assert_allclose(np.cos(outcome.x), -1, atol=TOL**2)
    saddle = follow(lambda z, x: z[..., 0] ** 2 - z[..., 1] ** 2 + 0.1 * z[..., 1] ** 4, [1, 0], [1, 0])
    outcome, _ = solve(saddle)
    assert outcome.status == Status.CONVERGED
    np.testing.assert_allclose(np.abs(outcome.x), [0, np.sqrt(5)], atol=TOL)


@pytest.mark.parametrize("targets", [[1.0, 1.0], [0.0, 0.3, 0.6, 0.9, 1.2]])
def test_kinks_do_not_pass_for_converged_and_a_low_point_is_returned(targets):
    t = np.array(targets)
    pair = follow(lambda z, x: total(np.abs(z - t)), 0 * t + 2, 0 * t + 2, t)
    outcome, _ = solve(pair)
    assert outcome.status in (Status.STOPPED, Status.FLAT), outcome.message
    # z is settled again at the end, up to the rounding of forward differences, 1e-8, which |F_z| = sqrt(p) multiplies.
    assert outcome.fun <= min(outcome.history["value"]) + 1e-8 * np.sqrt(len(outcome.z))
    assert outcome.fun < 0.1 * pair.outer(2 + 0 * t, 2 + 0 * t)


@pytest.mark.parametrize("limit", [0, 1, 2, 3])
def test_the_bound_of_a_run_that_was_cut_is_that_of_the_point_it_returns(limit):
    for seed in range(4):
        pair = curved(4, 4, seed)
        outcome, _ = solve(pair, max_iterations=limit)
        assert outcome.status in (Status.MAX_ITERATIONS, Status.CONVERGED)
        assert error(outcome, pair) <= outcome.error_bound


@pytest.mark.parametrize("x0", [1.0, 5.0])
def test_an_inflection_point_is_no_minimum(x0):
    # Newton's steps halve on the way to 0, where slope and curvature of z^3 vanish; it falls on.
    outcome, _ = solve(follow(lambda z, x: total(z**3), [0.0], [x0]))
    assert outcome.status == Status.DIVERGED, outcome.message
    assert outcome.fun < 0


@pytest.mark.parametrize("seed", range(4))
def test_curvature_of_one_sided_quadratics_does_not_pass_for_that_of_psi(seed):
    start = np.array([3.0, 2.0]) + 0.3 * seed
    pair = Pair(
        lambda z, x: 0.5 * total((z - 1) ** 2) + 0.05 * total(x**2),
        lambda z, x: total(np.maximum(z - x, 0) ** 2) + 0.5 * total((z - x) ** 2), [0, 0], start, np.full(2, 1 / 1.1),
    )  # fmt: skip
    outcome, _ = solve(pair)
    assert error(outcome, pair) <= TOL
    if outcome.status == Status.CONVERGED:
        assert error(outcome, pair) <= outcome.error_bound


def test_the_best_point_seen_is_returned_from_a_start_at_a_kink():
    # From 0 the value is 2; the visited points go down to 0.
    outcome, _ = solve(follow(lambda z, x: total(np.abs(z - 1)), [0, 0], [0, 0]))
    # z is settled again at the end, up to the rounding of forward differences, 1e-8, which |F_z| = sqrt(p) multiplies.
    assert outcome.fun <= min(outcome.history["value"]) + 1e-8 * np.sqrt(len(outcome.z))


def test_values_that_end_act_as_a_bound():
    # F is NaN for x_1 <= 1.5: the constrained solution is (1.5, 1/1.1).
    pair = follow(
        lambda z, x: np.where(x[..., 0] <= 1.5, np.nan, 0.5 * total((z - 1) ** 2) + 0.05 * total(x**2)),
        [0, 0], [3, 2], np.array([1.5, 1 / 1.1]),
    )  # fmt: skip
    outcome, values = solve(pair)
    must_be_right(outcome, pair)
    assert "stop being finite" in outcome.message
    assert values.total <= 500


@pytest.mark.parametrize("budget", [1, 10, 60, 100, 150])
def test_the_budget_is_kept_and_the_best_point_returned(budget):
    pair = curved(5, 5)
    outcome, values = solve(pair, budget=budget)
    assert values.total <= budget
    assert outcome.status == Status.BUDGET
    assert np.isfinite(outcome.x).all()
    if outcome.history["value"]:
        assert outcome.fun <= outcome.history["value"][0] + 1e-9


def test_a_limit_of_iterations_and_a_callback_end_the_run():
    pair = curved(4, 4)
    outcome, _ = solve(pair, max_iterations=1)
    assert (outcome.status, outcome.nit) == (Status.MAX_ITERATIONS, 1)
    seen = []
    outcome, _ = solve(pair, on_iteration=lambda partial: bool(seen.append(partial.fun)) or len(seen) == 2)
    assert outcome.status == Status.STOPPED
    assert "callback" in outcome.message
    assert len(seen) == 2


@pytest.mark.parametrize("message", ["local in z"])
def test_the_message_says_what_kind_of_solution_was_found(message):
    assert message in solve(quadratic(3, 2))[0].message


def test_minimize_takes_this_method_unless_options_of_another_one_are_given():
    pair = simple()
    arguments = {"x0": pair.x0, "z0": pair.z0, "vectorized": True}
    found = zb.minimize(pair.outer, pair.inner, **arguments)
    assert found.method == "implicit"
    assert found.success
    assert found.nfev <= 150
    assert np.linalg.norm(found.x - pair.minimizer) <= found.error_bound <= 1e-3
    assert zb.minimize(pair.outer, pair.inner, l1=4, maxfev=2000, **arguments).method == "hf-zoba"
    with pytest.raises(TypeError, match="no option 'l1'"):
        zb.minimize(pair.outer, pair.inner, method="implicit", l1=4, **arguments)


def test_minimize_hands_bounds_and_units_on():
    pair = simple()
    found = zb.minimize(
        pair.outer, pair.inner, pair.x0, pair.z0, bounds=[(1.5, None), (None, 5)], x_scale=2.0, z_scale=[1.0, 3.0],
        vectorized=True,
    )  # fmt: skip
    assert found.success
    np.testing.assert_allclose(found.x, [1.5, 1 / 1.1], atol=1e-3)
    found = zb.minimize(pair.outer, pair.inner, pair.x0, pair.z0, z_bounds=[(None, 0.5), (None, None)], vectorized=True)
    assert found.z[0] == 0.5


def test_a_resumed_run_has_the_bits_of_a_whole_one(tmp_path):
    pair = curved(3, 3)
    arguments = {"x0": pair.x0, "z0": pair.z0}
    whole = zb.minimize(pair.outer, pair.inner, **arguments)
    calls = 0

    def breaks(z, x):
        nonlocal calls
        calls += 1
        if calls == whole.counts["inner"] // 2:
            raise RuntimeError("the cluster went down")
        return pair.inner(z, x)

    file = tmp_path / "run.sqlite"
    with pytest.raises(RuntimeError) as caught:
        zb.minimize(pair.outer, breaks, checkpoint=file, **arguments)
    assert caught.value.partial_result.nfev < whole.nfev
    resumed = zb.minimize(pair.outer, pair.inner, checkpoint=file, **arguments)
    assert resumed.x.tobytes() == whole.x.tobytes()
    assert resumed.nfev == whole.nfev
