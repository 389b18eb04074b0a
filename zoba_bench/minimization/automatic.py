"""``minimize``: two black-box functions in, a minimiser out, nothing to set by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np

from zoba_bench.arrays import Vector
from zoba_bench.minimization.arguments import (
    SCIPY_NAMES,
    bounds_of,
    check_function,
    count_or_none,
    positive_or_none,
    scale_of,
    seed_of,
    vector,
    workers_of,
)
from zoba_bench.minimization.minimize_result import MinimizeResult
from zoba_bench.minimization.pool import Map
from zoba_bench.minimization.session import Request, carry_out
from zoba_bench.minimization.values import ON_ERROR
from zoba_bench.suggestions import refuse_misspelt
from zoba_bench.validation import check_choice

__all__ = ["minimize"]


def minimize(
    outer: Callable[..., Any],
    inner: Callable[..., Any],
    x0: Vector,
    z0: Vector,
    *,
    args: tuple[Any, ...] = (),
    method: str | None = None,
    bounds: Any = None,
    z_bounds: Any = None,
    tol: float | None = None,
    maxfev: float | None = None,
    maxiter: float | None = None,
    max_seconds: float | None = None,
    callback: Callable[[MinimizeResult], object] | None = None,
    x_scale: float | Vector | None = None,
    z_scale: float | Vector | None = None,
    vectorized: bool = False,
    workers: int | Map | None = None,
    checkpoint: str | Path | None = None,
    on_error: Literal["raise", "retry", "skip"] = "raise",
    on_interrupt: Literal["return", "raise"] = "return",
    seed: int | np.random.Generator | None = None,
    max_iterations: float | None = None,
    budget: float | None = None,
    tolerance: float | None = None,
    **options: Any,
) -> MinimizeResult:
    """Minimise Psi(x) = outer(z*(x), x), z*(x) = argmin over z of inner(z, x), from values only.

    Parameters
    ----------
    outer, inner : callable(z, x, *args) -> float
        F and G; z (p,), x (d,). With ``vectorized=True`` they take many points, z (n, p) and x (n, d), and return
        their n values; a function that leaves out z or x may return what broadcasts to that.
    x0, z0 : array_like, shapes (d,) and (p,)
        Start; its lengths are the dimensions.
    args : tuple
        Further arguments of both functions.
    method : str or None
        "implicit", the deterministic method of differences, or the name of a registered solver, such as the
        single-loop methods "hf-zoba" and "hf-zoba-shared". None: "implicit", unless options of a solver are given;
        then "hf-zoba", whose options they are.
    bounds, z_bounds : scipy.optimize.Bounds, or a sequence of pairs (low, high), optional
        Of x, and of z at the lower level. A method that does not keep to them refuses them.
    tol : float or None
        Stop when the predicted distance |x - x*| is at most this, measured in ``x_scale`` where that is given. None:
        1e-3; of the single-loop methods 1e-3 of the size of x where that is smaller, but no less than 1e-6 of it (at
        most 1e-2), and the accuracy that rounding allows also stops them. ``tolerance`` is another name.
    maxfev : int or None
        Evaluations of both functions together, tuning and repeated ones included; never exceeded. A whole number may be
        written as a float, 1e5. ``budget`` is another name.
    maxiter : int or None
        Iterations, of all stages together; 20000 where None. ``max_iterations`` is another name.
    max_seconds : float or None
        No evaluation is begun after so many seconds; one that runs is not interrupted.
    callback : callable(intermediate_result), optional
        Called with the best result so far after each iteration (of "hf-zoba": each stage). It stops the run by raising
        StopIteration or returning a true value. The arrays are read-only copies.
    x_scale, z_scale : float or array_like, optional
        Natural sizes of the variables; the method works on x / x_scale and z / z_scale.
    vectorized : bool
        Whether the functions take many points at once, which is much faster.
    workers : int or map-like callable, optional
        Processes to which the points of a batch go, lambdas and closures too, or a callable such as the ``map`` of a
        pool or an executor. The result is the same for every number of workers. A vectorised function gets a batch in
        up to 32 parts.
    checkpoint : path, optional
        An SQLite file in which each evaluation is recorded as it finishes. A second call with the same arguments takes
        what is there and goes on: its result has the bits of an uninterrupted run. Limits (``maxfev``, ``maxiter``,
        ``max_seconds``, ``tol``) and workers may differ. Nothing sees whether the functions have changed.
    on_error : {"raise", "retry", "skip"}
        What an exception of a function does. "raise": it propagates, with the best point so far in its attribute
        ``partial_result``. "retry": the point is evaluated again, at most three times in all, also where its value is
        not finite. "skip": the value is NaN, from which the method steps back.
    on_interrupt : {"return", "raise"}
        Ctrl-C returns the best point so far with status STOPPED, or propagates as an exception does.
    seed : int, numpy Generator or None
        Seed of the directions: same integer, same bits. A Generator draws the integer, and moves on. None draws fresh
        entropy, or takes that of the checkpoint.
    max_iterations, budget, tolerance
        Other names of ``maxiter``, ``maxfev`` and ``tol``.
    **options
        The solver's own. A radius or step given here is in the units of z and x; it is used as
        it is, and no change of variables is made then. With ``rho``, ``gamma`` and ``h`` all
        given (or a ``schedule``, or a solver that has none of these) nothing is left to tune:
        one plain run of 1000 iterations, and ``tol`` bounds the surrogate hypergradient.

    Returns
    -------
    MinimizeResult
        The best point that was seen, as scipy's ``OptimizeResult``: x, z, success, status, message, fun (Psi), jac (the
        hypergradient), nfev, nit, counts, history. ``success`` is True for CONVERGED alone. STOPPED: steps were
        shortened many times without progress, or time, callback or Ctrl-C ended the run; the message says which.
        ``result.plot()`` draws the run.

    Raises
    ------
    ValueError, TypeError
        For arguments out of range, functions that do not return one real number a point, values
        that are not finite at the start, or a budget too small to begin. Exceptions of the
        functions propagate unless ``on_error`` says otherwise.

    Notes
    -----
    ``method="implicit"`` draws nothing. Differences along coordinates give gradients and curvature at (z, x); z follows
    z*(x) by Newton steps with a G_zz that is measured once and repaired; the adjoint v is checked along itself; x takes
    trust-region steps on a Hessian of Psi that is measured (d up to 60, where that pays) or learnt. An iteration takes
    about 2 p + 3 d + 4 evaluations, the start p^2 / 2 of ``inner``, the Hessian of Psi d^2 / 2 of ``outer``. The noise
    of the values is measured, rounding and quantisation included, and sets the steps of the differences.

    CONVERGED: |x - x*| is at most ``tol`` by an error model of the last step, noise, rounding, differences and old
    curvature; ``error_bound`` is that bound for any end. Measured on smooth problems with p, d up to 20: 504 runs with
    exact values and tol 1e-2 or 1e-3 all CONVERGED within ``tol``, 3 of them with an error above the bound; of 360 runs
    at p = d = 5 with noise of 1e-6 to 1e-3 in one level or both, none CONVERGED with an error above 1e-2.
    NOISE_LIMITED: noise hides more than ``tol``, and the best average is returned. FLAT: ``outer`` or Psi does not
    change measurably along some direction. INNER_SINGULAR, INNER_FAILED: ``inner`` has no minimiser in z there that
    differences can follow. DIVERGED: x runs away. What can fail: kinks (a low point is returned, not CONVERGED);
    several inner solutions (the one near z is followed); a non-convex Psi (a local minimum is found); variables of
    very different sizes that neither the start nor differences show (give ``x_scale`` and ``z_scale``); a start of a
    size far from that of the solution; G_zz of a condition above about 1e6, and from 3e3 on ``error_bound`` may be too
    small, since third derivatives of ``inner`` hide in rounding: the message names the condition.

    The single-loop methods by name: central differences set units, radii, and steps that contract the linearised
    iteration fastest, at about 3 (p + d)^2 / 2 evaluations a stage; only the solver moves the iterates. They aim at
    1e-2 on smooth problems with exact values and condition numbers up to about 20. No budget was found at which they
    are ahead with automatic steps, since tuning them costs more than the start of "implicit"; with steps that are
    given, they move x earlier where the budget is below about one p^2 / 2 (``python -m benchmarks.border``).

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
    x, z = vector("x0", x0), vector("z0", z0)
    most = count_or_none(budget=budget, maxfev=maxfev)
    limit = count_or_none(max_iterations=max_iterations, maxiter=maxiter)
    tolerance = positive_or_none(tolerance=tolerance, tol=tol)
    max_seconds = positive_or_none(max_seconds=max_seconds)
    first, workers = seed_of(seed), workers_of(workers)
    if not isinstance(vectorized, (bool, np.bool_)):
        raise TypeError(f"vectorized must be True or False, got {vectorized!r}")
    check_function("outer", outer, "(z, x)")
    check_function("inner", inner, "(z, x)")
    if callback is not None:
        check_function("callback", callback, "(intermediate_result)")
    for name in options.keys() & SCIPY_NAMES.keys():
        raise TypeError(f"minimize has no argument {name!r}, unlike scipy's: {SCIPY_NAMES[name]}")
    check_choice("on_error", on_error, ON_ERROR)
    check_choice("on_interrupt", on_interrupt, ("return", "raise"))
    if method is None:
        method = "hf-zoba" if options else "implicit"
    refuse_misspelt(minimize, options)
    request = Request(
        functions={"outer": outer, "inner": inner}, args=args if isinstance(args, tuple) else (args,), z=z, x=x,
        z_scale=scale_of("z_scale", z_scale, len(z)), x_scale=scale_of("x_scale", x_scale, len(x)), method=method,
        bounds=bounds_of("bounds", bounds, x), z_bounds=bounds_of("z_bounds", z_bounds, z), options=options,
        tolerance=tolerance, budget=most, limit=limit, max_seconds=max_seconds, callback=callback,
        vectorized=bool(vectorized), workers=workers, checkpoint=checkpoint, on_error=on_error, seed=first,
        raise_interrupt=on_interrupt == "raise",
    )  # fmt: skip
    return carry_out(request)
