"""Shapes: every function takes any leading axes, broadcasts, and returns float64; starts and samples are in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.certification.certificate import Check
from zoba_bench.certification.differences import settle
from zoba_bench.problem import BilevelProblem

__all__ = ["NON_FINITE", "shapes"]

#: What is said of a function with a value that is not finite, which a run can still be about.
NON_FINITE = "returns NaN or an infinity near the origin"

_EXACT = 1e-8
#: Samples over which a mean is taken at most.
_MANY = 20_000
_VECTORIZE = "not vectorised? pass vectorize=True to from_functions, or set it on the object"


def shapes(problem: BilevelProblem, rng: np.random.Generator) -> list[Check]:
    """All that must be in order before anything is measured."""
    checks = list(_functions(problem, rng))
    if all(check.ok for check in checks):
        checks += _samples(problem, rng)
    return [*checks, *_points(problem)]


def _functions(problem: BilevelProblem, rng: np.random.Generator) -> Iterator[Check]:
    p, d = problem.p, problem.d
    z, x = settle(problem, rng.uniform(-0.5, 0.5, (3, 1, p)), rng.uniform(-0.5, 0.5, (1, 2, d)))
    v, u = rng.uniform(-1, 1, (3, 1, p)), rng.uniform(-1, 1, (1, 2, d))
    sizes = {"z": p, "x": d}
    listed: list[tuple[str, tuple[Array, ...], tuple[int, ...]]] = [
        ("inner", (z, x), (3, 2)),
        ("outer", (z, x), (3, 2)),
        *((f"{level}_grad_{k}", (z, x), (3, 2, n)) for level in ("inner", "outer") for k, n in sizes.items()),
        ("inner_hvp_zz", (z, x, v), (3, 2, p)),
        ("inner_jvp_xz", (z, x, v), (3, 2, d)),
        ("inner_jvp_zx", (z, x, u), (3, 2, p)),
        ("inner_solution", (x[0],), (2, p)),
        ("adjoint", (x[0],), (2, p)),
        ("value", (x[0],), (2,)),
        ("hypergradient", (x[0],), (2, d)),
    ]
    for name, arguments, shape in listed:
        function = getattr(problem, name)
        if function is not None:
            yield _broadcasting(f"{name}: shape and broadcasting", function, arguments, shape)
    for name in ("inner_hessian", "outer_hessian"):
        function = getattr(problem, name)
        if function is not None:
            yield _blocks(f"{name}: shapes of the blocks", function, z[0, 0], x[0, 0])


def _broadcasting(
    title: str, function: Callable[..., Any], arguments: tuple[Array, ...], shape: tuple[int, ...]
) -> Check:
    given = ", ".join(str(a.shape) for a in arguments)
    try:
        whole = np.asarray(function(*(_frozen(a) for a in arguments)))
    except Exception as error:  # a user's function may raise anything
        words = f"raises {type(error).__name__}: {error} for arguments of shape {given} ({_VECTORIZE})"
        return Check(title, False, "computed", words)
    if whole.shape != shape:
        words = f"returns shape {whole.shape} for arguments of shape {given}, needs {shape}: leading axes are kept"
        return Check(title, False, "computed", f"{words} ({_VECTORIZE})")
    if whole.dtype != np.float64:
        return Check(title, False, "computed", f"returns {whole.dtype}, needs float64")
    if not np.isfinite(whole).all():
        return Check(title, False, "computed", NON_FINITE)
    lead = np.broadcast_shapes(*(a.shape[:-1] for a in arguments))
    many = [np.broadcast_to(a, (*lead, a.shape[-1])) for a in arguments]
    single = np.reshape([function(*(m[i] for m in many)) for i in np.ndindex(*lead)], shape)
    gap = float(np.max(np.abs(whole - single)) / (1 + np.max(np.abs(single))))
    words = f"whole against one by one: {gap:.1e}"
    if gap > _EXACT:
        words += ": values of different points are mixed, as by a sum without axis=-1"
    return Check(title, gap <= _EXACT, "computed", words)


def _blocks(title: str, function: Callable[..., Any], z: Array, x: Array) -> Check:
    needed = [(z.size, z.size), (x.size, z.size), (x.size, x.size)]
    try:
        found = [np.shape(block) for block in function(z, x)]
    except Exception as error:  # a user's function may raise anything
        return Check(title, False, "computed", f"raises {type(error).__name__}: {error}")
    return Check(title, found == needed, "computed", f"zz, xz, xx of shapes {found}, needed {needed}")


def _frozen(array: Array) -> Array:
    """A view that cannot be written to: solvers pass such arrays."""
    view = array.view()
    view.setflags(write=False)
    return view


def _samples(problem: BilevelProblem, rng: np.random.Generator) -> Iterator[Check]:
    z, x = settle(problem, rng.uniform(-0.5, 0.5, (3, 1, problem.p)), rng.uniform(-0.5, 0.5, (1, 1, problem.d)))
    for level in ("inner", "outer"):
        size = getattr(problem, f"{level}_samples")
        if size is None or size > _MANY:
            continue
        function, title = getattr(problem, level), f"{level}: mean over the samples"
        try:
            each = np.asarray(function(z, x, np.arange(size)), dtype=np.float64)
        except Exception as error:  # a user's function may raise anything
            yield Check(title, False, "computed", f"raises {type(error).__name__}: {error} for an array of samples")
            continue
        if each.shape != (3, size):
            yield Check(title, False, "computed", f"returns shape {each.shape} for samples, needs {(3, size)}")
            continue
        whole = np.asarray(function(z, x), dtype=np.float64)
        gap = float(np.max(np.abs(each.mean(axis=1, keepdims=True) - whole)) / (1 + np.max(np.abs(each))))
        yield Check(title, gap <= _EXACT, "computed", f"mean of {size} against the whole: {gap:.1e}")


def _points(problem: BilevelProblem) -> Iterator[Check]:
    try:
        z, x = (np.asarray(a) for a in problem.initial_point(np.random.default_rng(0)))
    except Exception as error:  # a user's function may raise anything
        yield Check("start", False, "computed", f"raises {type(error).__name__}: {error}")
        return
    right = z.shape == (problem.p,) and x.shape == (problem.d,)
    finite = right and bool(np.isfinite(z).all() and np.isfinite(x).all())
    wrong = "" if finite else ", not finite" if right else f", needs {(problem.p,)} and {(problem.d,)}"
    yield Check("start", finite, "computed", f"z0 {z.shape}, x0 {x.shape}{wrong}")
    if problem.minimizer is not None:
        shape = np.shape(problem.minimizer)
        words = f"shape {shape}, needs {(problem.d,)}"
        yield Check("minimizer: shape", shape == (problem.d,), "computed", words)
