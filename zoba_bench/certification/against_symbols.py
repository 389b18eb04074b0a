"""The numerical functions against the symbols, at random points of the same instance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy as sp

from zoba_bench.arrays import Array
from zoba_bench.certification.certificate import Check
from zoba_bench.certification.differences import settle
from zoba_bench.problem import BilevelProblem
from zoba_bench.problem.symbolic import Symbolic

__all__ = ["compare", "compare_constants"]


#: Relative to the largest value met; both sides round, in different orders of operations.
_TOLERANCE = 1e-9


def compare(problem: BilevelProblem, q: Symbolic, rng: np.random.Generator, points: int = 7) -> list[Check]:
    """Every declared function against the same quantity from the symbols."""
    if (len(q.z), len(q.x)) != (problem.p, problem.d):
        sizes = f"symbols have p={len(q.z)}, d={len(q.x)}, the instance p={problem.p}, d={problem.d}"
        return [Check("symbols", False, "computed", sizes)]
    reach = min(problem.constants.radius, 1.0)
    z = reach * rng.uniform(-1, 1, (points, problem.p)) / np.sqrt(problem.p)
    x = reach * rng.uniform(-1, 1, (points, problem.d)) / np.sqrt(problem.d)
    z, x = settle(problem, z, x)
    v = rng.uniform(-1, 1, (points, problem.p))
    u = rng.uniform(-1, 1, (points, problem.d))
    of_v, of_u = sp.symbols(f"v_1:{problem.p + 1}", real=True), sp.symbols(f"u_1:{problem.d + 1}", real=True)
    checks = _assumed(q)

    def check(name: str, function: Callable[..., Any] | None, expressions: Any, *arguments: tuple[Any, Array]) -> None:
        if function is None or expressions is None:
            return
        found = np.asarray(function(*(array for _, array in arguments)), float)
        expected = _evaluate(expressions, q, arguments, vector=found.ndim == 2)
        error = float(np.max(np.abs(found - expected)) / (1 + np.max(np.abs(expected))))
        checks.append(Check(f"{name} as in the symbols", error <= _TOLERANCE, "computed", f"error {error:.1e}"))

    at_z, at_x = (q.z, z), (q.x, x)
    levels = {"inner": q.inner, "outer": q.outer}
    slopes = {(level, k): [sp.diff(e, s) for s in getattr(q, k)] for level, e in levels.items() for k in ("z", "x")}
    for level, expression in levels.items():
        check(level, getattr(problem, level), expression, at_z, at_x)
        for letter in ("z", "x"):
            name = f"{level}_grad_{letter}"
            check(name, getattr(problem, name), slopes[level, letter], at_z, at_x)
    slopes_z, slopes_x = slopes["inner", "z"], slopes["inner", "x"]
    check("inner_hvp_zz", problem.inner_hvp_zz, _along(slopes_z, q.z, of_v), at_z, at_x, (of_v, v))
    check("inner_jvp_xz", problem.inner_jvp_xz, _along(slopes_x, q.z, of_v), at_z, at_x, (of_v, v))
    check("inner_jvp_zx", problem.inner_jvp_zx, _along(slopes_z, q.x, of_u), at_z, at_x, (of_u, u))
    for level in levels:
        for index, (name, columns) in enumerate((("zz", q.z), ("xz", q.z), ("xx", q.x))):
            function = _block(getattr(problem, f"{level}_hessian"), index)
            # One derivative at a time: for two at once sympy factors what it finds, which takes longer.
            entries = [sp.diff(slope, c) for slope in slopes[level, name[0]] for c in columns]
            check(f"{level}_hessian {name}", function, entries, at_z, at_x)
    for name in ("inner_solution", "adjoint", "value", "hypergradient"):
        check(name, getattr(problem, name), getattr(q, name), at_x)
    if q.minimizer is not None and problem.minimizer is not None:
        check("minimizer", lambda _: problem.minimizer[None], q.minimizer, ((), x[:1]))  # type: ignore[index]
    if q.minimum is not None and problem.minimum is not None:
        check("minimum", lambda _: np.array([problem.minimum]), q.minimum, ((), x[:1]))
    return checks


def _assumed(q: Symbolic) -> list[Check]:
    """Whether the instance is one that the proofs speak of: its numbers are as the symbols assume."""
    wrong = [
        f"{symbol} = {value:.6g}"
        for symbol, value in q.parameters.items()
        if (symbol.is_positive and not value > 0)
        or (symbol.is_negative and not value < 0)
        or (symbol.is_nonnegative and not value >= 0)
        or (symbol.is_nonpositive and not value <= 0)
        or (symbol.is_integer and value != round(value))
        or not np.isfinite(value)
    ]
    if not q.parameters:
        return []
    detail = f"not: {', '.join(wrong)}" if wrong else f"{len(q.parameters)} numbers"
    return [Check("parameters are as the symbols assume", not wrong, "computed", detail)]


def _block(hessian: Callable[..., Any] | None, index: int) -> Callable[..., Any] | None:
    """One block of a Hessian, flat, at points one by one."""
    if hessian is None:
        return None
    return lambda z, x: np.stack([np.ravel(hessian(a, b)[index]) for a, b in zip(z, x, strict=True)])


def compare_constants(problem: BilevelProblem, q: Symbolic, only: str | None = None) -> list[Check]:
    """Declared constants against their expressions in the parameters; ``only`` names a single one."""
    checks = []
    for name, value in _numbers(q, {n: e for n, e in q.constants.items() if only in (None, n)}).items():
        declared = getattr(problem.constants, name)
        if declared is None:
            checks.append(
                Check(f"constant {name}", False, "computed", f"not declared; its expression gives {value:.6g}")
            )
            continue
        close = abs(declared - value) <= 1e-9 * (1 + abs(value))
        detail = f"declared {declared:.6g}, from the parameters {value:.6g}"
        if name in problem.constants.sampled:
            close, detail = False, f"{detail}: an expression is an argument, take the name out of `sampled`"
        checks.append(Check(f"constant {name}", close, "computed", detail))
    return checks


def _numbers(q: Symbolic, expressions: Mapping[str, Any]) -> dict[str, float]:
    """Values in the instance, all at once: bounds share most of what they are made of."""
    used = [sp.sympify(e) for e in expressions.values()]
    # Putting in what does not occur would rebuild every expression.
    used = [
        e.subs(dict(q.substitutions), simultaneous=True) if e.free_symbols & set(q.substitutions) else e for e in used
    ]
    function = sp.lambdify(list(q.parameters), used, modules=["numpy", "scipy"], cse=True)
    return dict(zip(expressions, map(float, function(*map(float, q.parameters.values()))), strict=True))


def _along(slopes: list[Any], symbols: Any, direction: Any) -> list[Any]:
    return [sum(sp.diff(slope, s) * t for s, t in zip(symbols, direction, strict=True)) for slope in slopes]


def _evaluate(expressions: Any, q: Symbolic, arguments: tuple[tuple[Any, Array], ...], vector: bool) -> Array:
    """Values (n,) or (n, m) of expressions at points; parameters at the instance's values."""
    symbols = [s for names, _ in arguments for s in names]
    columns = [array[:, i] for names, array in arguments for i, _ in enumerate(names)]
    listed = list(expressions) if vector else [expressions]
    used = [sp.sympify(e).subs(dict(q.substitutions), simultaneous=True) for e in listed]
    function = sp.lambdify([*symbols, *q.parameters], used, modules=["numpy", "scipy"], cse=True)
    count = len(arguments[0][1])
    rows = [np.broadcast_to(np.asarray(row, float), (count,)) for row in function(*columns, *q.parameters.values())]
    return np.stack(rows, axis=-1) if vector else np.array(rows[0])
