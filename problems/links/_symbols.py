"""Symbolic forms of links and planted losses. This module imports sympy: load it inside functions only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy as sp

from zoba_bench.arrays import Array
from zoba_bench.problem.symbolic import Symbolic

from .._base.scalars import Scalar
from .._base.symbols import matrix, reals, vector
from ._constants import rosenbrock
from ._coupling import Coupling

__all__ = [
    "Frame",
    "InnerSymbols",
    "bregman_symbols",
    "cubic_root",
    "curvature_symbols",
    "divergence",
    "planted_symbols",
    "quadratic_symbols",
    "quartic_symbols",
    "read",
    "rosenbrock_symbols",
    "shift_symbols",
]


class cubic_root(sp.Function):  # type: ignore[misc]
    """The real root c of c^3 + c = y; it is unique, as c^3 + c increases, and c' = 1/(1 + 3c^2).

    Identities are proved with these rules; ``expand(func=True)`` gives Cardano's radicals, with which
    c^3 + c = y is proved itself.
    """

    nargs = 1
    is_real = True

    def fdiff(self, argindex: int = 1) -> Any:
        return 1 / (1 + 3 * self**2)

    def _eval_expand_func(self, **hints: Any) -> Any:
        w = 3 * sp.sqrt(3) / 2 * self.args[0]
        radical = (w + sp.sqrt(1 + w**2)) ** sp.Rational(1, 3)
        return (radical - 1 / radical) / sp.sqrt(3)

    def _eval_evalf(self, prec: int) -> Any:
        return self._eval_expand_func()._eval_evalf(prec)

    @staticmethod
    def _imp_(y: Array) -> Array:
        w = 1.5 * np.sqrt(3) * np.abs(y)
        radical = np.cbrt(w + np.sqrt(1 + w**2))
        root: Array = np.sign(y) * (radical - 1 / radical) / np.sqrt(3)
        return root


class Divergence(sp.Function):  # type: ignore[misc]
    """h(a) - h(b) - h'(b) (a - b), given as (Lambda(w, h), a, b).

    By Taylor's theorem it is h''(c) (a - b)^2/2 for a c between a and b, so that it is non-negative where
    h'' is; that, for positive w if a and b are positive and for real w else, is what is asked of sympy.
    ``expand`` writes it out.
    """

    nargs = 3

    def _eval_is_nonnegative(self) -> bool | None:
        h, a, b = self.args
        if not (a.is_real and b.is_real):
            return None
        w = sp.Dummy("w", positive=True) if a.is_positive and b.is_positive else sp.Dummy("w", real=True)
        return True if sp.factor(sp.together(sp.diff(h(w), w, 2))).is_nonnegative else None

    def _eval_expand_basic(self, **hints: Any) -> Any:
        h, a, b = self.args
        w = sp.Dummy("w")
        return h(a) - h(b) - sp.diff(h(w), w).subs(w, b) * (a - b)


def divergence(h: Any, a: Any, b: Any) -> Any:
    """The divergence of an expression h in ``w``."""
    return Divergence(sp.Lambda(sp.Symbol("w"), h), a, b)


def read(text: str, names: Mapping[str, Any]) -> Any:
    """The expression that a text means, with these names."""
    known = {"divergence": divergence, "cubic_root": cubic_root, "w": sp.Symbol("w")}
    return sp.sympify(text, locals={**known, **names})


@dataclass
class Frame:
    """The symbols that a problem is written in: z, x, M, m(x) and g'(Mx), and the numbers behind symbols."""

    coupling: Coupling
    values: dict[Any, float] = field(default_factory=dict)
    names: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        M = self.coupling.matrix
        self.z: list[Any] = reals("z", M.shape[0])
        self.x: list[Any] = reals("x", M.shape[1])
        # An identity is no data.
        unit = np.array_equal(M, np.eye(*M.shape))
        self.M = self.names["M"] = sp.eye(len(M)) if unit else matrix("M", M, self.values)
        self.m = self.at(self.x)
        slope = self.derivative(self.coupling.function)
        self.slope = [sp.Integer(1)] * len(self.z) if slope is None else [slope(y) for y in self.linear(self.x)]

    def linear(self, x: Sequence[Any]) -> list[Any]:
        """Mx."""
        return list(self.M * sp.Matrix(x))

    def at(self, x: Sequence[Any]) -> list[Any]:
        """m(x)."""
        g = self.coupling.function
        return self.linear(x) if g is None else [self.apply(g, y) for y in self.linear(x)]

    def number(self, name: str, value: float) -> Any:
        """A symbol for a number, of which the proof uses the sign alone."""
        sign: dict[str, bool] = (
            {"positive": True} if value > 0 else {"nonnegative": True} if value == 0 else {"real": True}
        )
        symbol = sp.Symbol(name, **sign)
        if self.values.setdefault(symbol, float(value)) != value:
            raise ValueError(f"{name} stands for both {self.values[symbol]!r} and {value!r}: rename a parameter")
        self.names[name] = symbol
        return symbol

    def apply(self, f: Scalar, u: Any, text: str | None = None, **names: Any) -> Any:
        """f(u), or another expression that belongs to f."""
        used = f.text if text is None else text
        if used is None:
            raise ValueError("a function without `text` cannot be written in symbols")
        parameters = {name: self.number(name, value) for name, value in f.parameters.items()}
        return read(used, {**parameters, "u": u, **names})

    def derivative(self, f: Scalar | None, **names: Any) -> Callable[[Any], Any] | None:
        """u -> f'(u)."""
        if f is None:
            return None
        u = sp.Dummy("u", real=True)
        slope = sp.diff(self.apply(f, u, **names), u)
        return lambda at: slope.subs(u, at)

    def curvature(self, phi: Scalar, u: Any) -> Any:
        """phi''(u) - phi.convexity in a form whose sign is seen."""
        if phi.curvature is not None:
            return self.apply(phi, u, phi.curvature)
        w = sp.Dummy("u", real=True)
        bent = sp.diff(self.apply(phi, w), w, 2) - sp.nsimplify(phi.convexity, rational=True)
        return sp.factor(sp.together(bent)).subs(w, u)


@dataclass
class InnerSymbols:
    """G in symbols, r -> G_zz^-1 r at the solution, mu, and the rest of G_zz as weights times squares."""

    objective: Any
    solve: Callable[[Sequence[Any]], list[Any]]
    mu: Any
    curvature: Sequence[tuple[Any, Sequence[Any]]]


def _strength(frame: Frame, phi: Scalar, weight: float, mu: float) -> tuple[Any, Any, Any]:
    w = frame.number("weight", weight)
    strong = frame.number("mu", mu) if mu else sp.Integer(0)
    return w, strong, w * sp.nsimplify(phi.convexity, rational=True) + strong


def _axes(n: int) -> list[list[int]]:
    return [[int(i == k) for i in range(n)] for k in range(n)]


def bregman_symbols(frame: Frame, phi: Scalar, weight: float, mu: float) -> InnerSymbols:
    """G = w sum [phi(z_i) - phi'(m_i) z_i] + mu |z-m|^2/2."""
    w, strong, total = _strength(frame, phi, weight, mu)
    slope = frame.derivative(phi)
    assert slope is not None
    objective = sum(
        w * (frame.apply(phi, z) - slope(m) * z) + strong * (z - m) ** 2 / 2
        for z, m in zip(frame.z, frame.m, strict=True)
    )
    bends = [total + w * frame.curvature(phi, m) for m in frame.m]
    rest = [w * frame.curvature(phi, z) for z in frame.z]
    return InnerSymbols(
        objective,
        lambda r: [a / b for a, b in zip(r, bends, strict=True)],
        total,
        list(zip(rest, _axes(len(rest)), strict=True)),
    )


def shift_symbols(frame: Frame, phi: Scalar, weight: float, mu: float) -> InnerSymbols:
    """G = w sum phi(z_i - m_i) + mu |z-m|^2/2."""
    w, strong, total = _strength(frame, phi, weight, mu)
    gaps = [z - m for z, m in zip(frame.z, frame.m, strict=True)]
    objective = sum(w * frame.apply(phi, r) + strong * r**2 / 2 for r in gaps)
    level = total + w * frame.curvature(phi, sp.Integer(0))
    rest = [w * frame.curvature(phi, r) for r in gaps]
    return InnerSymbols(
        objective, lambda r: [a / level for a in r], total, list(zip(rest, _axes(len(rest)), strict=True))
    )


def curvature_symbols(frame: Frame, W: Array, kappa: float) -> InnerSymbols:
    """G = sum a_i(x) (z_i - m_i)^2/2, a = 1 + rise s(Wx)."""
    rise = frame.number("rise", kappa - 1)
    frame.names["W"] = matrix("W", W, frame.values)
    extra = [rise / (1 + sp.exp(-y)) for y in frame.names["W"] * sp.Matrix(frame.x)]
    return InnerSymbols(
        sum((1 + e) * (z - m) ** 2 / 2 for e, z, m in zip(extra, frame.z, frame.m, strict=True)),
        lambda r: [a / (1 + e) for a, e in zip(r, extra, strict=True)],
        sp.Integer(1),
        list(zip(extra, _axes(len(extra)), strict=True)),
    )


def quartic_symbols(frame: Frame) -> InnerSymbols:
    """G = sum [z_i^4/4 + z_i^2/2 - z_i (Mx)_i]."""
    return InnerSymbols(
        sum(z**4 / 4 + z**2 / 2 - z * y for z, y in zip(frame.z, frame.linear(frame.x), strict=True)),
        lambda r: [a / (1 + 3 * m**2) for a, m in zip(r, frame.m, strict=True)],
        sp.Integer(1),
        list(zip([3 * z**2 for z in frame.z], _axes(len(frame.z)), strict=True)),
    )


def quadratic_symbols(frame: Frame, A: Array, mu: float) -> InnerSymbols:
    """G = (z-m)'A(z-m)/2 with A = mu I + sum l l'."""
    strong = frame.number("mu", mu)
    spectrum, axes = np.linalg.eigh(A - mu * np.eye(len(A)))
    # Rounding leaves tiny negative eigenvalues where the smallest one is zero.
    roots = matrix("l", axes * np.sqrt(np.maximum(spectrum, 0)), frame.values)
    hessian = frame.names["A"] = strong * sp.eye(len(A)) + roots * roots.T
    r = sp.Matrix(frame.z) - sp.Matrix(frame.m)
    inverse = hessian.inv()
    return InnerSymbols(
        (r.T * hessian * r)[0] / 2,
        lambda b: list(inverse * sp.Matrix(b)),
        strong,
        [(sp.Integer(1), list(roots[:, k])) for k in range(len(A))],
    )


def planted_symbols(
    m: Coupling,
    link: Callable[[Frame], InnerSymbols],
    loss: Scalar,
    weight: float,
    target: Array,
    expressions: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None,
) -> Symbolic:
    """The link's G and F = c sum f(z_i - t_i), t = m(target)."""
    frame = Frame(m)
    best = list(vector("xopt", target, frame.values))
    inner = link(frame)
    t = frame.at(best)
    c = sp.Integer(1) if weight == 1 else frame.number("c", weight)
    gaps = [b - a for b, a in zip(frame.m, t, strict=True)]
    # The derivative of f in u alone: the coordinate t of the target is a parameter.
    slopes = [c * _slope(frame, loss, gap, a) for gap, a in zip(gaps, t, strict=True)]
    pulled = [g * s for g, s in zip(frame.slope, slopes, strict=True)]
    frame.names.update(t=t, xopt=best, p=sp.Integer(len(frame.z)))
    return Symbolic(
        z=frame.z,
        x=frame.x,
        inner=inner.objective,
        outer=sum(c * frame.apply(loss, z - a, t=a) for z, a in zip(frame.z, t, strict=True)),
        inner_solution=frame.m,
        adjoint=inner.solve([-s for s in slopes]),
        hypergradient=list(frame.M.T * sp.Matrix(pulled)),
        value=sum(c * frame.apply(loss, gap, t=a) for gap, a in zip(gaps, t, strict=True)),
        parameters=frame.values,
        mu=inner.mu,
        curvature=inner.curvature,
        minimizer=best,
        minimum=sum(c * frame.apply(loss, sp.Integer(0), t=a) for a in t),
        excess=[c * frame.apply(loss, gap, text, t=a) for text in loss.terms for gap, a in zip(gaps, t, strict=True)],
        constants={} if expressions is None else expressions(frame.names),
    )


def _slope(frame: Frame, loss: Scalar, gap: Any, t: Any) -> Any:
    slope = frame.derivative(loss, t=sp.Symbol("t", real=True))
    assert slope is not None
    return slope(gap).subs(sp.Symbol("t", real=True), t)


def rosenbrock_symbols(m: Coupling, link: Callable[[Frame], InnerSymbols], radius: float | None) -> Symbolic:
    """F = sum over i < d of [100 (x_(i+1) - z_i^2)^2 + (1-z_i)^2] and z* = x."""
    frame = Frame(m)
    inner = link(frame)
    z, x = frame.z, frame.x
    squares = [term for a, b in zip(z[:-1], x[1:], strict=True) for term in (100 * (b - a**2) ** 2, (1 - a) ** 2)]
    at = dict(zip(z, x, strict=True))
    values = [square.subs(at) for square in squares]
    outer, total = sum(squares), sum(values)
    return Symbolic(
        z=z,
        x=x,
        inner=inner.objective,
        outer=outer,
        inner_solution=x,
        adjoint=inner.solve([-sp.diff(outer, a).subs(at) for a in z]),
        hypergradient=[sp.diff(total, b) for b in x],
        value=total,
        parameters=frame.values,
        mu=inner.mu,
        curvature=inner.curvature,
        minimizer=[sp.Integer(1)] * len(x),
        minimum=sp.Integer(0),
        excess=values,
        constants=rosenbrock(frame.names, outer, z, x, radius),
    )
