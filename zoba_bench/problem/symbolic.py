"""A problem in symbols: what its certificate is proved from. The module itself imports no sympy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Symbolic"]


@dataclass(frozen=True, eq=False)
class Symbolic:
    """A bilevel problem of small size in sympy expressions, with the values of its parameters.

    What is proved of it holds for every value of the parameters that their assumptions allow
    (``positive=True`` and so on); the numbers in ``parameters`` are those of one instance, against which the
    numerical functions are compared.

    Attributes
    ----------
    z, x : real symbols of the inner and the outer variable.
    inner, outer : G and F.
    inner_solution, adjoint, hypergradient : z*(x), v*(x) and grad Psi(x), in x and the parameters.
    value : Psi(x).
    parameters : parameter symbol -> its value in the instance that gave this object.
    mu : strong convexity of G(., x) on the region; None where G is not strongly convex.
    curvature : (weight, vector) pairs with G_zz = mu I + sum weight * vector vector' and weights that
        sympy sees to be non-negative; this proves strong convexity. Empty where ``mu`` is None.
    minimizer, minimum : a minimiser of Psi and the infimum; None where there is none.
    excess : terms that sympy sees to be non-negative and that sum to Psi - minimum: the proof that the
        minimum is global. Empty where there is no such proof, and the certificate then says so.
    substitutions : what identities use before they are simplified (a planted target in terms of x_o, ...).
    constants : name of a declared constant -> its expression in the parameters, derived apart from the
        numerical code; the declared number must be this value.
    region : where the statements hold, in words; empty for everywhere.
    """

    z: Sequence[Any]
    x: Sequence[Any]
    inner: Any
    outer: Any
    inner_solution: Sequence[Any] | None = None
    adjoint: Sequence[Any] | None = None
    hypergradient: Sequence[Any] | None = None
    value: Any = None
    parameters: Mapping[Any, float] = field(default_factory=dict)
    mu: Any = None
    curvature: Sequence[tuple[Any, Sequence[Any]]] = ()
    minimizer: Sequence[Any] | None = None
    minimum: Any = None
    excess: Sequence[Any] = ()
    substitutions: Mapping[Any, Any] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    region: str = ""
