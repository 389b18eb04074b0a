"""Proofs about a problem in symbols: identities by simplification, signs by what sympy knows of the terms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import sympy as sp

from zoba_bench.certification.certificate import Check
from zoba_bench.problem.symbolic import Symbolic

__all__ = ["prove", "vanishes"]


def prove(problem: Symbolic) -> list[Check]:
    """Every statement that the symbols allow, proved or refuted."""
    return [_run(name, proof) for name, proof in _proofs(problem)]


def _proofs(q: Symbolic) -> Iterator[tuple[str, Callable[[], str]]]:
    if q.inner_solution is not None:
        yield "inner stationarity", lambda: _stationary(q)
    if q.mu is not None:
        yield "strong convexity", lambda: _convex(q)
    if q.adjoint is not None:
        yield "adjoint equation", lambda: _adjoint(q)
    if q.value is not None and q.inner_solution is not None:
        yield "value", lambda: _value(q)
    if q.hypergradient is not None:
        if q.value is not None:
            yield "hypergradient is the derivative of Psi", lambda: _total(q)
        if q.adjoint is not None and q.inner_solution is not None:
            yield "hypergradient by the adjoint", lambda: _implicit(q)
    if q.minimizer is not None and q.hypergradient is not None:
        yield "stationary minimiser", lambda: _minimizer(q)
    if q.minimizer is not None and q.value is not None and q.minimum is not None:
        yield "minimum is the value there", lambda: _attained(q)
    if q.excess:
        yield "global minimum", lambda: _global(q)


def _run(name: str, proof: Callable[[], str]) -> Check:
    try:
        return Check(name, True, "proved", proof())
    except ValueError as error:
        return Check(name, False, "proved", str(error))


def vanishes(expression: Any) -> bool:
    """Whether an expression is identically zero, by ever stronger simplification.

    Numbers for the symbols refute quickly what is not; they prove nothing.
    """
    expression = sp.sympify(expression)
    if _refuted(expression):
        return False
    attempts: tuple[Callable[[Any], Any], ...] = (
        # A fraction is zero where its numerator is: on a common denominator nothing has to be cancelled.
        lambda e: sp.expand(sp.fraction(sp.together(e))[0]),
        lambda e: sp.expand(e),
        lambda e: sp.cancel(sp.together(e)),
        lambda e: sp.simplify(e),
        lambda e: sp.simplify(sp.expand(sp.expand_func(e).rewrite(sp.exp))),
    )
    return any(attempt(expression) == 0 for attempt in attempts)


_DIGITS = 40
#: Operations up to which what is left of a failed identity is simplified before it is shown.
_SHOWN = 200


def _refuted(expression: Any) -> bool:
    """Whether the expression differs from zero where its symbols have certain numbers that they may have."""
    symbols = sorted(expression.free_symbols, key=lambda s: s.name)
    for shift in (1, 2):
        numbers = {s: _number(s, index + 1, shift) for index, s in enumerate(symbols)}
        value, size = _evaluated(expression, numbers)
        if not (value.is_Number and value.is_finite and size.is_finite):
            continue
        if abs(value) > size * sp.Float(10) ** (-_DIGITS // 2):
            return True
    return False


def _evaluated(expression: Any, numbers: dict[Any, Any]) -> tuple[Any, Any]:
    """The value, and what it would be if nothing in its sums cancelled: what a zero is compared with."""
    if expression.is_Add or expression.is_Mul:
        parts = [_evaluated(part, numbers) for part in expression.args]
        value, size = (sp.N(expression.func(*column), _DIGITS) for column in zip(*parts, strict=True))
        return value, size
    value = sp.N(expression.xreplace(numbers), _DIGITS)
    return value, abs(value)


def _number(symbol: Any, index: int, shift: int) -> Any:
    """A number that a symbol of these assumptions may stand for; all different, and no simple fractions."""
    size = sp.N(index * sp.sqrt(shift + 1) % 1 + sp.Rational(1, 3), _DIGITS)
    if symbol.is_integer:
        return sp.Integer(index + shift)
    return -size if symbol.is_negative or (not symbol.is_nonnegative and index % 2) else size


def _require_zero(expressions: Any, what: str) -> None:
    for index, expression in enumerate(expressions):
        if not vanishes(expression):
            left = sp.sympify(expression)
            shown = str(sp.simplify(left) if sp.count_ops(left) < _SHOWN else left)
            raise ValueError(f"{what}, component {index + 1}: {shown[:200]} is left")


def _at(q: Symbolic, expression: Any) -> Any:
    """At z = z*(x), with the substitutions."""
    assert q.inner_solution is not None
    return _use(q, expression.subs(dict(zip(q.z, q.inner_solution, strict=True)), simultaneous=True))


def _use(q: Symbolic, expression: Any) -> Any:
    return sp.sympify(expression).subs(dict(q.substitutions), simultaneous=True)


def _stationary(q: Symbolic) -> str:
    _require_zero((_at(q, sp.diff(q.inner, z)) for z in q.z), "G_z(z*(x), x)")
    return "G_z(z*(x), x) = 0 identically"


def _convex(q: Symbolic) -> str:
    hessian = sp.hessian(q.inner, list(q.z))
    total = sp.eye(len(q.z)) * q.mu
    for weight, vector in q.curvature:
        if not sp.sympify(weight).is_nonnegative:
            raise ValueError(f"the weight {weight} is not seen to be non-negative")
        column = sp.Matrix(vector)
        total += weight * column * column.T
    if not sp.sympify(q.mu).is_positive:
        raise ValueError(f"mu = {q.mu} is not seen to be positive")
    _require_zero((_use(q, e) for e in hessian - total), "G_zz - mu I - sum of weights times squares")
    where = f" ({q.region})" if q.region else ""
    return f"G_zz = mu I + {len(q.curvature)} non-negative multiples of squares{where}"


def _adjoint(q: Symbolic) -> str:
    hessian = sp.hessian(q.inner, list(q.z))
    assert q.adjoint is not None
    residual = hessian * sp.Matrix(q.adjoint) + sp.Matrix([sp.diff(q.outer, z) for z in q.z])
    _require_zero((_at(q, e) for e in residual), "G_zz v* + F_z")
    return "G_zz v* + F_z = 0 at z*(x), identically"


def _value(q: Symbolic) -> str:
    _require_zero([_at(q, q.outer) - _use(q, q.value)], "F(z*(x), x) - Psi(x)")
    return "F(z*(x), x) = Psi(x) identically"


def _total(q: Symbolic) -> str:
    assert q.hypergradient is not None
    slopes = (_use(q, sp.diff(q.value, x) - g) for x, g in zip(q.x, q.hypergradient, strict=True))
    _require_zero(slopes, "dPsi/dx - hypergradient")
    return "equal to the total derivative of Psi"


def _implicit(q: Symbolic) -> str:
    assert q.hypergradient is not None
    assert q.adjoint is not None
    cross = sp.Matrix([[sp.diff(slope, z) for z in q.z] for slope in (sp.diff(q.inner, x) for x in q.x)])
    direct = sp.Matrix([sp.diff(q.outer, x) for x in q.x]) + cross * sp.Matrix(q.adjoint)
    _require_zero((_at(q, e) - _use(q, g) for e, g in zip(direct, q.hypergradient, strict=True)), "F_x + G_xz v*")
    return "F_x + G_xz v* at z*(x) is the hypergradient"


def _minimizer(q: Symbolic) -> str:
    assert q.hypergradient is not None
    assert q.minimizer is not None
    at = dict(zip(q.x, q.minimizer, strict=True))
    _require_zero((_use(q, g.subs(at, simultaneous=True)) for g in map(sp.sympify, q.hypergradient)), "grad Psi(x*)")
    return "grad Psi(x*) = 0"


def _attained(q: Symbolic) -> str:
    assert q.minimizer is not None
    at = dict(zip(q.x, q.minimizer, strict=True))
    _require_zero([_use(q, q.value.subs(at, simultaneous=True)) - _use(q, q.minimum)], "Psi(x*) - minimum")
    return "Psi(x*) is the declared minimum"


def _global(q: Symbolic) -> str:
    for term in q.excess:
        if not sp.sympify(term).is_nonnegative:
            raise ValueError(f"the term {term} of Psi - minimum is not seen to be non-negative")
    _require_zero([_use(q, q.value) - _use(q, q.minimum) - _use(q, sum(q.excess))], "Psi - minimum - sum of terms")
    return f"Psi - minimum is a sum of {len(q.excess)} non-negative terms"
