"""Attacks on a classifier of digits that is only queried for scores: one move of all images, penalties selected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from zoba_bench.arrays import Array, spread, spread_vectors
from zoba_bench.problem import BilevelProblem, Card
from zoba_bench.problem.capabilities import Capabilities
from zoba_bench.validation import check_dimension, check_real, is_integer

from .._base.family import family
from ._classifier import Classifier, Fooling, Margins, trained
from ._data import REQUIRES, Rows, Split, digits, parts
from ._penalised import penalised
from .penalties import sizes_of

__all__ = ["margin_attack", "universal_attack"]

_CLASSIFIER = 800  # images that train it

_UNIVERSAL = Card(
    summary="Universal perturbation: one move of all digits makes a classifier, queried for scores, see an 8.",
    source="own formulation of the kind of task that arXiv 2601.21836 (ZOBA) names in its abstract, whose own was not "
    "available; data as shipped by scikit-learn (Alpaydin and Kaynak, UCI repository)",
    assumptions={
        "A1": "strongly convex where x is bounded below; G_xz and G_xx contain exp(x) and z",
        "A2": "fails: G_xz and G_xx contain exp(x) and z",
        "A3": "holds except C_z and R, as F grows like |z|^2",
        "A4": "on bounded x",
        "A5": "holds, Psi >= 0",
    },
    quadratic_inner=False,
    psi_convexity="nonconvex",
    dimensions="p = side^2, d = p / 8 blocks of 2 x 4 pixels; the infimum is not certified",
    requires=REQUIRES,
    small={"p": 16, "d": 2, "classes": 3, "side": 4, "target": 1, "n_train": 12, "n_validation": 12},
    scalable=False,
    costly=True,
)


@family(_UNIVERSAL)
def universal_attack(
    p: int | None = None,
    d: int | None = None,
    *,
    seed: int = 0,
    classes: int = 10,
    side: int = 8,
    target: int = 8,
    n_train: int = 60,
    n_validation: int = 60,
    weight: float = 0.3,
) -> BilevelProblem:
    """One perturbation z of all images under penalties a block of pixels, which are selected on other images.

    G = mean over the training images a_i of l(a_i + z) + sum_j exp(x_b(j)) z_j^2 / 2, where l = -log(chance of the
    target class), which is made of the classifier's scores alone; b(j) is the block of pixel j. F = the same mean over
    the validation images + weight sum_k w_k |z_k|^2 / 2 over the blocks k: what the attack lacks, against distortion,
    which is seen more where images are blank: w_k is one over 1/4 plus the mean brightness of the block, with mean 1
    over the blocks. No image is of the target class. The classifier is softmax regression on 800 images that are used
    nowhere else. Images have values in [0, 1], which a perturbed one may leave. One evaluation of G is n_train queries
    of the classifier, one of F n_validation.

    Scores are linear in z and l is convex: G is strongly convex with the modulus min exp(x_k). z* is found by Newton's
    method to rounding. Measures: "success", the share of test images that are taken for the target, "fooled", the share
    that are not taken for what they are, and "distortion", |z| / sqrt(p).

    Parameters
    ----------
    p, d : int or None
        side^2 and side^2 / 8; they follow from the other arguments and need not be given.
    seed : int
        Of the split and of the classifier's training.
    classes : int
        Digits 0 to classes - 1, from 3 to 10.
    side : {4, 8}
        Pixels along a side of an image.
    target : int
        The digit that images shall be taken for.
    n_train, n_validation : int
        Images of the two levels.
    weight : float, above 0
        Of the distortion.

    Raises
    ------
    ImportError
        Without scikit-learn.
    ValueError
        For a bad argument.
    """
    _check_images(classes, side)
    if not is_integer(target) or not 0 <= target < classes:
        raise ValueError(f"target must be a digit below classes={classes}, got {target!r}")
    weight = check_real("weight", weight, above=0.0, hint="without it the outer level would let z grow without limit")
    p, d = sizes_of({"p": (p, side * side), "d": (d, side * side // 8)})
    classifier, split = _victim(seed, classes, side, n_train, n_validation, target)
    train, validation = (Fooling(classifier, part.features, target) for part in split[:2])
    test = split.test
    row, column = np.divmod(np.arange(p), side)
    blocks = (row // 2) * (side // 4) + column // 4
    brightness = np.bincount(blocks, split.validation.features.mean(axis=0)) / np.bincount(blocks)
    seen = 1.0 / (0.25 + brightness)
    return penalised(
        "universal_attack",
        train,
        validation,
        blocks,
        weights=weight * (seen / seen.mean())[blocks],
        start=lambda _: (np.zeros(p), np.zeros(d)),
        card=_UNIVERSAL,
        parameters={
            "seed": seed, "classes": classes, "side": side, "target": target, "n_train": n_train,
            "n_validation": n_validation, "weight": weight,
        },
        capabilities=_judged(classifier, test, target),
    )  # fmt: skip


_MARGIN = Card(
    summary="The attack of arXiv 2511.01126: one move of all digits under penalties of pixels, by margins of scores.",
    source="the attack of arXiv 2511.01126 (ZO-SOGD), there on MNIST with a network that was not found and with "
    "problems that change with time; here on the digits of scikit-learn (Alpaydin and Kaynak, UCI), with one problem",
    assumptions={
        "A1": "fails: G has kinks, and is convex only where exp(x) exceeds the concave part of the margins",
        "A2": "fails: kinks",
        "A3": "fails: kinks",
        "A4": "fails: z* need not be the only minimiser",
        "A5": "holds, F >= -kappa",
    },
    quadratic_inner=False,
    psi_convexity="nonconvex",
    smooth=False,
    dimensions="p = d = side^2; z*, Psi and its infimum are not known",
    requires=REQUIRES,
    small={"p": 16, "d": 16, "classes": 3, "side": 4, "n_train": 12, "n_validation": 12},
    scalable=False,
    costly=True,
)
#: z moves images whose values are scaled to [-5, 5].
_RANGE = 10.0


@family(_MARGIN)
def margin_attack(
    p: int | None = None,
    d: int | None = None,
    *,
    seed: int = 0,
    classes: int = 10,
    side: int = 8,
    n_train: int = 60,
    n_validation: int = 60,
    kappa: float = 0.0,
) -> BilevelProblem:
    """The black-box attack that ZO-SOGD was published with, on digits.

    With values of images scaled to [-5, 5] and l_i = max(score of the label - highest other score, -kappa):
    G = mean over the training images of l_i(a_i + z) + sum_j exp(x_j) z_j^2 / 2, F = the mean of l_i over the
    validation images; F has no direct x. The classifier is that of ``universal_attack``, as the published one was not
    found; the published box |z_j| <= 5 is in no step of the method there, and not here. Nothing holds the distortion
    back but the inner penalty: F is smallest where x is low. Where all images are misclassified F is flat, for
    kappa = 0. A run starts from x_j = -3, where z moves images by a tenth of their range.

    Measures: "fooled", the share of test images that were classified right and no longer are, and "distortion",
    |z| / sqrt(p) in units of the images' range.

    Parameters
    ----------
    p, d : int or None
        side^2, both; they follow from the other arguments and need not be given.
    seed : int
        Of the split and of the classifier's training.
    classes : int
        Digits 0 to classes - 1, from 3 to 10.
    side : {4, 8}
        Pixels along a side of an image.
    n_train, n_validation : int
        Images of the two levels.
    kappa : float, at least 0
        How far beyond being misclassified an image still counts.

    Raises
    ------
    ImportError
        Without scikit-learn.
    ValueError
        For a bad argument.
    """
    _check_images(classes, side)
    kappa = check_real("kappa", kappa, at_least=0.0)
    p, d = sizes_of({"p": (p, side * side), "d": (d, side * side)})
    classifier, split = _victim(seed, classes, side, n_train, n_validation, None)
    train, validation = (Margins(classifier, *part, kappa, 1 / _RANGE) for part in split[:2])
    judged = _judged(classifier, split.test, None)

    def inner(z: Array, x: Array) -> Array:
        penalty: Array = np.vecdot(np.exp(x), z * z)
        return train.mean(z) + 0.5 * penalty

    def rescaled(measure: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
        return lambda z, x: measure(z / _RANGE, x)

    return BilevelProblem(
        name="margin_attack", p=p, d=d, inner=inner, outer=lambda z, x: spread(validation.mean(z), x),
        inner_grad_z=lambda z, x: np.asarray(train.slope(z) + np.exp(x) * z),
        inner_grad_x=lambda z, x: np.asarray(0.5 * np.exp(x) * z * z),
        outer_grad_z=lambda z, x: spread_vectors(validation.slope(z), x),
        outer_grad_x=lambda z, x: spread_vectors(np.zeros(d), z, x),
        start=lambda _: (np.zeros(p), np.full(d, -3.0)), card=_MARGIN,
        parameters={
            "seed": seed, "classes": classes, "side": side, "n_train": n_train, "n_validation": n_validation,
            "kappa": kappa,
        },
        capabilities=replace(
            judged, measures={name: rescaled(measure) for name, measure in judged.measures.items()},
            pictures=None if judged.pictures is None else rescaled(judged.pictures),
        ),
        region=lambda z, x: (np.clip(z, -5.0, 5.0), np.clip(x, -5.0, 5.0)),
    )  # fmt: skip


def _check_images(classes: int, side: int) -> None:
    if not 3 <= check_dimension("classes", classes) <= 10:
        raise ValueError(f"classes must be from 3 to 10, got {classes!r}")
    if side not in (4, 8):
        raise ValueError(f"side must be 4 or 8, got {side!r}")


def _victim(
    seed: int, classes: int, side: int, n_train: int, n_validation: int, target: int | None
) -> tuple[Classifier, Split]:
    """The classifier and images that did not train it, none of them of the target class."""
    rows = digits(classes, side)
    trainers = min(_CLASSIFIER, len(rows.labels) // 2)
    order = np.random.default_rng(seed).permutation(len(rows.labels))[trainers:]
    kept = order if target is None else order[rows.labels[order] != target]
    sizes = check_dimension("n_train", n_train), check_dimension("n_validation", n_validation), None
    return trained(classes, side, trainers, seed), parts(rows.features[kept], rows.labels[kept], sizes, seed)


def _judged(classifier: Classifier, test: Rows, target: int | None) -> Capabilities:
    """Measures and pictures of a move of the test images."""
    images, labels = test
    side = int(np.sqrt(images.shape[1]))
    seen = classifier.wrong(images, labels, np.zeros(images.shape[1]))
    images, labels = images[~seen], labels[~seen]

    def taken(z: Array, _: Array) -> Array:
        return np.asarray((~classifier.wrong(images, np.full(len(labels), target), z)).mean(axis=-1))

    def pictures(z: Array, _: Array) -> Array:
        shown = images[: 2 * len(classifier.e)]
        move = np.clip(0.5 + z / (2 * np.abs(z).max() + 1e-300), 0, 1)
        return np.concatenate([shown, np.clip(shown + z, 0, 1), move[None]]).reshape(-1, side, side)

    measures = {
        "fooled": lambda z, x: np.asarray(classifier.wrong(images, labels, z).mean(axis=-1)),
        "distortion": lambda z, x: np.sqrt(np.vecdot(z, z) / z.shape[-1]),
    }  # fmt: skip
    return Capabilities(
        measures=measures if target is None else {"success": taken, **measures},
        smaller_is_better=("distortion",),
        pictures=pictures,
    )
