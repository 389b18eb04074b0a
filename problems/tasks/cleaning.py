"""Data hyper-cleaning: one weight a training image, some of whose labels are wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array, spread, spread_vectors, square_norm
from zoba_bench.problem import BilevelProblem, Card
from zoba_bench.problem.capabilities import Capabilities
from zoba_bench.validation import check_dimension, check_real

from .._base import scalars
from .._base.family import family
from ._data import REQUIRES, parts
from ._implicit import closed_forms
from ._softmax import Softmax
from .penalties import sizes_of, with_ones

__all__ = ["digit_cleaning"]

_CARD = Card(
    summary="Data hyper-cleaning: a weight for each digit, some of which have wrong labels, validated on right ones.",
    source="hyper-cleaning with sigmoid weights and softmax regression as in arXiv 2010.07962 (stocBiO) and "
    "github.com/benchopt/benchmark_bilevel, there on MNIST; data of scikit-learn (Alpaydin and Kaynak, UCI)",
    assumptions={
        "A1": "strongly convex; G_xz and G_xx contain the losses, which grow with |z|",
        "A2": "on bounded z",
        "A3": "holds: |F_z| is bounded by the images",
        "A4": "holds: z* is bounded",
        "A5": "holds, Psi >= 0",
    },
    quadratic_inner=False,
    psi_convexity="nonconvex",
    dimensions="d = n_train, p = classes (side^2 + 1); the infimum is not certified",
    requires=REQUIRES,
    small={"p": 15, "d": 12, "classes": 3, "side": 2, "n_train": 12, "n_validation": 20},
    scalable=False,
    costly=True,
)


@family(_CARD)
def digit_cleaning(
    p: int | None = None,
    d: int | None = None,
    *,
    seed: int = 0,
    corruption: float = 0.5,
    classes: int = 5,
    side: int = 4,
    n_train: int = 100,
    n_validation: int = 100,
    ridge: float = 0.02,
) -> BilevelProblem:
    """Softmax regression on digits with wrong labels, one sigmoid weight a training image.

    G = mean over the training images of s(x_i) times the cross-entropy of the scores Z a_i for their labels + ridge
    |z|^2 / 2 with the sigmoid s, F = the mean cross-entropy of the validation images, whose labels are right. Of the
    training labels a share ``corruption`` is replaced by another class, uniformly. Images are as in
    ``class_penalties``. z* is found by Newton's method to rounding; G is strongly convex with the modulus ridge.

    Measures: "test accuracy" on 500 images with right labels, and "F1", that of the wrong labels among the images
    whose weight is below 1/2.

    Parameters
    ----------
    p, d : int or None
        classes (side^2 + 1) and n_train; they follow from the other arguments and need not be given.
    seed : int
        Of the split and of the wrong labels.
    corruption : float, from 0 to below 1
        Share of wrong labels, rounded to whole images.
    classes : int
        Digits 0 to classes - 1, from 2 to 10.
    side : {1, 2, 4, 8}
        Pixels along a side of an image.
    n_train, n_validation : int
        Images of the two levels.
    ridge : float, above 0
        Of the inner level.

    Raises
    ------
    ImportError
        Without scikit-learn.
    ValueError
        For a bad argument.
    """
    rows = with_ones(classes, side)
    n = check_dimension("n_train", n_train)
    p, d = sizes_of({"p": (p, classes * (side**2 + 1)), "d": (d, n)})
    corruption = check_real("corruption", corruption, at_least=0.0, below=1.0)
    ridge = check_real("ridge", ridge, above=0.0, hint="without it images of weight zero leave z free")
    split = parts(*rows, (n, check_dimension("n_validation", n_validation), 500), seed)
    labels, wrong = _corrupted(split.train.labels, corruption, classes, np.random.default_rng([seed, 1]))
    train = Softmax(split.train.features, labels, classes)
    validation, test = (Softmax(*part, classes) for part in split[1:])
    even = np.full(validation.n, 1.0 / validation.n)

    def weights(x: Array) -> Array:
        return scalars.sigmoid(x) / n

    def inner(z: Array, x: Array) -> Array:
        fit: Array = np.vecdot(train.losses(z), weights(x))
        return fit + 0.5 * ridge * square_norm(z)

    def outer(z: Array, x: Array) -> Array:
        return spread(np.vecdot(validation.losses(z), even), x)

    def inner_grad_z(z: Array, x: Array) -> Array:
        return train.slope(z, weights(x)) + ridge * z

    def inner_grad_x(z: Array, x: Array) -> Array:
        return np.asarray(scalars.sigmoid_first(x) / n * train.losses(z))

    def outer_grad_z(z: Array, x: Array) -> Array:
        return spread_vectors(validation.slope(z, even), x)

    def outer_grad_x(z: Array, x: Array) -> Array:
        return spread_vectors(np.zeros(d), z, x)

    def curvature(z: Array, x: Array) -> Array:
        lead = np.broadcast_shapes(z.shape[:-1], x.shape[:-1])
        return train.hessian(z, np.broadcast_to(weights(x), (*lead, n))) + ridge * np.eye(p)

    def inner_jvp_xz(z: Array, x: Array, v: Array) -> Array:
        return np.asarray(scalars.sigmoid_first(x) / n * train.slopes_along(z, v))

    def inner_jvp_zx(z: Array, x: Array, u: Array) -> Array:
        return train.slope(z, scalars.sigmoid_first(x) / n * u)

    def inner_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        cross = np.stack([inner_jvp_zx(z, x, unit) for unit in np.eye(d)])
        return curvature(z, x), cross, np.diag(scalars.sigmoid_second(x) / n * train.losses(z))

    def outer_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        return validation.hessian(z, even), np.zeros((d, p)), np.zeros((d, d))

    def recovered(_: Array, x: Array) -> Array:
        found = x < 0
        hits = (found & wrong).sum(axis=-1)
        return np.asarray(2 * hits / np.maximum(found.sum(axis=-1) + wrong.sum(), 1))

    return BilevelProblem(
        name="digit_cleaning", p=p, d=d, inner=inner, outer=outer, inner_grad_z=inner_grad_z,
        inner_grad_x=inner_grad_x, outer_grad_z=outer_grad_z, outer_grad_x=outer_grad_x,
        inner_hvp_zz=lambda z, x, v: train.product(z, v, weights(x)) + ridge * v,
        inner_jvp_xz=inner_jvp_xz, inner_jvp_zx=inner_jvp_zx, inner_hessian=inner_hessian,
        outer_hessian=outer_hessian,
        start=lambda _: (np.zeros(p), np.zeros(d)),
        parameters={
            "seed": seed, "corruption": corruption, "classes": classes, "side": side, "n_train": n,
            "n_validation": n_validation, "ridge": ridge,
        },
        card=_CARD,
        capabilities=Capabilities(
            measures={"test accuracy": lambda z, x: test.right(z), "F1": recovered},
            pictures=lambda z, x: split.train.features[np.argsort(x)[:20], :-1].reshape(-1, side, side),
        ),
        **closed_forms(
            inner, outer, slope=inner_grad_z, curvature=curvature, outer_slope=outer_grad_z, outer_x=outer_grad_x,
            cross=inner_jvp_xz, start=np.zeros(p),
        ),
    )  # fmt: skip


def _corrupted(
    labels: NDArray[np.int64], share: float, classes: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Labels of which a share is another class, and which ones."""
    wrong = np.zeros(len(labels), dtype=bool)
    wrong[rng.permutation(len(labels))[: round(share * len(labels))]] = True
    return np.where(wrong, (labels + rng.integers(1, classes, len(labels))) % classes, labels), wrong
