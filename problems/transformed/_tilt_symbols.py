"""A tilted problem in symbols. This module imports sympy: load it inside functions only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import sympy as sp

from zoba_bench.arrays import Array
from zoba_bench.problem import Constants
from zoba_bench.problem.symbolic import Symbolic

__all__ = ["tilted_symbols"]


def tilted_symbols(q: Symbolic, b: Array, constants: Constants) -> Symbolic:
    """F + b'(z - z*(x)) for any b, and v* - G_zz^-1 b at z*(x); ``constants`` are the declared ones.

    The derivatives of z* are left to whoever proves: here stands z* alone.
    """
    assert q.inner_solution is not None
    assert q.adjoint is not None
    values = dict(q.parameters)
    # A problem may be tilted twice: other symbols then.
    before = sum(symbol.name.startswith("tilt") and symbol.name.endswith("_1") for symbol in values)
    tilt = sp.symbols(f"tilt{before or ''}_1:{len(b) + 1}", real=True)
    values.update(zip(tilt, map(float, b), strict=True))
    at_solution = dict(zip(q.z, q.inner_solution, strict=True))
    written_out = curvature = sp.hessian(q.inner, list(q.z))
    if q.mu is not None:
        squares = (w * sp.Matrix(v) * sp.Matrix(v).T for w, v in q.curvature)
        curvature = sum(squares, q.mu * sp.eye(len(q.z)))
    if curvature.is_diagonal():
        # In the form that v* is written in, proofs take half of the time.
        bends = curvature.diagonal().subs(at_solution, simultaneous=True)
        moved = [t / bend for t, bend in zip(tilt, bends, strict=True)]
    else:
        curvature = written_out.subs(at_solution, simultaneous=True)
        # The determinant stays outside of the sums.
        moved = [e / curvature.det() for e in curvature.adjugate() * sp.Matrix(tilt)]
    gaps = (t * (z - s) for t, z, s in zip(tilt, q.z, q.inner_solution, strict=True))
    size = sp.sqrt(sum(t**2 for t in tilt))
    return replace(
        q,
        outer=q.outer + sum(gaps),
        adjoint=[v - a for v, a in zip(q.adjoint, moved, strict=True)],
        parameters=values,
        constants=_constants(dict(q.constants), size, constants),
    )


def _constants(of: dict[str, Any], size: Any, declared: Constants) -> dict[str, Any]:
    """Expressions of the declared constants, where those that they are made of have expressions themselves."""
    added: dict[str, Callable[[], Any]] = {
        "m_xx": lambda: of["s_z"] * size,
        "C_z": lambda: size,
        "C_x": lambda: of["k_z"] * size,
        "R": lambda: size / of["mu"],
        "R_0": lambda: size / of["mu"],
        "k_v": lambda: size * (of["H_zz"] * of["k_z"] + of["H_xz"]) / of["mu"] ** 2,
        "s_v": lambda: 0,
    }
    found = {name: expression for name, expression in of.items() if name not in added}
    for name, more in added.items():
        try:
            if getattr(declared, name) is not None:
                found[name] = of[name] + more()
        except KeyError:  # an expression is missing: the certificate then says nothing about this constant
            continue
    return found
