"""``minimize``: two black-box functions in, a minimiser out, nothing to set by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from zoba_bench.arrays import Array
from zoba_bench.minimization.black_box import check_black_boxes, wrap
from zoba_bench.minimization.stages import Job
from zoba_bench.problem import BilevelProblem
from zoba_bench.registry import entry, make_solver
from zoba_bench.result import Result
from zoba_bench.validation import check_dimension

__all__ = ["minimize"]


def minimize(
    outer: Callable[..., Any],
    inner: Callable[..., Any],
    *,
    x0: ArrayLike,
    z0: ArrayLike,
    method: str = "hf-zoba",
    vectorized: bool = False,
    seed: int | None = None,
    max_iterations: int | None = None,
    budget: int | None = None,
    tolerance: float | None = None,
    **options: Any,
) -> Result:
    """Minimise Psi(x) = outer(z*(x), x), z*(x) = argmin over z of inner(z, x), from values only.

    Parameters
    ----------
    outer, inner : callable(z, x) -> float
        F and G; z (p,), x (d,). With ``vectorized=True`` they broadcast: z (..., p),
        x (..., d), values (...).
    x0, z0 : array_like, shapes (d,) and (p,)
        Start; its lengths are the dimensions.
    method : str
        Name of a registered solver. The promise below is made for "hf-zoba" and "hf-zoba-shared".
    vectorized : bool
        Whether the functions take many points at once, which is much faster.
    seed : int or None
        Seed of the directions: same seed, same bits. None draws fresh entropy.
    max_iterations : int or None
        Iterations of all stages together; 20000 where None.
    budget : int or None
        Evaluations of both functions together, tuning included; never exceeded.
    tolerance : float or None
        Stop when the predicted distance |x - x*| is at most this. None: 1e-3, or 1e-3 of the
        size of x where that is smaller, but no less than 1e-6 of it (at most 1e-2). The accuracy that rounding
        allows also stops the run.
    **options
        The solver's own. A radius or step given here is in the units of z and x; it is used as
        it is, and no change of variables is made then. With ``rho``, ``gamma`` and ``h`` all
        given (or a ``schedule``, or a solver that has none of these) nothing is left to tune:
        one plain run of 1000 iterations, and ``tolerance`` bounds the surrogate hypergradient.

    Returns
    -------
    Result
        Of one run: x (d,), z and v (p,), integers ``status``, ``nit``, ``n_inner``, ``n_outer``,
        ``nfev``, and a string ``message``. ``estimate`` is the norm of the measured hypergradient;
        ``history`` has "iteration", "evaluations", "value" (of Psi, estimated) and
        "predicted_distance", one row a stage. CONVERGED: the tolerance was met. STOPPED: steps
        were shortened many times without progress. A start is returned if no stage succeeded.

    Raises
    ------
    ValueError, TypeError
        For arguments out of range, functions that do not return one real number a point, values
        that are not finite at the start, or a budget too small to begin. Exceptions of the
        functions propagate.

    Notes
    -----
    What is automatic: the noise of the values is measured; central differences give gradients
    and curvature at the start of a stage (about 3 (p + d)^2 / 2 evaluations, counted); they set
    units in which the curvature is one, radii, and steps that contract the linearised iteration
    fastest. Only the solver moves the iterates. A first stage with gamma = 0 brings z and v near
    z*(x) and v*(x). A stage after which neither Psi nor the predicted distance has dropped, or
    that met a NaN, is undone and repeated with half the steps and a quarter of the trust radius,
    which is 1 or the size of each x_i at first and grows fourfold when x reaches it.

    With no options the aim is |x - x*| <= 1e-2 on smooth problems with exact values, condition
    numbers up to about 20, p and d up to a few tens, and variables whose natural sizes are not
    far below 1e-3. What can fail: noisy values (radii follow the noise, the steps do not, and the
    message says so); kinks; an inner problem that is not strongly convex; directions along which
    Psi is flat because curvatures cancel (slow, or STOPPED); a non-convex Psi (a stationary point
    is found: it may be local, and the message says if it is not a minimum); outer condition
    numbers above 1e4 after scaling each coordinate, where the predicted distance is too small;
    fewer or independent outer directions (``l2``, ``outer_directions``) and the solvers "zoba",
    "zoba-tuned" and "zoba-mixed", whose noise does not vanish at the solution unless v* does:
    they end STOPPED or take very many evaluations, so give them a budget.

    Examples
    --------
    >>> import numpy as np
    >>> from zoba_bench import minimize
    >>> def inner(z, x):
    ...     return 0.5 * np.sum((z - np.tanh(x)) ** 2)
    >>> def outer(z, x):
    ...     return np.sum((z - 0.5) ** 2) + 0.1 * np.sum(x**2)
    >>> result = minimize(outer, inner, x0=[2.0, -1.0], z0=[0.0, 0.0], seed=0)
    >>> result.message.split(":")[0]
    'converged'
    >>> result.x.round(2)
    array([0.47, 0.47])
    """
    z, x = _vector("z0", z0), _vector("x0", x0)
    for name, value in (("max_iterations", max_iterations), ("budget", budget)):
        if value is not None:
            check_dimension(name, value)
    if tolerance is not None and not (_is_number(tolerance) and 0 < tolerance < math.inf):
        raise ValueError(f"tolerance must be a positive finite number or None, got {tolerance!r}")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0):
        raise ValueError(f"seed must be a non-negative integer or None, got {seed!r}")
    if not isinstance(vectorized, (bool, np.bool_)):
        raise TypeError(f"vectorized must be True or False, got {vectorized!r}")
    for name, function in (("outer", outer), ("inner", inner)):
        if not callable(function):
            raise TypeError(f"{name} must be a function of (z, x), got {function!r}")
    known = entry("solvers", method).option_names()
    make_solver(method, **options)
    problem = BilevelProblem(
        "black box", len(z), len(x), wrap("inner", inner, vectorized), wrap("outer", outer, vectorized)
    )
    rng = np.random.default_rng(seed)
    tunable = {"rho", "gamma", "h", "schedule"}.issubset(known)
    plain = not tunable or "schedule" in options or {"rho", "gamma", "h"}.issubset(options)
    limit = max_iterations if max_iterations is not None else (1000 if plain else 20000)
    job = Job(problem, method, options, known, rng, z, x, budget, tolerance, limit)
    job.require_budget(plain)
    check_black_boxes(job.probe.oracle, z, x, vectorized)
    return job.plain() if plain else job.tuned()


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _vector(name: str, value: ArrayLike) -> Array:
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be a vector of real numbers, got {value!r}") from error
    if array.ndim != 1 or array.size == 0:
        raise ValueError(
            f"{name} must be one-dimensional and not empty, got shape {array.shape}; wrap a number as [{name}]"
        )
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got {array!r}")
    return array
