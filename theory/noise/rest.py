"""Where a method with a biased hypergradient comes to rest.

Take exact values, constant steps and inner iterates that start where the last ones ended. When x stops, the inner
iterates stop too. Noise that is proportional to their distance, or to the direction, is then zero. What is left of
the direction is grad Psi(x) + M v*(x), with a matrix M that the theorem derives. So x stops where this sum is zero,
and not where grad Psi is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
import sympy as sp
from scipy.optimize import root

from zoba_bench.arrays import Array

from ..estimators.blocks import Blocks
from ..proof.theorem import Theorem, TheoremError
from .run_moments import quadratic_between

__all__ = ["RestingTheorem", "matrix_value", "spectral"]


#: Of |direction| at the point of rest, relative to its two parts.
_RESIDUAL = 1e-9


@dataclass(frozen=True, eq=False)
class RestingTheorem(Theorem):
    """A theorem that says where its method comes to rest.

    Attributes
    ----------
    error : callable(blocks, solver) -> (d, p) array
        M: the direction is grad Psi(x) + M v*(x) once the inner iterates are at rest.
    quadratic : M holds where both objectives are quadratic only.
    """

    error: Callable[[Blocks, Any], Array] = field(kw_only=True)
    quadratic: bool = field(default=False, kw_only=True)

    def point_of_rest(self, problem: Any, solver: Any) -> Array:
        """x (d,) at which the direction vanishes, the one that is reached from the minimiser.

        Parameters
        ----------
        problem : a BilevelProblem with exact values, closed forms, both Hessians and a minimiser.
        solver : whose options M depends on.

        Raises
        ------
        TheoremError : there is no such point near, or M does not hold on the way to it.
        ValueError : the problem lacks something, named.
        """
        self.require_checked()
        if problem.stochastic:
            raise TheoremError(f"a point of rest is derived for exact values; {problem.name} has samples")
        problem.require("minimizer", "hypergradient", "inner_solution", "adjoint", "inner_hessian", "outer_hessian")

        def parts(x: Array) -> tuple[Array, Array]:
            blocks = Blocks.at(problem, x)
            return np.asarray(problem.hypergradient(x)), self.error(blocks, solver) @ blocks.v

        found = root(lambda x: sum(parts(x)), problem.minimizer, tol=1e-13)
        gradient, error = parts(found.x)
        if np.linalg.norm(gradient + error) > _RESIDUAL * (np.linalg.norm(gradient) + np.linalg.norm(error)):
            raise TheoremError(f"{self.name}: no point near the minimiser of {problem.name} at which it comes to rest")
        start, stop = ((problem.inner_solution(x), problem.adjoint(x), x) for x in (problem.minimizer, found.x))
        if self.quadratic and not quadratic_between(problem, start, stop):
            raise TheoremError(f"{self.name}: the error is derived for quadratic objectives, {problem.name} is not")
        return np.asarray(found.x)


def spectral(blocks: Blocks, of: Callable[[Array], Array]) -> Array:
    """C g(A) for a function g of the eigenvalues of A."""
    values, vectors = np.linalg.eigh(blocks.A)
    product: Array = blocks.C @ (vectors * of(values)) @ vectors.T
    return product


def matrix_value(expression: Any, letters: Mapping[Any, Array], numbers: Mapping[Any, float]) -> Array:
    """A sum of products of non-commutative symbols, with matrices in their place.

    Parameters
    ----------
    expression : in non-commutative symbols, each to a positive power, with commuting factors.
    letters, numbers : values of the symbols that do not commute, and of those that do.
    """
    total: Any = 0.0
    for term in sp.Add.make_args(sp.expand(expression)):
        commuting, rest = term.args_cnc()
        powers = (letter.as_base_exp() for letter in rest)
        factors = [letters[base] for base, power in powers for _ in range(int(power))]
        total = total + float(sp.Mul(*commuting).subs(numbers)) * reduce(np.matmul, factors)
    return np.asarray(total)
