"""Derivatives of one problem at one point, as arrays: what turns a derived formula into a number.

A formula of this package is written in letters: A, C and B for G_zz, G_xz and G_xx, v for the adjoint, F_z and
so on. :class:`Blocks` holds an array for each letter, checks that their shapes fit together, and gives the value
of an expression in them. :meth:`Blocks.at` reads the arrays off a problem.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from zoba_bench.arrays import Array

from .isserlis import Environment

__all__ = ["Blocks"]


@dataclass(frozen=True, eq=False)
class Blocks:
    """Derivatives of G and F, and the adjoint variable, at one point (z, x).

    Attributes
    ----------
    A, C, B : G_zz (p, p), G_xz (d, p), G_xx (d, d).
    F_zz, F_xz, F_xx : blocks of the Hessian of F, of the same shapes; zeros by default.
    F_z, F_x : gradient of F (p,), (d,). Default: -A v and -C v, the values at which the
        adjoint equation holds and the gradient of Psi is zero.
    v : adjoint variable (p,).
    G_z : gradient of G in z (p,); zero, the default, at the inner solution.
    """

    A: Array
    C: Array
    B: Array
    v: Array
    F_zz: Array = None  # type: ignore[assignment]
    F_xz: Array = None  # type: ignore[assignment]
    F_xx: Array = None  # type: ignore[assignment]
    F_z: Array = None  # type: ignore[assignment]
    F_x: Array = None  # type: ignore[assignment]
    G_z: Array = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        arrays = {name: None if value is None else np.asarray(value, float) for name, value in given.items()}
        v, c = arrays["v"], arrays["C"]
        assert v is not None
        assert c is not None
        if v.ndim != 1:
            raise ValueError(f"v must be a vector, got shape {v.shape}")
        p, d = v.shape[0], c.shape[0]
        shapes: dict[str, tuple[int, ...]] = {
            **dict.fromkeys(("A", "F_zz"), (p, p)),
            **dict.fromkeys(("C", "F_xz"), (d, p)),
            **dict.fromkeys(("B", "F_xx"), (d, d)),
            **dict.fromkeys(("v", "F_z", "G_z"), (p,)),
            "F_x": (d,),
        }
        for name, shape in shapes.items():
            value = arrays[name]
            if value is None:
                value = np.zeros(shape)
                if name == "F_z":
                    value = -np.asarray(arrays["A"]) @ v
                elif name == "F_x":
                    value = -c @ v
            if value.shape != shape:
                raise ValueError(f"{name} must have shape {shape} (p={p}, d={d}), got {value.shape}")
            # Equal transposes are the common case and cheaper to see than close ones.
            symmetric = name not in ("A", "B", "F_zz", "F_xx") or np.array_equal(value, value.T)
            if not symmetric and not np.allclose(value, value.T, rtol=1e-9, atol=1e-12):
                raise ValueError(f"{name} must be symmetric")
            object.__setattr__(self, name, value)

    @property
    def p(self) -> int:
        """Inner dimension."""
        return int(self.A.shape[0])

    @property
    def d(self) -> int:
        """Outer dimension."""
        return int(self.B.shape[0])

    @property
    def matrices(self) -> dict[str, Array]:
        """Letters of the derivations and their matrices."""
        return {name: getattr(self, name) for name in ("A", "B", "C", "F_zz", "F_xz", "F_xx")}

    @property
    def vectors(self) -> dict[str, Array]:
        """Fixed vectors of the derivations."""
        return {name: getattr(self, name) for name in ("v", "G_z", "F_z", "F_x")}

    def environment(self) -> Environment:
        """What evaluates a derived moment at this point."""
        return Environment.exact(self.matrices, self.vectors)

    @classmethod
    def at(cls, problem: Any, x: Array, *, z: Array | None = None, v: Array | None = None) -> Blocks:
        """Blocks of a problem with closed forms, by default at the exact (z*(x), v*(x), x).

        Parameters
        ----------
        problem : a BilevelProblem that declares inner_hessian, outer_hessian and either the
            gradients of both levels or, at the exact solution, adjoint and hypergradient.
        x : (d,).
        z, v : (p,); default z*(x) and v*(x).
        """
        problem.require("inner_hessian", "outer_hessian")
        exact = z is None
        if not exact:
            problem.require("inner_grad_z")
        if z is None or v is None:
            problem.require("inner_solution", "adjoint")
        z = problem.inner_solution(x) if z is None else z
        v_star = problem.adjoint(x) if exact or v is None else None
        v = v_star if v is None else v
        a, c, b = problem.inner_hessian(z, x)
        f_zz, f_xz, f_xx = problem.outer_hessian(z, x)
        gradients: dict[str, Any] = {"G_z": None if exact else problem.inner_grad_z(z, x)}
        if problem.outer_grad_z is not None and problem.outer_grad_x is not None:
            gradients |= {"F_z": problem.outer_grad_z(z, x), "F_x": problem.outer_grad_x(z, x)}
        elif exact and v_star is not None:
            problem.require("hypergradient")
            gradients |= {"F_z": -a @ v_star, "F_x": problem.hypergradient(x) - c @ v_star}
        else:
            problem.require("outer_grad_z", "outer_grad_x")
        assert v is not None
        return cls(A=a, C=c, B=b, v=v, F_zz=f_zz, F_xz=f_xz, F_xx=f_xx, **gradients)
