"""A function that is declared exact and is not is named, at the start and later."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.exactness import NotExactError, NotExactWarning

START = {"z0": [0.5, 0.5], "x0": [1.0, -1.0]}


def inner(z, x):
    return np.sum((z - x) ** 2, axis=-1)


def outer(z, x):
    return np.sum((z - 1) ** 2, axis=-1) + np.sum(x**2, axis=-1)


def noisy(function, size):
    """With another error each time, relative to the value."""
    rng = np.random.default_rng(0)
    return lambda z, x: function(z, x) * (1 + size * rng.standard_normal(np.broadcast_shapes(z.shape, x.shape)[:-1]))


def drifting(function, after):
    """That changes after so many calls, as one does that reads a clock, a counter or a file."""
    calls = iter(range(10**9))
    return lambda z, x: function(z, x) + (1e-3 if next(calls) > after else 0.0)


def solve(made, **options):
    return zb.solve(made, "hf-zoba", **START, **{"max_iterations": 12, **options})


@pytest.mark.parametrize("size", [1e-8, 1e-3])
@pytest.mark.parametrize("level", ["inner", "outer"])
def test_noise_is_refused_at_the_start_with_level_values_and_point(level, size):
    functions = {"inner": inner, "outer": outer, level: noisy({"inner": inner, "outer": outer}[level], size)}
    made = zb.Problem.from_functions(functions["outer"], functions["inner"], 2, 2, name="mine")
    with pytest.raises(
        ValueError, match=rf"{level} of problem 'mine' is declared exact and returned [\d.]+ and"
    ) as error:
        solve(made)
    assert "at the same point z = [0.5, 0.5], x = [1, -1]" in str(error.value)
    assert f"{level}_samples" in str(error.value)
    assert "zoba_bench.minimize" in str(error.value)


def test_verify_refuses_a_noisy_file_before_anything_is_measured(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "noisy.py").write_text(
        "import numpy as np\nimport zoba_bench as zb\nrng = np.random.default_rng(0)\n"
        "def inner(z, x):\n    return np.sum((z - x) ** 2, -1)\n"
        "def outer(z, x):\n    return inner(z, x) + 1e-6 * rng.standard_normal(inner(z, x).shape)\n"
        "P = zb.Problem.from_functions(outer, inner, 2, 2)\n"
    )
    with pytest.raises(NotExactError, match=r"outer of problem 'P' is declared exact"):
        zb.verify(problem="noisy.py:P", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_functions_of_single_points_are_asked_too():
    rng = np.random.default_rng(0)
    made = zb.Problem.from_functions(lambda z, x: float(rng.random()), lambda z, x: float(np.sum((z - x) ** 2)), 2, 2,
                                     vectorize=True)  # fmt: skip
    with pytest.raises(ValueError, match=r"outer of problem .* is declared exact"):
        solve(made)


@pytest.mark.parametrize(("after", "iteration"), [(7, 1), (40, 10)])
def test_a_drift_is_named_later_once_and_the_run_goes_on(after, iteration):
    made = zb.Problem.from_functions(outer, drifting(inner, after), 2, 2)
    with pytest.warns(NotExactWarning, match=rf"inner of problem .*, in iteration {iteration}\.") as met:
        result = solve(made, max_iterations=120)
    assert len(met) == 1
    assert result.nit.tolist() == [120]


def test_rounding_in_another_order_is_no_noise():
    made = zb.Problem.from_functions(outer, noisy(inner, 1e-13), 2, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solve(made)


def test_what_has_samples_is_not_declared_exact():
    samples = {"inner_samples": 3, "outer_samples": 2}
    made = zb.Problem.from_functions(
        lambda z, x, sample=None: noisy(outer, 0.1)(z, x),
        lambda z, x, sample=None: noisy(inner, 0.1)(z, x),
        2,
        2,
        **samples,
    )
    solve(made, b1=1, b2=1)


def test_what_is_not_finite_is_the_runs_to_report():
    made = zb.Problem.from_functions(outer, lambda z, x: np.nan * inner(z, x), 2, 2)
    assert solve(made).status.tolist() == [zb.Status.NON_FINITE]


def test_looking_is_not_counted_and_changes_no_bit():
    made = zb.Problem.from_functions(outer, inner, 2, 2)
    calls = []

    def counting(z, x):
        calls.append(1)
        return inner(z, x)

    first, second = solve(made), solve(zb.Problem.from_functions(outer, counting, 2, 2))
    assert np.array_equal(first.x, second.x)
    assert np.array_equal(first.n_inner, second.n_inner)
    # Six queries an iteration; two at the start, one after iterations 1 and 10.
    assert len(calls) == 6 * 12 + 4
