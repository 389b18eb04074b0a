"""Calls of ``minimize`` that something ends or resumes: checkpoints, exceptions, Ctrl-C, time, callbacks."""

from __future__ import annotations

import itertools
import os
import signal
import sqlite3
import threading
import time

import numpy as np
import pytest

import zoba_bench as zb

START = {"x0": [2.0, -1.0], "z0": [0.0, 0.0], "seed": 0, "method": "hf-zoba"}


def inner(z, x):
    return float(0.5 * np.sum((z - np.tanh(x)) ** 2))


def outer(z, x):
    return float(np.sum((z - 0.5) ** 2) + 0.1 * np.sum(x**2))


PSI_START = outer(np.tanh(START["x0"]), np.array(START["x0"]))


class Interrupted:
    """F, and after so many calls of it something else happens, once or for good."""

    def __init__(self, calls, happens, once=False):
        self.left, self.happens, self.once, self.calls = calls, happens, once, 0

    def __call__(self, z, x):
        self.calls += 1
        self.left -= 1
        if self.left == 0 or (self.left < 0 and not self.once):
            return self.happens()
        return outer(z, x)


def refuse():
    raise OSError("the simulator has no licence")


def same(one, other):
    assert one.x.tobytes() == other.x.tobytes()
    assert one.z.tobytes() == other.z.tobytes()
    assert one.v.tobytes() == other.v.tobytes()
    assert (one.nfev, one.nit, one.fun, one.message) == (other.nfev, other.nit, other.fun, other.message)
    assert one.history == other.history


# Checkpoints


@pytest.mark.parametrize("calls", [3, 500])
def test_a_second_call_resumes_where_an_exception_ended_the_first(tmp_path, calls):
    whole = zb.minimize(outer, inner, **START)
    file = tmp_path / "run.sqlite"
    broken = Interrupted(calls, refuse)
    with pytest.raises(OSError, match="licence"):
        zb.minimize(broken, inner, checkpoint=file, **START)
    counted = Interrupted(10**9, refuse)
    resumed = zb.minimize(counted, inner, checkpoint=file, **START)
    same(whole, resumed)
    assert counted.calls == whole.n_outer - (calls - 1)
    assert 0 < resumed.counts["resumed"] < whole.nfev
    again = zb.minimize(broken, inner, checkpoint=str(file), **START)  # everything is there: nothing is evaluated
    same(whole, again)
    assert again.counts["resumed"] == whole.nfev


def test_a_limit_may_grow_from_call_to_call(tmp_path):
    file = tmp_path / "run.sqlite"
    short = zb.minimize(outer, inner, checkpoint=file, maxfev=1500, **START)
    assert short.status == zb.Status.BUDGET
    same(zb.minimize(outer, inner, **START), zb.minimize(outer, inner, checkpoint=file, **START))


def test_a_run_without_a_seed_keeps_its_directions(tmp_path):
    file = tmp_path / "run.sqlite"
    start = {**START, "seed": None}
    with pytest.raises(OSError):
        zb.minimize(Interrupted(400, refuse), inner, checkpoint=file, **start)
    resumed = zb.minimize(outer, inner, checkpoint=file, **start)
    assert resumed.counts["resumed"] > 1000
    same(resumed, zb.minimize(outer, inner, checkpoint=file, **start))


def test_repeated_points_get_their_own_values_and_nan_survives(tmp_path):
    from zoba_bench.minimization.checkpoint import Checkpoint

    Z, X = np.zeros((3, 2)), np.array([[1.0], [1.0], [2.0]])
    with Checkpoint(tmp_path / "a.sqlite", {"seed": 1}) as journal:
        keys = journal.keys("outer", Z, X)
        assert len(set(keys)) == 3
        assert journal.value(keys[0]) is None
        journal.record(zip(keys, Z, X, [1.5, np.nan, -np.inf], strict=True))
    with Checkpoint(tmp_path / "a.sqlite", {"seed": None}) as journal:
        assert journal.run["seed"] == 1
        found = [journal.value(key) for key in journal.keys("outer", Z, X)]
        np.testing.assert_array_equal(found, [1.5, np.nan, -np.inf])
        assert journal.value(journal.keys("outer", Z, X)[0]) is None  # asked for once more than it was recorded
        assert journal.value(journal.keys("inner", Z, X)[0]) is None


def test_a_vectorised_run_resumes(tmp_path):
    def many(z, x):
        return np.sum((z - 0.5) ** 2, -1) + 0.1 * np.sum(x**2, -1)

    def follow(z, x):
        return 0.5 * np.sum((z - np.tanh(x)) ** 2, -1)

    calls = itertools.count()

    def broken(z, x):
        if next(calls) > 100:
            raise OSError
        return many(z, x)

    file = tmp_path / "run.sqlite"
    with pytest.raises(OSError):
        zb.minimize(broken, follow, vectorized=True, checkpoint=file, **START)
    resumed = zb.minimize(many, follow, vectorized=True, checkpoint=file, **START)
    same(zb.minimize(many, follow, vectorized=True, **START), resumed)
    assert resumed.counts["resumed"] > 100


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"x0": [1.0, 1.0]}, "x0="),
        ({"seed": 5}, "seed=0, not 5"),
        ({"l1": 9}, "options="),
        ({"x_scale": 2.0}, "x_scale="),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(tmp_path, change, match):
    file = tmp_path / "run.sqlite"
    zb.minimize(outer, inner, checkpoint=file, maxfev=1000, **START)
    with pytest.raises(ValueError, match=f"belongs to a run with {match}"):
        zb.minimize(outer, inner, checkpoint=file, **{**START, **change})


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    text, other = tmp_path / "a.txt", tmp_path / "b.sqlite"
    text.write_text("my thesis\n" * 200)
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    for file, match in ((text, "is not a checkpoint"), (other, "of another kind"), (tmp_path / "no/x", "no folder")):
        with pytest.raises(ValueError, match=match):
            zb.minimize(outer, inner, checkpoint=file, **START)
    assert text.read_text().startswith("my thesis")


# Exceptions


def test_an_exception_carries_the_best_point_so_far():
    with pytest.raises(OSError, match="licence") as caught:
        zb.minimize(Interrupted(1500, refuse), inner, **START)
    best = caught.value.partial_result
    assert not best.success
    assert best.n_outer == 1500
    assert best.fun < PSI_START - 0.5
    assert abs(best.fun - outer(np.tanh(best.x), best.x)) <= 1e-3
    assert "partial_result" in "".join(caught.value.__notes__)


def test_a_single_failure_is_tried_again_and_counted():
    flaky = Interrupted(300, refuse, once=True)
    found = zb.minimize(flaky, inner, on_error="retry", **START)
    assert found.counts["repeated"] == 1
    assert flaky.calls == found.n_outer
    assert found.x.tobytes() == zb.minimize(outer, inner, **START).x.tobytes()


def test_a_single_nan_is_asked_for_again():
    found = zb.minimize(Interrupted(300, lambda: np.nan, once=True), inner, on_error="retry", **START)
    assert found.success
    assert found.counts["repeated"] == 1


def test_what_fails_three_times_is_raised():
    broken = Interrupted(300, refuse)
    with pytest.raises(OSError):
        zb.minimize(broken, inner, on_error="retry", **START)
    assert broken.calls == 302


@pytest.mark.parametrize("every", [317])
def test_skipped_calls_are_stepped_back_from(every):
    calls = itertools.count(1)

    def flaky(z, x):
        return refuse() if next(calls) % every == 0 else outer(z, x)

    found = zb.minimize(flaky, inner, on_error="skip", maxfev=60_000, **START)
    assert found.success, found.message
    assert np.linalg.norm(found.x - 0.4737) <= 1e-2
    assert found.counts["skipped"] >= 1
    assert "evaluations raised and were skipped, the first OSError: the simulator has no licence" in found.message


def test_repeated_evaluations_are_within_the_budget():
    calls = itertools.count(1)

    def flaky(z, x):
        return refuse() if next(calls) % 5 == 0 else outer(z, x)

    found = zb.minimize(flaky, inner, on_error="retry", maxfev=2000, **START)
    assert found.status == zb.Status.BUDGET
    assert found.n_outer == next(calls) - 1
    assert found.nfev <= 2000


# Ctrl-C, time, callbacks


@pytest.fixture
def interruptible():
    """A test run in the background ignores SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_returns_the_best_point():
    calls = itertools.count(1)

    def slow(z, x):
        if next(calls) == 1500:  # a real signal to this process, as a terminal sends it
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
        return outer(z, x)

    assert threading.current_thread() is threading.main_thread()
    found = zb.minimize(slow, inner, **START)
    assert found.status == zb.Status.STOPPED
    assert found.message.startswith("stopped by Ctrl-C")
    assert found.fun < PSI_START - 0.5
    assert found.nfev < zb.minimize(outer, inner, **START).nfev


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_is_raised_on_request_with_the_best_point():
    def stop():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)

    with pytest.raises(KeyboardInterrupt) as caught:
        zb.minimize(Interrupted(1500, stop), inner, on_interrupt="raise", **START)
    assert caught.value.partial_result.fun < PSI_START - 0.5


def test_time_ends_a_run():
    def slow(z, x):
        time.sleep(2e-3)
        return outer(z, x)

    found = zb.minimize(slow, inner, max_seconds=0.4, **START)
    assert found.status == zb.Status.STOPPED
    assert "max_seconds=0.4 have passed" in found.message
    assert 0 < found.n_outer <= 201  # no call of 2 ms is begun after 0.4 s


@pytest.mark.parametrize("way", ["raises", "returns"])
def test_a_callback_stops_the_run(way):
    seen = []

    def callback(intermediate_result):
        seen.append(intermediate_result)
        if len(seen) == 3:
            if way == "returns":
                return True
            raise StopIteration
        return None

    found = zb.minimize(outer, inner, callback=callback, **START)
    assert found.status == zb.Status.STOPPED
    assert len(seen) == 3
    assert [each.nit for each in seen] == found.history["iteration"]
    assert [each.nfev for each in seen] == found.history["evaluations"]
    assert found.nit == seen[-1].nit


def test_a_callback_gets_copies_that_it_cannot_write_to():
    def callback(intermediate_result):
        with pytest.raises(ValueError, match="read-only"):
            intermediate_result.x[0] = 99.0
        intermediate_result.x = None
        intermediate_result.history["value"].clear()

    found = zb.minimize(outer, inner, callback=callback, **START)
    same(found, zb.minimize(outer, inner, **START))


def test_what_a_callback_raises_leaves():
    def callback(intermediate_result):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        zb.minimize(outer, inner, callback=callback, **START)


def test_a_plain_run_has_callbacks_and_partial_results():
    options = {"rho": 0.5, "gamma": 0.05, "h": 1e-4}
    seen = []
    found = zb.minimize(outer, inner, callback=lambda r: seen.append(r.nit) or len(seen) == 5, **options, **START)
    assert (found.nit, seen) == (5, [1, 2, 3, 4, 5])
    with pytest.raises(OSError) as caught:
        zb.minimize(Interrupted(400, refuse), inner, **options, **START)
    assert 0 < caught.value.partial_result.nit < 400


# What was seen


@pytest.mark.parametrize("seed", [0])
def test_no_point_worse_than_one_seen_is_returned(seed):
    # A kink: the local model promises solutions where there are none. Psi(x) = |x_1 - 1| + |x_2 - 1|.
    found = zb.minimize(
        lambda z, x: float(np.sum(abs(z - 1))), lambda z, x: float(np.sum((z - x) ** 2)), [0.0, 0.0], [0.0, 0.0],
        seed=seed, maxfev=30_000,
    )  # fmt: skip
    assert np.sum(abs(found.x - 1)) <= 2.0 + 1e-3
    assert found.fun <= min(found.history["value"]) + 1e-3
    assert found.success is (found.status == zb.Status.CONVERGED)


def test_a_plain_run_that_diverges_returns_the_start():
    found = zb.minimize(outer, inner, rho=50.0, gamma=50.0, h=1e-4, **START)
    assert found.status in (zb.Status.DIVERGED, zb.Status.NON_FINITE)
    np.testing.assert_array_equal(found.x, START["x0"])
    assert "the start, which is returned" in found.message
