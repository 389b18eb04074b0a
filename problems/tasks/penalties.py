"""Hyperparameter selection: a penalty a feature of logistic regression, and one a class of softmax regression."""

from __future__ import annotations

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem, Card
from zoba_bench.problem.capabilities import Capabilities
from zoba_bench.validation import check_dimension

from .._base.family import family
from ._data import REQUIRES, Rows, breast_cancer, digits, parts
from ._logistic import Logistic
from ._penalised import penalised
from ._softmax import Softmax

__all__ = ["class_penalties", "feature_penalties"]

_FEATURES = 30
_UNBOUNDED = "fails: G_xz and G_xx contain exp(x) and z"
_ASSUMPTIONS = {
    "A1": f"strongly convex where x is bounded below; {_UNBOUNDED}",
    "A2": _UNBOUNDED,
    "A3": "holds except C_z and R, which are bounded where x is",
    "A4": "on bounded x",
    "A5": "holds, Psi >= 0",
}
_SOURCE = (
    "one exponential weight {} as in github.com/benchopt/benchmark_bilevel ({}); data as shipped by scikit-learn ({})"
)

_FEATURE = Card(
    summary="Logistic regression on the breast cancer data, one penalty per feature selected on validation rows.",
    source=_SOURCE.format("per feature", "ijcnn1", "Wolberg, Street and Mangasarian, UCI repository"),
    assumptions=_ASSUMPTIONS,
    quadratic_inner=False,
    psi_convexity="nonconvex",
    dimensions="p = d = 30 only (fewer with features); the infimum is not certified and may lie at infinity",
    requires=REQUIRES,
    small={"p": 3, "d": 3, "features": 3, "n_train": 60, "n_validation": 50},
    scalable=False,
    costly=True,
)


def _standardised(rows: Rows, train: Rows) -> Rows:
    return Rows((rows.features - train.features.mean(axis=0)) / train.features.std(axis=0), rows.labels)


@family(_FEATURE)
def feature_penalties(
    p: int | None = None,
    d: int | None = None,
    *,
    seed: int = 0,
    features: int = _FEATURES,
    n_train: int = 150,
    n_validation: int = 150,
) -> BilevelProblem:
    """Logistic regression with one exponential penalty a feature, selected on other rows.

    G = mean over the training rows of log(1 + exp(-s_i a_i'z)) + sum_j exp(x_j) z_j^2 / 2, F = the same mean over the
    validation rows. Features are standardised with the training rows' mean and deviation; there is no intercept. z*
    is found by Newton's method to rounding; v* and grad Psi follow from it by linear solves. The rows that are left
    are those of the measure "test accuracy".

    Parameters
    ----------
    p, d : int or None
        Both are the number of features and need not be given.
    seed : int
        Of the split into training, validation and test rows.
    features : int
        How many of the features are used, the first ones.
    n_train, n_validation : int
        Rows of the two levels.

    Raises
    ------
    ImportError
        Without scikit-learn.
    ValueError
        For a bad argument.
    """
    if check_dimension("features", features) > _FEATURES:
        raise ValueError(f"features must be at most {_FEATURES}, as many as the data have, got {features!r}")
    sizes_of({"p": (p, features), "d": (d, features)})
    sizes = check_dimension("n_train", n_train), check_dimension("n_validation", n_validation), None
    rows = breast_cancer()
    split = parts(rows.features[:, :features], rows.labels, sizes, seed)
    train, validation, test = (Logistic(*_standardised(part, split.train)) for part in split)

    def start(_: np.random.Generator) -> tuple[Array, Array]:
        return np.zeros(features), np.zeros(features)

    return penalised(
        "feature_penalties",
        train,
        validation,
        np.arange(features),
        start=start,
        card=_FEATURE,
        parameters={"seed": seed, "features": features, "n_train": n_train, "n_validation": n_validation},
        capabilities=Capabilities(measures={"test accuracy": lambda z, x: test.right(z)}),
    )


_CLASS = Card(
    summary="Softmax regression on digits, one penalty per class selected on validation images.",
    source=_SOURCE.format("per class", "covtype", "Alpaydin and Kaynak, UCI repository"),
    assumptions=_ASSUMPTIONS,
    quadratic_inner=False,
    psi_convexity="nonconvex",
    dimensions="d = classes, p = classes (side^2 + 1); the infimum is not certified and may lie at infinity",
    requires=REQUIRES,
    small={"p": 15, "d": 3, "classes": 3, "side": 2, "n_train": 60, "n_validation": 60},
    scalable=False,
    costly=True,
)


@family(_CLASS)
def class_penalties(
    p: int | None = None,
    d: int | None = None,
    *,
    seed: int = 0,
    classes: int = 5,
    side: int = 4,
    n_train: int = 100,
    n_validation: int = 100,
) -> BilevelProblem:
    """Softmax regression on digits with one exponential penalty a class, selected on other images.

    G = mean over the training images of the cross-entropy of the scores Z a_i + sum_c exp(x_c) |Z_c|^2 / 2, F = the
    same mean over the validation images; z holds the rows Z_c of Z. Images are the digits' with means over blocks of
    pixels, values in [0, 1], and a one for the intercept, which is penalised too. z* is found by Newton's method to
    rounding. Of the images that are left 500 are those of the measure "test accuracy".

    Parameters
    ----------
    p, d : int or None
        classes (side^2 + 1) and classes; they follow from the other arguments and need not be given.
    seed : int
        Of the split.
    classes : int
        Digits 0 to classes - 1, from 2 to 10.
    side : {1, 2, 4, 8}
        Pixels along a side of an image.
    n_train, n_validation : int
        Images of the two levels.

    Raises
    ------
    ImportError
        Without scikit-learn.
    ValueError
        For a bad argument.
    """
    rows = with_ones(classes, side)
    p, d = sizes_of({"p": (p, classes * (side**2 + 1)), "d": (d, classes)})
    asked = check_dimension("n_train", n_train), check_dimension("n_validation", n_validation)
    split = parts(*rows, (*asked, 500), seed)
    train, validation, test = (Softmax(*part, classes) for part in split)

    def start(_: np.random.Generator) -> tuple[Array, Array]:
        return np.zeros(p), np.full(d, -2.0)

    return penalised(
        "class_penalties",
        train,
        validation,
        np.repeat(np.arange(classes), side**2 + 1),
        start=start,
        card=_CLASS,
        parameters={"seed": seed, "classes": classes, "side": side, "n_train": n_train, "n_validation": n_validation},
        capabilities=Capabilities(measures={"test accuracy": lambda z, x: test.right(z)}),
    )


def with_ones(classes: int, side: int) -> Rows:
    """Digits with a one for the intercept; ValueError for a number of classes or of pixels that there is not."""
    if not 2 <= check_dimension("classes", classes) <= 10:
        raise ValueError(f"classes must be from 2 to 10, got {classes!r}")
    if side not in (1, 2, 4, 8):
        raise ValueError(f"side must be 1, 2, 4 or 8, got {side!r}")
    rows = digits(classes, side)
    return Rows(np.hstack([rows.features, np.ones((len(rows.labels), 1))]), rows.labels)


def sizes_of(given: dict[str, tuple[int | None, int]]) -> tuple[int, ...]:
    """Sizes that follow from other arguments; a ValueError for one that was given otherwise."""
    for name, (size, right) in given.items():
        if size is not None and size != right:
            raise ValueError(f"{name} must be {right} with these arguments, got {size!r}; leave it out")
    return tuple(right for _, right in given.values())
