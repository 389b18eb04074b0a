"""The tasks on data: their rows, losses and measures, each against a second way to compute it."""

from __future__ import annotations

import numpy as np
import pytest
from zoba_bench.problems.tasks import _data
from zoba_bench.problems.tasks._classifier import Fooling, trained
from zoba_bench.problems.tasks._implicit import newton
from zoba_bench.problems.tasks._softmax import Softmax, sliced
from zoba_bench.problems.tasks.cleaning import _corrupted

from zoba_bench.registry import load_problem, missing_requirements, problem_groups

from .support import SUMS, own_size

NAMES = problem_groups()["tasks"]
pytestmark = pytest.mark.skipif(bool(missing_requirements("digit_cleaning")), reason="needs the data")


def small(name, **changes):
    return load_problem(name, **{**own_size(name), **changes})


@pytest.mark.slow  # importing scikit-learn takes seconds
def test_the_files_are_what_scikit_learn_loads():
    from sklearn import datasets

    images, labels = datasets.load_digits(return_X_y=True)
    mine = _data.digits(10)
    np.testing.assert_array_equal(mine.features * 16, images)
    np.testing.assert_array_equal(mine.labels, labels)
    features, labels = datasets.load_breast_cancer(return_X_y=True)
    np.testing.assert_array_equal(_data.breast_cancer().features, features)
    np.testing.assert_array_equal(_data.breast_cancer().labels, labels)


def test_no_row_has_two_purposes():
    rows = np.arange(50.0)[:, None]
    for sizes in ((20, 15, None), (20, 15, 12)):
        split = _data.parts(rows, np.zeros(50, dtype=np.int64), sizes, seed=3)
        seen = np.concatenate([part.features[:, 0] for part in split])
        assert len(set(seen)) == len(seen) == (50 if sizes[2] is None else 47)
    with pytest.raises(ValueError, match=r"at most 40, .* got 20 \+ 21"):
        _data.parts(rows, np.zeros(50, dtype=np.int64), (20, 21, None), seed=3)


def test_smaller_images_are_means_of_blocks():
    whole, quarter = _data.digits(3).features[5].reshape(8, 8), _data.digits(3, 4).features[5].reshape(4, 4)
    for i in range(4):
        for j in range(4):
            assert quarter[i, j] == pytest.approx(whole[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean(), rel=1e-14)


@pytest.mark.parametrize("size", [1.0, 400.0])  # scores within the range of exponentials, and far beyond
def test_cross_entropies_are_those_of_a_loop(size):
    rng = np.random.default_rng(0)
    features, labels = rng.standard_normal((7, 3)), rng.integers(4, size=7)
    fit, z = Softmax(features, labels, 4), size * rng.standard_normal((5, 12))
    for point, losses in zip(z, fit.losses(z), strict=True):
        scores = features @ point.reshape(4, 3).T
        expected = np.logaddexp.reduce(scores, axis=1) - scores[np.arange(7), labels]
        np.testing.assert_allclose(losses, expected, rtol=SUMS, atol=SUMS * size)


def test_slices_are_of_any_length():
    points = np.random.default_rng(0).standard_normal((2, 3, 50, 4))
    whole = sliced(lambda p: p.sum(axis=-1, keepdims=True), points, 1)
    np.testing.assert_array_equal(sliced(lambda p: p.sum(axis=-1, keepdims=True), points, 2**14), whole)
    stacked = sliced(lambda p: p.sum(axis=-1, keepdims=True), points[None], 2**14)
    np.testing.assert_array_equal(stacked[0], whole)


def test_what_newton_does_not_solve_is_nan_and_the_other_points_are_right():
    # exp(z) - z x has no minimum for x < 0, and log x where x > 0.
    x = np.array([[2.0], [-1.0], [5.0]])
    with np.errstate(all="ignore"):
        z = newton(
            lambda z, x: (np.exp(z) - z * x)[..., 0], lambda z, x: np.exp(z) - x, lambda z, x: np.exp(z)[..., None],
            x, np.zeros(1),
        )  # fmt: skip
    np.testing.assert_allclose(z[[0, 2]], np.log(x[[0, 2]]), rtol=1e-14)
    assert np.isnan(z[1]).all()


def test_the_asked_share_of_labels_is_wrong():
    labels = np.random.default_rng(0).integers(5, size=200)
    found, wrong = _corrupted(labels, 0.3, 5, np.random.default_rng(1))
    np.testing.assert_array_equal(found != labels, wrong)
    assert wrong.sum() == 60
    assert set(found) <= set(range(5))


def test_f1_is_one_where_exactly_the_wrong_labels_have_little_weight():
    clean, dirty = small("digit_cleaning", corruption=0.0), small("digit_cleaning")
    # A wrong label alone changes an image's loss: with equal z they tell which ones are wrong.
    z = np.random.default_rng(0).standard_normal(dirty.p)
    wrong = np.abs(dirty.inner_grad_x(z, np.zeros(12)) - clean.inner_grad_x(z, np.zeros(12))) > 1e-9
    f1 = dirty.capabilities.measures["F1"]
    assert wrong.sum() == 6
    assert f1(z, np.where(wrong, -1.0, 1.0)) == 1
    assert f1(z, np.where(wrong, 1.0, -1.0)) == 0
    assert f1(z, np.full(12, -1.0)) == pytest.approx(2 * 6 / (12 + 6))


def test_the_victim_is_a_classifier_and_no_image_is_of_the_target():
    problem = load_problem("universal_attack")
    rows = _data.digits(10)
    order = np.random.default_rng(0).permutation(1797)[800:]
    victim = trained(10, 8, 800, 0)
    wrong = victim.wrong(rows.features[order], rows.labels[order], np.zeros(64))
    assert wrong.mean() < 0.05
    nothing, x = np.zeros((1, 64)), np.zeros((1, 8))
    measures = problem.capabilities.measures
    assert [measures[name](nothing, x)[0] for name in ("success", "fooled", "distortion")] == [0, 0, 0]


def test_the_loss_of_the_attack_is_the_log_chance_of_the_target():
    victim, images = trained(3, 4, 60, 0), _data.digits(3, 4).features[:5]
    z = np.random.default_rng(0).standard_normal((2, 16))
    for point, losses in zip(z, Fooling(victim, images, 1).losses(z), strict=True):
        scores = victim.scores(images + point)
        np.testing.assert_allclose(losses, np.logaddexp.reduce(scores, axis=1) - scores[:, 1], rtol=SUMS)


@pytest.mark.parametrize("name", NAMES)
def test_measures_are_shares_of_one_point_or_many(name):
    problem = small(name)
    rng = np.random.default_rng(0)
    z, x = rng.standard_normal((4, problem.p)), rng.standard_normal((4, problem.d))
    for title, measure in problem.capabilities.measures.items():
        values = measure(z, x)
        assert values.shape == (4,), title
        np.testing.assert_allclose(values, [measure(a, b) for a, b in zip(z, x, strict=True)], rtol=SUMS)
        assert (values >= 0).all()
        assert title in problem.capabilities.smaller_is_better or (values <= 1).all()
    if problem.capabilities.pictures is not None:
        seen = problem.capabilities.pictures(z[0], x[0])
        assert seen.ndim == 3
        assert seen.min() >= 0
        assert seen.max() <= 1


@pytest.mark.parametrize(
    ("name", "keywords", "message"),
    [
        ("feature_penalties", {"features": 31}, "features must be at most 30"),
        ("feature_penalties", {"p": 4}, "p must be 30 with these arguments, got 4; leave it out"),
        ("class_penalties", {"side": 3}, "side must be 1, 2, 4 or 8, got 3"),
        ("class_penalties", {"d": 4}, "d must be 5 with these arguments, got 4; leave it out"),
        ("digit_cleaning", {"corruption": 1.0}, "corruption must be .* got 1.0"),
        ("universal_attack", {"target": 10}, "target must be a digit below classes=10, got 10"),
        ("universal_attack", {"side": 2}, "side must be 4 or 8, got 2"),
        ("few_shot", {"ways": 4}, "ways must be 2 or 3, got 4"),
        ("few_shot", {"side": 3}, "side must be 1, 2, 4 or 8, got 3"),
        ("few_shot", {"d": 4}, "d must be 68 with these arguments, got 4; leave it out"),
        ("few_shot", {"step": 0.0}, "step must be .* above 0, got 0.0"),
        ("few_shot", {"queries": 60}, r"shots \+ queries = 65 images of each of 3 digits are more than the data have"),
    ],
)
def test_a_bad_argument_is_named_with_its_value(name, keywords, message):
    with pytest.raises(ValueError, match=message):
        load_problem(name, **keywords)
