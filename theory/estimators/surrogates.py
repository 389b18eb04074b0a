"""Exact moments of one-direction surrogates of a quadratic, from the coefficient functions that run.

Every surrogate is built by applying the scalar coefficient functions of
``zoba_bench.estimators`` to the Taylor polynomial of a quadratic at the shifted points,
and by contracting the result with a test vector. Mean and second moment then follow
from the Isserlis engine; nothing here is a formula for a moment.

Source: surrogates of ZOBA and HF-ZOBA (arXiv 2601.21836, authors' public code); the mixed
differences are this project's variant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import sympy as sp

from zoba_bench import estimators
from zoba_bench.arrays import Array
from zoba_bench.errors import DerivationError

from ..proof.algebra import require_nonnegative
from ..symbols import d, eta, h, h_bar, p, ratio
from .blocks import Blocks
from .isserlis import Form, Moment, Trace, expectation, form
from .taylor import Point, Quadratic

__all__ = ["Surrogate", "SurrogateError", "hf_zoba_surrogates", "mixed_surrogates", "zoba_surrogates"]


class SurrogateError(DerivationError):
    """A surrogate whose derived mean is not its target, or whose moments diverge."""


@dataclass(frozen=True)
class Surrogate:
    """One direction's surrogate X of a derivative of a quadratic.

    Attributes
    ----------
    name : what it estimates and how.
    target : (word..., vector) of the required mean, e.g. ("A", "v").
    space : "p" or "d", where X lives.
    along : function of a test vector's name giving y'X as a polynomial in forms.
    queries : the points it asks for.
    coefficient : the scalar in front of the projection, as a function of ``at(**moves) -> value``.
    projection : y'X over the coefficient, as a function of a test vector's name.
    """

    name: str
    target: tuple[str, ...]
    space: str
    along: Callable[[str], Any]
    queries: frozenset[Point]
    coefficient: Callable[[Callable[..., Any]], Any] | None = None
    projection: Callable[[str], Any] | None = None

    @classmethod
    def of(
        cls,
        name: str,
        target: tuple[str, ...],
        space: str,
        level: str,
        coefficient: Callable[[Callable[..., Any]], Any],
        projection: Callable[[str], Any],
    ) -> Surrogate:
        """X = coefficient * projection, of a quadratic of the given level."""
        q = Quadratic(level)
        c = coefficient(q.at)
        return cls(name, target, space, lambda y: c * projection(y), frozenset(q.queries), coefficient, projection)

    def tested(self, index: int) -> Any:
        """y'X with numbered test vector, radii written as h = r eta."""
        return self.along(f"y{index}{self.space}").subs(h, ratio * eta)

    @cached_property
    def mean(self) -> str:
        """The derived mean, readable: "A v"."""
        return _spell_vector(expectation(self.tested(1)))

    @property
    def required_mean(self) -> str:
        """The mean it must have."""
        return " ".join(self.target)

    @cached_property
    def second_moment_matrix(self) -> Moment:
        """E[X X'] as a moment with test vectors."""
        return pair_moment(self, self)

    @cached_property
    def second_moment(self) -> Any:
        """E|X|^2 in named invariants, the ratio r = h/eta, eta and h_bar; eta = 0 is the limit."""
        return self.second_moment_matrix.contracted().expression

    def check(self) -> None:
        """Raise :class:`SurrogateError` unless the mean is the target and the radii may go to zero."""
        target = form(f"y1{self.space}", *self.target)
        difference = expectation(self.tested(1) - target)
        if difference.terms:
            raise SurrogateError(f"{self.name}: derived mean {self.mean}, required {self.required_mean}")
        for radius in (eta, h_bar):
            for coefficient, _ in self.second_moment_matrix.terms:
                if sp.degree(sp.denom(sp.cancel(coefficient)), radius) > 0:
                    raise SurrogateError(
                        f"{self.name}: derived second moment grows without bound as {radius} -> 0 "
                        f"(a term in {coefficient})"
                    )

    def second_moment_value(
        self,
        blocks: Blocks,
        v: Array | None = None,
        h: float = 0.0,
        eta: float = 0.0,
        h_bar: float = 0.0,
        ratio: float | None = None,
    ) -> float:
        """E|X|^2 as a number.

        Parameters
        ----------
        blocks : derivatives at the point.
        v : adjoint variable, default ``blocks.v``.
        h, eta, h_bar : radii; zero is the limit, in which only ``ratio`` = h/eta matters
            (default: h/eta where both are positive, else 1).
        """
        self.check()
        r, radius = resolve_radii(h, eta, ratio)
        vectors = blocks.vectors | ({} if v is None else {"v": np.asarray(v, float)})
        environment = type(blocks.environment()).exact(blocks.matrices, vectors)
        return float(np.trace(self.second_moment_matrix.matrix(environment, r, radius, h_bar)))

    @cached_property
    def centred_moment(self) -> Moment:
        """E|X - E X|^2, the trace of the covariance."""
        one, two = (expectation(self.tested(index)).expression for index in (1, 2))
        return expectation(sp.expand(self.tested(1) * self.tested(2) - one * two)).contracted()

    def worst_variance(self, bounds: Mapping[str, Any]) -> Any:
        """Largest E|X - E X|^2 over all blocks within spectral bounds; see :meth:`worst_case`."""
        return _worst(self, True, tuple(bounds.items()))

    def worst_case(self, bounds: Mapping[str, Any]) -> Any:
        """Largest E|X|^2 over all blocks within spectral bounds.

        Every invariant is replaced by its largest value. That is an upper bound because
        every coefficient is checked to be non-negative, and it is attained where all blocks
        are multiples of the identity (C only if p <= d: |C|_F^2 is bounded by p L_xz^2).

        Parameters
        ----------
        bounds : bound of each letter and vector: {"A": L_zz, "v": ...}.
        """
        return _worst(self, False, tuple(bounds.items()))

    def _largest(self, moment: Moment, bounds: Mapping[str, Any]) -> Any:
        grouped: dict[tuple[Any, ...], Any] = {}
        for coefficient, product in moment.terms:
            # tr(I) = p or d belongs to the coefficient, so that (p + 4) - 1 counts as one.
            dimension = sp.Mul(*(_dimension(i) for i in product if isinstance(i, Trace) and not i.word))
            kept = tuple(i for i in product if not (isinstance(i, Trace) and not i.word))
            grouped[kept] = grouped.get(kept, sp.Integer(0)) + coefficient * dimension
        total = sp.Integer(0)
        for product, coefficient in grouped.items():
            try:
                require_nonnegative(coefficient, (p, d))
            except ValueError as error:
                message = f"{self.name}: the coefficient {coefficient} of a moment may be negative"
                raise SurrogateError(message) from error
            total += coefficient * sp.Mul(*(_largest(item, bounds) for item in product))
        return sp.expand(total)


@cache
def _worst(surrogate: Surrogate, centred: bool, bounds: tuple[tuple[str, Any], ...]) -> Any:
    """The largest moment; every theorem asks for the same few."""
    moment = surrogate.centred_moment if centred else surrogate.second_moment_matrix.contracted()
    return surrogate._largest(moment, dict(bounds))


def _dimension(item: Trace) -> Any:
    return {"p": p, "d": d}[item.dimension]


def pair_moment(one: Surrogate, two: Surrogate) -> Moment:
    """E[X Y'] of two surrogates along the same directions."""
    return expectation(sp.expand(one.tested(1) * two.tested(2)))


def resolve_radii(inner: float, outer: float, r: float | None) -> tuple[float, float]:
    """Ratio h/eta and outer radius eta from what the caller knows of h, eta and the ratio."""
    if r is None:
        r = inner / outer if inner > 0 and outer > 0 else 1.0
    if not r > 0:
        raise ValueError(f"ratio h/eta must be positive, got {r!r}")
    return r, outer if outer > 0 else inner / r


def _largest(item: Form | Trace, bounds: Mapping[str, Any]) -> Any:
    value = sp.Mul(*(bounds[letter.rstrip("'")] for letter in item.word))
    if isinstance(item, Form):
        return value * bounds[item.left] * bounds[item.right]
    # |C|_F^2 <= min(p, d) L^2 and tr over R^p or R^d of words in A or B alone.
    return value * (d if set(item.word) <= {"B", "F_xx"} else p)


def _spell_vector(moment: Moment) -> str:
    parts = []
    for coefficient, product in moment.terms:
        chains = [item for item in product if isinstance(item, Form) and item.right.startswith("y")]
        chains += [item.reversed() for item in product if isinstance(item, Form) and item.left.startswith("y")]
        rest = Moment(((coefficient, tuple(i for i in product if i not in chains and _reverse(i) not in chains)),))
        scalar = rest.expression
        chain = chains[0].reversed()
        vector = " ".join((*chain.word, chain.right))
        parts.append(vector if scalar == 1 else f"{scalar}*{vector}")
    return " + ".join(parts) or "0"


def _reverse(item: Form | Trace) -> Form | Trace:
    return item.reversed() if isinstance(item, Form) else item


# The builders look the coefficient functions up when called, and are cached by function:
# a changed function is a changed surrogate.


def zoba_surrogates() -> dict[str, Surrogate]:
    """ZOBA: central D_z and second differences."""
    return _first_order(True) | {
        "Hv second difference": hessian_second(estimators.second_difference),
        "Cv second difference": cross_second(estimators.second_difference),
    }


def mixed_surrogates() -> dict[str, Surrogate]:
    """ZOBA with mixed differences."""
    return _first_order(True) | {
        "Hv mixed difference": hessian_mixed(estimators.mixed_difference),
        "Cv mixed difference": cross_mixed(estimators.mixed_difference),
    }


def hf_zoba_surrogates() -> dict[str, Surrogate]:
    """HF-ZOBA: forward D_z and differences along v."""
    return _first_order(False) | {
        "Hv difference along v": action_along(estimators.forward_difference, estimators.difference_along, "w"),
        "Cv difference along v": action_along(estimators.forward_difference, estimators.difference_along, "u"),
    }


def _first_order(central: bool) -> dict[str, Surrogate]:
    inner = gradient_central(estimators.central_difference) if central else None
    inner = inner or gradient_forward(estimators.forward_difference, "inner", "w")
    found = (
        inner,
        gradient_forward(estimators.forward_difference, "outer", "w"),
        gradient_forward(estimators.forward_difference, "outer", "u"),
    )
    return {surrogate.name: surrogate for surrogate in found}


@cache
def gradient_central(central: Callable[..., Any]) -> Surrogate:
    """Central difference of g along w, times w."""
    return Surrogate.of(
        "D_z central",
        ("G_z",),
        "p",
        "inner",
        lambda at: central(at(w=h), at(w=-h), h),
        lambda y: form(y, "w"),
    )


@cache
def gradient_forward(forward: Callable[..., Any], level: str, direction: str) -> Surrogate:
    """Forward difference of g or f along a direction, times it."""
    radius, space = (eta, "d") if direction == "u" else (h, "p")
    name = {("inner", "w"): "D_z", ("outer", "w"): "f_z", ("outer", "u"): "f_x"}[level, direction]
    target = {"D_z": "G_z", "f_z": "F_z", "f_x": "F_x"}[name]
    return Surrogate.of(
        f"{name} forward",
        (target,),
        space,
        level,
        lambda at: forward(at(**{direction: radius}), at(), radius),
        lambda y: form(y, direction),
    )


@cache
def hessian_second(second: Callable[..., Any]) -> Surrogate:
    """s [(w'v) w - v] with the second difference s along w."""
    return Surrogate.of(
        "Hv second difference",
        ("A", "v"),
        "p",
        "inner",
        lambda at: second(at(w=h), at(w=-h), at(), h, h),
        lambda y: form("w", "v") * form(y, "w") - form(y, "v"),
    )


@cache
def cross_second(second: Callable[..., Any], projected: str = "w", direction: str = "u") -> Surrogate:
    """c (w'v) u with the second difference c along (w, u).

    ``projected`` and ``direction`` say which direction meets v and which one is returned;
    anything but the default is a wrong estimator, kept expressible so that it can be refused.
    """
    return Surrogate.of(
        "Cv second difference",
        ("C", "v"),
        "d",
        "inner",
        lambda at: second(at(w=h, u=eta), at(w=-h, u=-eta), at(), h, eta),
        lambda y: form(projected, "v") * form(y, direction),
    )


@cache
def hessian_mixed(mixed: Callable[..., Any]) -> Surrogate:
    """k (w'v) t with the mixed difference k along independent w and t."""
    return Surrogate.of(
        "Hv mixed difference",
        ("A", "v"),
        "p",
        "inner",
        lambda at: mixed(at(w=h, t=h), at(w=h), at(t=h), at(), h, h),
        lambda y: form("w", "v") * form(y, "t"),
    )


@cache
def cross_mixed(mixed: Callable[..., Any]) -> Surrogate:
    """c (w'v) u with the mixed difference c along (w, u)."""
    return Surrogate.of(
        "Cv mixed difference",
        ("C", "v"),
        "d",
        "inner",
        lambda at: mixed(at(w=h, u=eta), at(w=h), at(u=eta), at(), h, eta),
        lambda y: form("w", "v") * form(y, "u"),
    )


@cache
def action_along(
    forward: Callable[..., Any], difference: Callable[..., Any], direction: str, shared: bool = True
) -> Surrogate:
    """Difference along v of two gradient surrogates, both along w (Hv) or along u (Cv).

    ``shared=False`` draws a second direction t for the displaced surrogate of Hv: the
    estimator that must be refused.
    """
    name, space, radius, target = ("Hv", "p", h, "A") if direction == "w" else ("Cv", "d", eta, "C")

    def pair(at: Callable[..., Any], moved: str) -> tuple[Any, Any]:
        displaced = forward(at(v=h_bar, **{moved: radius}), at(v=h_bar), radius)
        return displaced, forward(at(**{direction: radius}), at(), radius)

    if shared:
        return Surrogate.of(
            f"{name} difference along v",
            (target, "v"),
            space,
            "inner",
            lambda at: difference(*pair(at, direction), h_bar),
            lambda y: form(y, direction),
        )
    q = Quadratic("inner")
    displaced, centre = pair(q.at, "t")

    def along(y: str) -> Any:
        return difference(displaced * form(y, "t"), centre * form(y, direction), h_bar)

    return Surrogate(f"{name} difference along v", (target, "v"), space, along, frozenset(q.queries))
