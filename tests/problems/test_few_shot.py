"""Few-shot learning: its tasks and inner loops against plain loops, and where first-order gradients lead."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from zoba_bench.problems._base.tasks import mean_gradients
from zoba_bench.problems.tasks import _data
from zoba_bench.problems.tasks._heads import Heads

import zoba_bench as zb
from zoba_bench.problem.capabilities import Capabilities
from zoba_bench.registry import load_problem, missing_requirements, theorem

from .support import SUMS, own_size

pytestmark = pytest.mark.skipif(bool(missing_requirements("few_shot")), reason="needs the data")


def test_no_image_is_in_two_tasks_and_rows_come_class_after_class(monkeypatch):
    labels = np.repeat(np.arange(10), 20)
    monkeypatch.setattr(_data, "digits", lambda classes, side: _data.Rows(np.arange(200.0)[:, None], labels))
    support, query = _data.episodes(range(7), 1, 3, (2, 4), 6, np.random.default_rng(0))
    assert support.shape == (6, 6, 2)
    assert query.shape == (6, 12, 2)
    assert (support[..., 1] == 1).all()
    rows = np.concatenate([support, query], axis=1)[..., 0].astype(int)
    assert len(set(rows.ravel())) == rows.size
    for near, far in zip(labels[rows[:, :6]], labels[rows[:, 6:]], strict=True):
        assert len(set(near)) == 3
        assert set(near) <= set(range(7))
        np.testing.assert_array_equal(near.reshape(3, 2)[:, 0], near.reshape(3, 2)[:, 1])
        np.testing.assert_array_equal(far, np.repeat(near[::2], 4))
    with pytest.raises(ValueError, match=r"shots \+ queries = 6 images of each of 3 digits are more than"):
        _data.episodes(range(7), 1, 3, (2, 4), 12, np.random.default_rng(0))


def slow_loop(support, query, W, classes, steps, step):
    """phi_r of one task, its mean cross-entropy and accuracy on the query rows, one row at a time."""

    def chances(phi, row):
        scores = phi @ (W @ row)
        return np.exp(scores) / np.exp(scores).sum()

    of_support, of_query = (np.repeat(np.arange(classes), len(rows) // classes) for rows in (support, query))
    phi = np.zeros((classes, len(W)))
    for _ in range(steps):
        slope = np.zeros_like(phi)
        for row, label in zip(support, of_support, strict=True):
            slope += np.outer(chances(phi, row) - np.eye(classes)[label], W @ row) / len(support)
        phi = phi - step * slope
    found = [chances(phi, row) for row in query]
    losses = [-np.log(chance[label]) for chance, label in zip(found, of_query, strict=True)]
    hits = [chance.argmax() == label for chance, label in zip(found, of_query, strict=True)]
    return phi, np.mean(losses), np.mean(hits)


def test_the_objective_and_the_unseen_accuracy_are_those_of_plain_loops():
    problem = load_problem("few_shot", n_tasks=3, queries=4, steps=3, step=0.7, decay=0.05)
    rng = np.random.default_rng(0)
    support, query = _data.episodes(range(7), 4, 3, (5, 4), 3, rng)
    unseen = _data.episodes((7, 8, 9), 4, 3, (5, 4), 10, rng)
    x = 0.5 * np.random.default_rng(1).standard_normal((1, problem.d))
    W = x.reshape(4, 17)
    made = [slow_loop(*rows, W, 3, 3, 0.7) for rows in zip(support, query, strict=True)]
    np.testing.assert_allclose(problem.inner_solution(x)[0], np.concatenate([phi.ravel() for phi, _, _ in made]))
    expected = np.mean([loss for _, loss, _ in made]) + 0.05 * (x**2).sum() / 2
    np.testing.assert_allclose(problem.value(x), expected, rtol=SUMS)
    accuracy = np.mean([slow_loop(*rows, W, 3, 3, 0.7)[2] for rows in zip(*unseen, strict=True)])
    np.testing.assert_allclose(problem.capabilities.measures["unseen accuracy"](None, x), accuracy)


def test_one_task_at_a_time_equals_all_tasks_at_once():
    rng = np.random.default_rng(0)
    heads = Heads(rng.standard_normal((3, 6, 5)), 2, 2)
    phi, v, theta, u = (rng.standard_normal((4, 3, n)) for n in (4, 4, 10, 10))
    every = np.arange(3)
    for function, more in (
        (heads.loss, ()), (heads.right, ()), (heads.grad_phi, ()), (heads.grad_theta, ()), (heads.hvp, (v,)),
        (heads.cross, (v,)), (heads.mixed, (u,)),
    ):  # fmt: skip
        whole = function(phi, theta, every, *more)
        for task in every:
            alone = function(phi[:, task], theta[:, task], np.array(task), *(w[:, task] for w in more))
            np.testing.assert_array_equal(whole[:, task], alone)
    np.testing.assert_allclose(
        np.vecdot(heads.cross(phi, theta, every, v), u), np.vecdot(heads.mixed(phi, theta, every, u), v), rtol=1e-12
    )


@pytest.mark.parametrize(
    "name",
    [
        "probabilities", "initial_pullback", "inner_grad", "inner_hvp", "inner_cross", "outer", "outer_grad_phi",
        "outer_grad_theta", "adapted",
    ],
)  # fmt: skip
def test_an_error_in_a_part_of_the_tasks_is_seen(name):
    problem = load_problem("few_shot", **own_size("few_shot"))
    tasks = problem.capabilities.tasks
    right = getattr(tasks, name)
    changed = (lambda *arguments: 1.001 * right(*arguments) + 1e-3) if callable(right) else right + 1e-3
    wrong = replace(problem, capabilities=Capabilities(tasks=replace(tasks, **{name: changed})))
    assert all(check.ok for check in problem.extra_checks())
    assert not all(check.ok for check in problem.extra_checks(wrong))


# Where methods lead. The reference is a run along exact gradients, written out here.


@pytest.fixture(scope="module")
def problem():
    return load_problem("few_shot", n_tasks=6)


def end(problem, name, **options):
    """x after a run on all tasks at once, one replicate."""
    z0, x0 = problem.initial_point(np.random.default_rng(0))
    result = zb.solve(
        problem, name, z0=z0, x0=x0, max_iterations=options.pop("iterations"), record_every=None,
        batch=None, schedule="constant", seed=0, **options,
    )  # fmt: skip
    return result.x


def norms(vectors):
    return float(np.linalg.norm(vectors, axis=-1)[0])


def test_first_order_descent_rests_where_grad_m_is_the_bias_and_exact_descent_where_it_is_zero(problem):
    tasks, measures = problem.capabilities.tasks, problem.capabilities.measures
    x = end(problem, "fom", gamma=1.0, iterations=3000)
    _, first, exact = mean_gradients(tasks, x)
    # M does not change along A W, A skew-symmetric: there alone first-order descent does not come to rest.
    W = x.reshape(4, 17)
    units = [np.outer(a, b) - np.outer(b, a) for i, a in enumerate(np.eye(4)) for b in np.eye(4)[:i]]
    turning, _ = np.linalg.qr(np.stack([(unit @ W).ravel() for unit in units], axis=1))
    assert np.abs(exact @ turning).max() < 1e-12
    assert norms(first - first @ turning @ turning.T) < 0.005 * norms(exact)
    bias = exact - first
    assert measures["bias"](None, x)[0] == pytest.approx(norms(bias - bias @ turning @ turning.T), rel=1e-9)
    assert measures["grad M"](None, x)[0] == pytest.approx(norms(exact), rel=1e-9)
    assert measures["bias"](None, x)[0] == pytest.approx(norms(exact), rel=1e-3)
    assert norms(exact) > 0.02
    first_order = problem.value(x)[0]
    # The exact gradients of UFOM, and the same steps along grad Psi.
    x = problem.initial_point(np.random.default_rng(0))[1][None]
    for _ in range(3000):
        x = x - problem.hypergradient(x)
    assert norms(problem.hypergradient(x)) < 1e-4
    assert norms(problem.hypergradient(end(problem, "ufom", q=1.0, gamma=1.0, iterations=3000))) < 1e-4
    assert first_order > problem.value(x)[0] + 1e-3


def test_the_bias_is_below_the_bounds_of_the_theorem(problem):
    """Of the mean by that of the squares, and of those by the constants of the inner loops met at this point."""
    tasks, x = problem.capabilities.tasks, end(problem, "fom", gamma=1.0, iterations=500)
    every, theta = np.arange(tasks.count), x[:, None, :]
    one = [replace(tasks, probabilities=np.eye(tasks.count)[i]) for i in every]
    squares = [norms(exact - first) ** 2 for _, first, exact in (mean_gradients(task, x) for task in one)]
    _, first, exact = mean_gradients(tasks, x)
    assert norms(exact - first) ** 2 <= np.mean(squares)
    phi, largest = tasks.initial(theta, every), 0.0
    units = np.eye(tasks.q)
    for _ in range(tasks.steps):
        for function in (tasks.inner_hvp, tasks.inner_cross):
            blocks = function(phi[:, :, None], theta[:, :, None], every[:, None], units)
            largest = max(largest, np.linalg.norm(blocks, 2, axis=(-1, -2)).max())
        phi = phi - tasks.step * tasks.inner_grad(phi, theta, every)
    slope = np.linalg.norm(tasks.outer_grad_phi(phi, theta, every), axis=-1).max()
    (step,) = [step for step in theorem("fom").steps if step.name == "bias bound"]
    bound = step.statement.rhs
    values = {"M_1": 0.0, "L_1": slope, "L_2": largest, "alpha": tasks.step, "r": tasks.steps}
    bound = float(bound.subs({letter: values[letter.name] for letter in bound.free_symbols}))
    assert max(squares) ** 0.5 <= bound


def test_one_query_of_itd_bio_stands_for_what_its_tasks_cost():
    from zoba_bench.comparison.applications.settings import APPLICATIONS

    for suite in APPLICATIONS.values():
        (task,) = [task for task in suite["tasks"] if task.problem["name"] == "few_shot"]
        problem = load_problem(**task.problem)
        z0, x0 = problem.initial_point(np.random.default_rng(0))
        spent = []
        for name, options in (("ufom", {"batch": None, "q": 1.0}), ("itd-bio", task.options("itd-bio", "")[0])):
            result = zb.solve(problem, name, z0=z0, x0=x0, max_iterations=1, record_every=None, seed=0, **options)
            spent.append(sum(int(np.sum(count)) for count in result.counts.values()))
        assert spent[0] == task.worth["itd-bio"] * spent[1]
        assert task.budget("itd-bio", "derivatives") == task.budgets["derivatives"] // task.worth["itd-bio"]
        assert task.budget("fom", "derivatives") == task.budgets["derivatives"]
