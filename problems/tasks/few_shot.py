"""Few-shot learning of digits: a shared linear representation, on which each task takes a few steps of its head."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zoba_bench.arrays import Array, Index, spread, spread_vectors, square_norm
from zoba_bench.problem import BilevelProblem, Card
from zoba_bench.problem.capabilities import Capabilities, Tasks
from zoba_bench.validation import check_dimension, check_real

from .._base.checks import attach
from .._base.family import family
from .._base.tasks import mean_gradients, task_checks
from ._data import REQUIRES, episodes
from ._heads import Heads
from .penalties import sizes_of

if TYPE_CHECKING:
    from zoba_bench.certification.certificate import Check

__all__ = ["few_shot"]

_UNSEEN = 10  # tasks that no method sees
#: Digits that they are made of; training tasks have the others.
_UNSEEN_CLASSES = (7, 8, 9)

_CARD = Card(
    summary="Few-shot learning: a linear representation of digits, on which a few steps fit a task's classifier.",
    source="meta-learning of a representation with an inner loop for the last layer, as in arXiv 1909.09157 (ANIL) and "
    "2010.07962 (ITD-BiO), there with networks; FOM and UFOM (arXiv 2106.02487) were published on Omniglot and "
    "CIFAR; here digits of scikit-learn (Alpaydin and Kaynak, UCI)",
    assumptions={
        "A1": "holds except L_xz and L_xx: G_xz and G_xx contain derivatives of phi_r(x), which grow with x",
        "A2": "on bounded x and z",
        "A3": "on bounded x and z",
        "A4": "on bounded x",
        "A5": "holds, Psi >= 0",
    },
    quadratic_inner=False,
    psi_convexity="nonconvex",
    dimensions="p = n_tasks ways features, d = features (side^2 + 1). Psi is the same for every rotation of the "
    "features: its minimisers are no points, and its infimum is not certified",
    requires=REQUIRES,
    small={
        "p": 8, "d": 10, "features": 2, "ways": 2, "shots": 2, "queries": 3, "n_tasks": 2, "side": 2, "steps": 3,
    },
    scalable=False,
    costly=True,
)  # fmt: skip


@family(_CARD)
def few_shot(
    p: int | None = None,
    d: int | None = None,
    *,
    seed: int = 0,
    features: int = 4,
    ways: int = 3,
    shots: int = 5,
    queries: int = 10,
    n_tasks: int = 20,
    side: int = 4,
    steps: int = 5,
    step: float = 1.0,
    decay: float = 0.01,
) -> BilevelProblem:
    """A representation of digits from which a few gradient steps on a few images make a classifier.

    x is the matrix W of k = ``features`` by side^2 + 1, whose last column is an intercept. Task i has ``ways`` digits,
    of each ``shots`` images to adapt with (support) and ``queries`` to be judged by. Its head phi, a matrix of
    ways by k, starts at phi_0 = 0 and takes ``steps`` steps of size ``step`` down L_i, the mean cross-entropy of the
    scores phi W a over the support images a; it pays the same mean over the query images, and decay |x|^2 / 2.

    As a bilevel problem: G = |z - phi_r(x)|^2 / 2, where phi_r has the adapted heads of all tasks, F = what tasks pay
    on average, and Psi is the meta-objective M. As a distribution of tasks of equal probability:
    ``capabilities.tasks``. Derivatives of phi_r are those of the inner loop, exactly.

    Digits 0 to 6 make the training tasks, 7 to 9 ten tasks that no method sees; no image is in two tasks. Images are
    those of ``class_penalties``. A run starts from z = 0 and normal x with variance 1 / (side^2 + 1).

    Measures: "unseen accuracy", that of the query images of the unseen tasks after their inner loops from x; "grad M",
    the norm of grad M; "bias", that of its difference to the mean first-order gradient, without the part that
    rotates the features: M does not change with them. Where descent along first-order gradients comes to rest, but for
    rotations, the two are equal.

    Parameters
    ----------
    p, d : int or None
        n_tasks ways features and features (side^2 + 1); they follow from the other arguments and need not be given.
    seed : int
        Of the images of the tasks and of the start.
    features : int
        k, numbers that an image is represented by.
    ways : {2, 3}
        Digits of a task.
    shots, queries : int
        Support and query images of each digit of a task.
    n_tasks : int
        Training tasks.
    side : {1, 2, 4, 8}
        Pixels along a side of an image.
    steps : int
        Inner gradient steps r.
    step : float, above 0
        Their size.
    decay : float, at least 0
        Weight of |x|^2 / 2.

    Raises
    ------
    ImportError
        Without scikit-learn.
    ValueError
        For a bad argument.
    """
    k, count = check_dimension("features", features), check_dimension("n_tasks", n_tasks)
    if ways not in (2, 3):
        raise ValueError(f"ways must be 2 or 3, got {ways!r}: the unseen tasks have three digits")
    if side not in (1, 2, 4, 8):
        raise ValueError(f"side must be 1, 2, 4 or 8, got {side!r}")
    r = check_dimension("steps", steps)
    step = check_real("step", step, above=0.0)
    decay = check_real("decay", decay, at_least=0.0)
    p, d = sizes_of({"p": (p, count * ways * k), "d": (d, k * (side**2 + 1))})
    sizes = check_dimension("shots", shots), check_dimension("queries", queries)
    rng = np.random.default_rng(seed)
    others = [digit for digit in range(10) if digit not in _UNSEEN_CLASSES]
    support, query = (Heads(rows, ways, k) for rows in episodes(others, side, ways, sizes, count, rng))
    unseen = [Heads(rows, ways, k) for rows in episodes(_UNSEEN_CLASSES, side, ways, sizes, _UNSEEN, rng)]
    first = rng.standard_normal(d) / np.sqrt(support.m)
    tasks, every = _tasks(support, query, r, step, decay), np.arange(count)

    def path(x: Array) -> list[Array]:
        """phi_0 to phi_r, each (..., tasks, q)."""
        theta = x[..., None, :]
        points = [tasks.initial(theta, every)]
        for _ in range(r):
            points.append(points[-1] - step * support.grad_phi(points[-1], theta, every))
        return points

    def solution(x: Array) -> Array:
        return path(x)[-1].reshape(*x.shape[:-1], p)

    def by_task(vector: Array) -> Array:
        return vector.reshape(*vector.shape[:-1], count, ways * k)

    def pulled(x: Array, v: Array) -> Array:
        """J'v with the derivative J of phi_r, backwards along the inner loop."""
        theta, b, total = x[..., None, :], by_task(v), np.zeros(d)
        for phi in path(x)[-2::-1]:
            total = total - step * support.cross(phi, theta, every, b).sum(axis=-2)
            b = b - step * support.hvp(phi, theta, every, b)
        return total

    def pushed(x: Array, u: Array) -> Array:
        """J u, along with the inner loop."""
        theta, along, tangent = x[..., None, :], u[..., None, :], np.zeros((count, ways * k))
        for phi in path(x)[:-1]:
            turned = support.hvp(phi, theta, every, tangent) + support.mixed(phi, theta, every, along)
            tangent = tangent - step * turned
        return tangent.reshape(*tangent.shape[:-2], p)

    def outer(z: Array, x: Array) -> Array:
        return np.asarray(query.loss(by_task(z), x[..., None, :], every).mean(axis=-1) + 0.5 * decay * square_norm(x))

    def outer_grad_z(z: Array, x: Array) -> Array:
        slope = query.grad_phi(by_task(z), x[..., None, :], every) / count
        return slope.reshape(*slope.shape[:-2], p)

    def outer_grad_x(z: Array, x: Array) -> Array:
        return np.asarray(query.grad_theta(by_task(z), x[..., None, :], every).mean(axis=-2) + decay * x)

    def value(x: Array) -> Array:
        return outer(solution(x), x)

    def hypergradient(x: Array) -> Array:
        z = solution(x)
        return outer_grad_x(z, x) + pulled(x, outer_grad_z(z, x))

    def accuracy(_: Array, x: Array) -> Array:
        theta, tests = x[..., None, :], np.arange(_UNSEEN)
        phi = np.zeros((*x.shape[:-1], _UNSEEN, ways * k))
        for _step in range(r):
            phi = phi - step * unseen[0].grad_phi(phi, theta, tests)
        return np.asarray(unseen[1].right(phi, theta, tests).mean(axis=-1))

    def bias(_: Array, x: Array) -> Array:
        flat = x.reshape(-1, d)
        _, short, exact = mean_gradients(tasks, flat)
        return np.asarray(np.linalg.norm(_still(flat, exact - short, k), axis=-1).reshape(x.shape[:-1]))

    problem = BilevelProblem(
        name="few_shot", p=p, d=d,
        inner=lambda z, x: np.asarray(0.5 * square_norm(z - solution(x))), outer=outer,
        inner_solution=solution, adjoint=lambda x: -outer_grad_z(solution(x), x), value=value,
        hypergradient=hypergradient,
        inner_grad_z=lambda z, x: z - solution(x),
        inner_grad_x=lambda z, x: pulled(x, solution(x) - z),
        outer_grad_z=outer_grad_z, outer_grad_x=outer_grad_x,
        inner_hvp_zz=lambda z, x, v: spread_vectors(v.copy(), z, x),
        inner_jvp_xz=lambda z, x, v: spread_vectors(-pulled(x, v), z),
        inner_jvp_zx=lambda z, x, u: spread_vectors(-pushed(x, u), z),
        start=lambda _: (np.zeros(p), first.copy()),
        # Beyond, the inner loop overshoots, and differences of its end say little of its slope.
        region=lambda z, x: (z, np.clip(x, -0.5, 0.5)),
        parameters={
            "seed": seed, "features": k, "ways": ways, "shots": shots, "queries": queries, "n_tasks": count,
            "side": side, "steps": r, "step": step, "decay": decay,
        },
        card=_CARD,
    )  # fmt: skip
    points = 0.3 * np.random.default_rng(0).standard_normal((5, d))

    def checks(subject: BilevelProblem) -> list[Check]:
        return task_checks(subject, points)

    return attach(problem, Capabilities(
        tasks=tasks, smaller_is_better=("grad M", "bias"),
        measures={
            "unseen accuracy": accuracy,
            "grad M": lambda z, x: np.asarray(np.linalg.norm(hypergradient(x), axis=-1)),
            "bias": bias,
        },
    ), checks)  # fmt: skip


def _still(x: Array, vectors: Array, features: int) -> Array:
    """Vectors (n, d) at x (n, d) without their parts along rotations of the features: along A W, A skew-symmetric."""
    W = x.reshape(len(x), features, -1)
    first, second = np.triu_indices(features, 1)
    turns = np.zeros((len(first), features, features))
    turns[np.arange(len(first)), first, second] = 1.0
    along = ((turns - turns.swapaxes(1, 2)) @ W[:, None]).reshape(len(x), len(first), -1)
    part: Array = (np.linalg.pinv(along) @ (along @ vectors[..., None]))[..., 0]
    return vectors - part


def _tasks(support: Heads, query: Heads, steps: int, step: float, decay: float) -> Tasks:
    def zeros(size: int, task: Index, *vectors: Array) -> Array:
        return np.zeros((*np.broadcast_shapes(np.shape(task), *(v.shape[:-1] for v in vectors)), size))

    def adapted(theta: Array, task: Index) -> Array:
        phi = zeros(support.q, task, theta)
        for _ in range(steps):
            phi = phi - step * support.grad_phi(phi, theta, task)
        return phi

    def outer(phi: Array, theta: Array, task: Index) -> Array:
        return spread(query.loss(phi, theta, task) + 0.5 * decay * square_norm(theta))

    return Tasks(
        probabilities=np.full(support.count, 1 / support.count),
        q=support.q,
        steps=steps,
        step=step,
        initial=lambda theta, task: zeros(support.q, task, theta),
        initial_pullback=lambda theta, task, v: zeros(support.d, task, theta, v),
        inner_grad=support.grad_phi,
        inner_hvp=support.hvp,
        inner_cross=support.cross,
        outer=outer,
        outer_grad_phi=query.grad_phi,
        outer_grad_theta=lambda phi, theta, task: query.grad_theta(phi, theta, task) + decay * theta,
        adapted=adapted,
    )
