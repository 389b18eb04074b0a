"""Points of a batch over workers: the same bits whatever the number, and everything that can fail there."""

from __future__ import annotations

import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import zoba_bench as zb
from zoba_bench.minimization.black_box import BlackBox
from zoba_bench.minimization.outcome import BudgetExhausted
from zoba_bench.minimization.pool import Pool, split
from zoba_bench.minimization.values import Evaluator

RNG = np.random.default_rng(0)
Z, X = RNG.standard_normal((40, 3)), RNG.standard_normal((40, 2))
WEIGHTS = RNG.standard_normal((3, 3))


def boxes(function, vectorized=False, args=()):
    return {level: BlackBox(level, function, vectorized, args, np.ones(3), np.ones(2)) for level in ("inner", "outer")}


def values(function, workers, vectorized=False, **settings):
    with Pool(boxes(function, vectorized), workers) as pool:
        evaluator = Evaluator(pool, vectorized=vectorized, **settings)
        return evaluator.inner(Z, X), evaluator.outer(Z[:7], X[:7])


def closure():
    matrix = WEIGHTS.copy()
    return lambda z, x: float(z @ matrix @ z + np.exp(x).sum())


def pickling_map(function, tasks):
    """A map-like callable that pickles what it is given, as a pool of processes does."""
    return [pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(function))(task))) for task in tasks]


def test_a_closure_has_the_same_bits_for_every_number_of_workers_and_every_map():
    function = closure()
    found = [values(function, workers) for workers in (None, 1, 2, map, pickling_map)]
    with ThreadPoolExecutor(3) as executor:
        found.append(values(function, executor.map))
    expected = [function(z, x) for z, x in zip(Z, X, strict=True)]
    for inner, outer in found:
        assert inner.tolist() == expected
        assert outer.tolist() == expected[:7]


def test_a_vectorised_function_is_cut_by_content():
    def many(z, x):
        return np.sum((z @ WEIGHTS) * z, -1) + len(z)  # it sees how many points it got

    one, two = (values(many, workers, vectorized=True)[0] for workers in (map, pickling_map))
    assert one.tobytes() == two.tobytes()
    assert one.tobytes() != values(many, None, vectorized=True)[0].tobytes()
    assert len({len(range(*part.indices(40))) for part in split(40, True, True)}) == 1


@pytest.mark.parametrize("n", [1, 2, 31, 32, 33, 1000])
@pytest.mark.parametrize(("vectorized", "parallel"), [(False, False), (False, True), (True, False), (True, True)])
def test_parts_are_a_partition(n, vectorized, parallel):
    parts = split(n, vectorized, parallel)
    assert [i for part in parts for i in range(n)[part]] == list(range(n))
    assert not vectorized or len(parts) <= 32


def test_other_processes_with_one_thread_evaluate_and_what_they_raise_arrives():
    class Fails(Exception):  # it cannot be made from its arguments, as pickle tries to
        def __init__(self, one, two):
            super().__init__("two things are wrong")

    def faces(z, x):
        from threadpoolctl import threadpool_info

        if x[0] == 1.0:
            raise FileNotFoundError(2, "no mesh", "wing.msh")
        if x[0] == 2.0:
            raise Fails(1, 2)
        assert {library["num_threads"] for library in threadpool_info()} <= {1}
        return os.getpid()

    with Pool(boxes(faces), 2) as pool:
        evaluator = Evaluator(pool, vectorized=False)
        assert os.getpid() not in evaluator.inner(np.zeros((9, 3)), np.zeros((9, 2)))
        with pytest.raises(FileNotFoundError, match="no mesh") as caught:
            evaluator.outer(np.zeros((2, 3)), np.array([[0.0, 0.0], [1.0, 0.0]]))
        with pytest.raises(RuntimeError, match="Fails: two things are wrong"):
            evaluator.outer(np.zeros(3), np.array([2.0, 0.0]))
    notes = "\n".join(caught.value.__notes__)
    assert "single point" in notes
    assert "in a worker process" in notes
    assert "line" in notes


@pytest.mark.slow
def test_a_worker_that_dies_is_an_error_or_tried_again(tmp_path):
    flag = tmp_path / "died"

    def dies_once(z, x):
        if x[0] == X[5, 0] and not flag.exists():
            flag.touch()
            os._exit(3)
        return float(x[0])

    with Pool(boxes(dies_once), 2) as pool:
        with pytest.raises(RuntimeError, match="a worker process died while it evaluated inner"):
            Evaluator(pool, vectorized=False).inner(Z[:8], X[:8])
        flag.unlink()
        evaluator = Evaluator(pool, vectorized=False, on_error="retry")
        assert evaluator.inner(Z[:8], X[:8]).tolist() == X[:8, 0].tolist()
        assert evaluator.repeated["inner"] >= 1


def test_what_is_finished_in_a_batch_is_recorded_before_an_error_is_raised(tmp_path):
    from zoba_bench.minimization.checkpoint import Checkpoint

    def fails(z, x):
        if x[0] == X[0, 0]:
            raise ZeroDivisionError
        return float(x[0])

    with Checkpoint(tmp_path / "a", {"seed": 0}) as journal, pytest.raises(ZeroDivisionError):
        values(fails, map, checkpoint=journal)
    with Checkpoint(tmp_path / "a", {"seed": 0}) as journal:
        found = [journal.value(key) for key in journal.keys("inner", Z, X)]
    assert found == [None, *X[1:, 0].tolist()]


def test_minimize_over_workers_has_the_same_bits():
    target = 0.5

    def outer(z, x):
        return np.sum((z - target) ** 2) + 0.1 * np.sum(x**2)

    def run(workers):
        return zb.minimize(
            outer, lambda z, x: np.sum((z - np.tanh(x)) ** 2), [2.0], [0.0], seed=0, workers=workers, maxfev=400
        )

    here, there = run(1), run(2)
    assert here.x.tobytes() == there.x.tobytes()
    assert (here.nfev, here.message, here.history) == (there.nfev, there.message, there.history)


@pytest.mark.parametrize("workers", [0, -1, 2.0, True, "two"])
def test_bad_workers_are_named(workers):
    with pytest.raises(ValueError, match="workers must be a positive integer, or a callable"):
        zb.minimize(lambda z, x: 0.0, lambda z, x: 0.0, [1.0], [1.0], workers=workers)


@pytest.mark.parametrize("budget", range(6, 18))
def test_points_that_are_tried_again_leave_the_budget_to_the_rest_of_the_batch(budget):
    calls = []

    def fails_at_first(z, x):
        calls.append(x[0])
        return np.nan if x[0] in X[:3, 0] and calls.count(x[0]) < 3 else 1.0

    with Pool(boxes(fails_at_first), None) as pool:
        evaluator = Evaluator(pool, vectorized=False, on_error="retry", budget=budget)
        if budget < 12:  # 6 points, of which 3 are tried twice more
            with pytest.raises(BudgetExhausted, match="would exceed the budget; 0 are left"):
                evaluator.inner(Z[:6], X[:6])
        else:
            evaluator.inner(Z[:6], X[:6])
    assert len(calls) == evaluator.spent <= budget


# All points of an iteration at once


def bowl(z, x):
    return float(np.sum((z - 0.5) ** 2) + 0.1 * np.sum(x**2))


def following(z, x):
    return float(np.sum((z - np.tanh(x)) ** 2))


def batches(**options):
    """The levels of the points of each batch, and the result."""
    made = []

    def recorded(function, tasks):
        tasks = list(tasks)
        made.append([level for level, _ in tasks])
        return map(function, tasks)

    return made, zb.minimize(bowl, following, [1.0, 2.0], [0.0, 0.0], seed=0, workers=recorded, **options)


def test_an_iteration_of_a_single_loop_is_one_batch():
    options = {"method": "hf-zoba", "rho": 0.1, "gamma": 0.02, "h": 1e-4, "l1": 4, "l2": 4, "maxiter": 6}
    made, found = batches(**options)
    assert len(made) == 2 + 6 + 1  # the values at the start, the iterations, and F at the end
    assert all({"inner", "outer"} == set(batch) for batch in made[2:-1])
    alone = zb.minimize(bowl, following, [1.0, 2.0], [0.0, 0.0], seed=0, **options)
    assert found.x.tobytes() == alone.x.tobytes()
    assert found.nfev == alone.nfev == sum(map(len, made))


def test_a_two_loop_method_whose_points_depend_on_values_is_left_alone():
    options = {"method": "zdsba", "maxiter": 3}
    made, found = batches(**options)
    alone = zb.minimize(bowl, following, [1.0, 2.0], [0.0, 0.0], seed=0, **options)
    assert found.x.tobytes() == alone.x.tobytes()
    assert found.nfev == alone.nfev == sum(map(len, made))


def test_the_default_method_asks_for_both_levels_at_once_where_it_can():
    made, found = batches()
    assert found.success
    assert sum(len(set(batch)) == 2 for batch in made) >= 3
    assert found.nfev == sum(map(len, made))
