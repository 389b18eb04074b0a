"""The objectives of the catalogue under automatic differentiation (autograd), as they stand."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from autograd.extend import Box, defvjp, primitive
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.numpy.numpy_vjps import unbroadcast_f

from zoba_bench.problem import BilevelProblem

from .support import ROUNDING, assert_close, declared, sample

__all__ = ["PARTS", "Derivatives", "assert_traced", "closed_form", "derivatives", "points", "traced"]


class Derivatives(NamedTuple):
    """First derivatives of an objective at points z (..., p), x (..., d), and its Hessian's products with v and u."""

    grad_z: np.ndarray
    grad_x: np.ndarray
    zz_v: np.ndarray
    xz_v: np.ndarray
    zx_u: np.ndarray
    xx_u: np.ndarray


@primitive
def _assigned(array: Any, value: Any, index: Any) -> Any:
    """A copy of the array with array[index] = value."""
    changed = np.array(array)
    changed[index] = value
    return changed


defvjp(
    _assigned,
    lambda ans, array, value, index: lambda g: _assigned(g, 0.0, index),
    lambda ans, array, value, index: unbroadcast_f(value, lambda g: g[index]),
    argnums=(0, 1),
)


def _assign(box: ArrayBox, index: Any, value: Any) -> None:
    """Item assignment, which autograd lacks: the box comes to stand for the changed array."""
    new = _assigned(box, value, index)
    box._value, box._node, box._trace = new._value, new._node, new._trace


class _Numpy:
    """numpy for the modules of the catalogue while their functions are traced.

    autograd's functions, in which ``out`` is no more than a wish, and stand-ins for what autograd lacks.
    """

    def __init__(self) -> None:
        self.seed: Any = 0.0

    def __getattr__(self, name: str) -> Any:
        found = getattr(anp, name, None) or getattr(np, name)
        if not callable(found) or isinstance(found, type):
            return found
        # Where an array is written in place and used under its name, the value is what counts.
        return lambda *arguments, out=None, **options: found(*arguments, **options)

    def _empty(self, shape: Any, *_: Any, **options: Any) -> Any:
        """An array that can be assigned traced values to: it belongs to the trace from the start."""
        return np.zeros(shape, **options) + self.seed

    zeros = empty = _empty

    def ones(self, shape: Any, *_: Any, **options: Any) -> Any:
        return np.ones(shape, **options) + self.seed

    def asarray(self, array: Any, *arguments: Any, **options: Any) -> Any:
        return array if isinstance(array, Box) else np.asarray(array, *arguments, **options)

    def vecdot(self, a: Any, b: Any) -> Any:
        return anp.sum(a * b, axis=-1)

    def copysign(self, size: Any, sign: Any) -> Any:
        return anp.abs(size) * np.copysign(1.0, _plain(sign))

    def cumprod(self, factors: Any, axis: int = -1) -> Any:
        assert axis == -1
        products: list[Any] = []
        for index in range(factors.shape[-1]):
            products.append(products[-1] * factors[..., index] if products else factors[..., index])
        return anp.stack(products, axis=-1) if products else factors


def _plain(array: Any) -> Any:
    while isinstance(array, Box):
        array = array._value
    return array


@contextmanager
def traced() -> Iterator[_Numpy]:
    """``np`` in the catalogue and in its kernels is autograd's numpy; problems must have been built before."""
    shim = _Numpy()
    with pytest.MonkeyPatch.context() as patch:
        for name, module in sorted(sys.modules.items()):
            own = name == "zoba_bench.arrays" or name.startswith("zoba_bench.problems.")
            if own and getattr(module, "np", None) is np:
                patch.setattr(module, "np", shim)
        patch.setattr(ArrayBox, "__setitem__", _assign, raising=False)
        patch.setattr(ArrayBox, "copy", lambda box: 1.0 * box, raising=False)
        yield shim


def derivatives(objective: Any, z: np.ndarray, x: np.ndarray, v: np.ndarray, u: np.ndarray) -> Derivatives:
    """What an objective's own code says of its derivatives; all arguments have the same leading axes.

    Slopes of the sum over all points are those of every point, as no point sees another.
    """
    p, point = z.shape[-1], np.concatenate([z, x], axis=-1)

    def total(at: Any) -> Any:
        with traced() as numpy:
            numpy.seed = 0.0 * at[(0,) * at.ndim]
            # The second term is zero, and makes also a constant slope depend on the point, which autograd asks for.
            return anp.sum(objective(at[..., :p], at[..., p:])) + 0.0 * anp.sum(at * at)

    def product(along: np.ndarray) -> np.ndarray:
        return grad(lambda at: anp.sum(grad(total)(at) * along))(point)

    slope = grad(total)(point)
    of_v, of_u = product(np.concatenate([v, 0 * x], axis=-1)), product(np.concatenate([0 * z, u], axis=-1))
    return Derivatives(*(part for whole in (slope, of_v, of_u) for part in (whole[..., :p], whole[..., p:])))


# Closed form -> level, and its part among the automatic derivatives.
PARTS = {
    "inner_grad_z": ("inner", "grad_z"), "inner_grad_x": ("inner", "grad_x"),
    "outer_grad_z": ("outer", "grad_z"), "outer_grad_x": ("outer", "grad_x"),
    "inner_hvp_zz": ("inner", "zz_v"), "inner_jvp_xz": ("inner", "xz_v"), "inner_jvp_zx": ("inner", "zx_u"),
}  # fmt: skip


def closed_form(problem: BilevelProblem, name: str, z, x, v, u) -> np.ndarray:
    """A declared derivative at broadcast points, with the direction that it takes."""
    direction = {"inner_hvp_zz": (v,), "inner_jvp_xz": (v,), "inner_jvp_zx": (u,)}.get(name, ())
    return getattr(problem, name)(z, x, *direction)


def points(problem: BilevelProblem) -> tuple[np.ndarray, ...]:
    """z (3, 1, p), x (1, 2, d) and directions v (3, 2, p), u (3, 2, d), where what is declared holds."""
    z, x, v, u = sample(problem, 6)
    return z[:3, None], x[None, :2], v.reshape(3, 2, -1), u.reshape(3, 2, -1)


def automatic(problem: BilevelProblem, z, x, v, u) -> dict[str, Derivatives]:
    z, x = np.broadcast_to(z, v.shape), np.broadcast_to(x, u.shape)
    return {level: derivatives(getattr(problem, level), z, x, v, u) for level in ("inner", "outer")}


def assert_traced(problem: BilevelProblem) -> None:
    """Declared gradients, products and Hessians are what the objectives' own code has for derivatives, to rounding."""
    at = points(problem)
    found = automatic(problem, *at)
    for name in declared(problem, list(PARTS)):
        level, part = PARTS[name]
        expected = getattr(found[level], part)
        what = f"{name} of {problem.name}, p={problem.p}, d={problem.d}"
        assert_close(closed_form(problem, name, *at), expected, ROUNDING, expected, what)
    z, x, v, u = at
    for level in ("inner", "outer"):
        hessian = getattr(problem, f"{level}_hessian")
        if hessian is not None:
            zz, xz, xx = hessian(z[1, 0], x[0, 1])
            along_v, along_u = v[1, 1], u[1, 1]
            products = {"zz_v": zz @ along_v, "xz_v": xz @ along_v, "zx_u": xz.T @ along_u, "xx_u": xx @ along_u}
            for part, product in products.items():
                expected = getattr(found[level], part)[1, 1]
                assert_close(product, expected, ROUNDING, expected, f"{level}_hessian {part} of {problem.name}")
