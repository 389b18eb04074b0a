"""A bilevel problem: two objectives, and what is known about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, SupportsIndex

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem.building import keywords_of_functions, keywords_of_object
from zoba_bench.problem.capabilities import Capabilities
from zoba_bench.problem.card import Card
from zoba_bench.problem.constants import Constants
from zoba_bench.problem.export import Functions, SingleLevel, functions_of, single_level_of
from zoba_bench.problem.pickling import call_of, made_by
from zoba_bench.problem.symbolic import Symbolic
from zoba_bench.validation import check_dimension

__all__ = ["BilevelProblem"]


@dataclass(frozen=True, eq=False, repr=False)
class BilevelProblem:
    """min over x of Psi(x) = F(z*(x), x), with z*(x) the minimiser of G(., x).

    Every function broadcasts: z has shape (..., p), x (..., d), values (...).
    A solver sees ``inner`` and ``outer`` only, through an oracle; the closed forms
    serve measurement. Problems that :func:`zoba_bench.load_problem` returns can be pickled, and so can those of
    :meth:`from_functions` whose functions can: what travels is the call that makes the problem.

    Attributes
    ----------
    name : str
    p, d : int
        Dimensions of z and of x.
    inner, outer : callable(z, x, sample=None) -> (...)
        G and F. ``sample`` is an integer array that broadcasts with the leading axes;
        None asks for the mean over all samples. Solvers pass read-only arrays. A function with a true attribute
        ``stacks`` may get several arrays of points along one more axis in front of all others, the value of each point
        with the bits that it has without that axis; small iterations then take fewer calls.
    inner_samples, outer_samples : int or None
        Number of samples of each level; None for a deterministic function.
    inner_solution, adjoint, value, hypergradient : callable(x) or None
        z*(x), v*(x) with G_zz v* = -F_z, Psi(x), grad Psi(x).
    inner_grad_z, inner_grad_x, outer_grad_z, outer_grad_x : callable(z, x) or None
    inner_hvp_zz : callable(z, x, v) or None
        G_zz v, shape (..., p).
    inner_jvp_xz : callable(z, x, v) or None
        G_xz v, shape (..., d).
    inner_jvp_zx : callable(z, x, u) or None
        G_zx u, shape (..., p).
    inner_hessian, outer_hessian : callable(z, x) or None
        The blocks zz (p, p), xz (d, p) and xx (d, d) at one point z (p,), x (d,).
    minimizer : (d,) array or None
        A minimiser of Psi; None when there is none, or when it is not unique.
    minimum : float or None
        The infimum of Psi.
    constants : Constants
    start : callable(rng) -> (z0, x0)
        A start for all replicates of a run, shapes (p,) and (d,).
    symbolic : callable() or None
        A :class:`zoba_bench.problem.symbolic.Symbolic` of this instance, from which its certificate is proved.
    parameters : mapping
        What the family was built from (beside p and d).
    card : Card or None
    region : callable(z, x) -> (z, x) or None
        Maps z and x, each by itself, to where what is declared holds; None for everywhere. Certificates draw
        their points there.
    extra_checks : callable() or callable(problem) -> sequence of Check, or None
        The family's own statements about itself, as :class:`zoba_bench.certification.certificate.Check`; they become
        part of the certificate. Called with the problem that is certified if it takes an argument.
    capabilities : Capabilities
        Projections, prox, tasks, sets of solutions: what methods or measurements need beside the two objectives.
    """

    name: str
    p: int
    d: int
    inner: Callable[..., Array]
    outer: Callable[..., Array]
    inner_samples: int | None = None
    outer_samples: int | None = None
    inner_solution: Callable[[Array], Array] | None = None
    adjoint: Callable[[Array], Array] | None = None
    value: Callable[[Array], Array] | None = None
    hypergradient: Callable[[Array], Array] | None = None
    inner_grad_z: Callable[..., Array] | None = None
    inner_grad_x: Callable[..., Array] | None = None
    outer_grad_z: Callable[..., Array] | None = None
    outer_grad_x: Callable[..., Array] | None = None
    inner_hvp_zz: Callable[..., Array] | None = None
    inner_jvp_xz: Callable[..., Array] | None = None
    inner_jvp_zx: Callable[..., Array] | None = None
    inner_hessian: Callable[[Array, Array], tuple[Array, Array, Array]] | None = None
    outer_hessian: Callable[[Array, Array], tuple[Array, Array, Array]] | None = None
    minimizer: Array | None = None
    minimum: float | None = None
    constants: Constants = field(default_factory=Constants)
    start: Callable[[np.random.Generator], tuple[Array, Array]] | None = None
    symbolic: Callable[[], Symbolic] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    card: Card | None = None
    region: Callable[[Array, Array], tuple[Array, Array]] | None = None
    extra_checks: Callable[..., Sequence[Any]] | None = None
    capabilities: Capabilities = field(default_factory=Capabilities)

    def __post_init__(self) -> None:
        check_dimension("p", self.p)
        check_dimension("d", self.d)
        for name in ("inner", "outer"):
            if not callable(getattr(self, name)):
                raise TypeError(f"{name} must be a function of (z, x), got {getattr(self, name)!r}")
        for name in ("inner_samples", "outer_samples"):
            if getattr(self, name) is not None:
                check_dimension(name, getattr(self, name))
        # Samples whose spread nobody declared are no exact values.
        for samples, names in (
            (self.inner_samples, ("sigma_gz", "sigma_zz", "sigma_xz")),
            (self.outer_samples, ("sigma_fz", "sigma_fx")),
        ):
            if samples is not None and all(getattr(self.constants, name) == 0 for name in names):
                unknown: dict[str, Any] = dict.fromkeys(names)
                object.__setattr__(self, "constants", replace(self.constants, **unknown))

    @property
    def stochastic(self) -> bool:
        """Whether either level is a mean over samples."""
        return self.inner_samples is not None or self.outer_samples is not None

    def initial_point(self, rng: np.random.Generator) -> tuple[Array, Array]:
        """The family's start (z0, x0), or zeros of R^p and standard normal x0 where it has none."""
        if self.start is not None:
            return self.start(rng)
        return np.zeros(self.p), rng.standard_normal(self.d)

    def require(self, *names: str) -> None:
        """Raise an error that names the closed forms this problem lacks."""
        missing = [name for name in names if getattr(self, name) is None]
        if missing:
            raise ValueError(f"problem {self.name!r} does not declare {', '.join(missing)}, needed here")

    def as_functions(self, seed: int = 0) -> Functions:
        """F, G and a start as plain functions and arrays: what ``zb.minimize`` and other black-box methods take.

        Parameters
        ----------
        seed : int
            Of the start.

        Returns
        -------
        Functions
            A named tuple (outer, inner, x0, z0).
        """
        return functions_of(self, seed)

    def as_single_level(self, seed: int = 0) -> SingleLevel:
        """Psi with its exact gradient, a start and the bounds of x, for optimisers of one level such as scipy's.

        Parameters
        ----------
        seed : int
            Of the start.

        Returns
        -------
        SingleLevel
            ``fun``, ``jac``, ``fun_and_jac`` (for ``jac=True``), ``x0`` and ``bounds``.

        Raises
        ------
        ValueError
            For a problem that does not declare ``value`` and ``hypergradient``, or whose x is in a set that is no box.
        """
        return single_level_of(self, seed)

    def __repr__(self) -> str:
        options = "".join(f", {name}={value!r}" for name, value in self.parameters.items() if value is not None)
        return f"BilevelProblem({self.name!r}, p={self.p}, d={self.d}{options})"

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        return call_of(self) or super().__reduce_ex__(protocol)

    @property
    def smooth(self) -> bool:
        """Whether both objectives are twice continuously differentiable, by the card; True without one."""
        return self.card is None or self.card.smooth

    @classmethod
    def from_functions(
        cls,
        outer: Callable[..., Any],
        inner: Callable[..., Any],
        p: int,
        d: int,
        *,
        vectorize: bool = False,
        **closed_forms: Any,
    ) -> BilevelProblem:
        """A problem from two functions of (z, x); closed forms and constants as keywords.

        Parameters
        ----------
        outer, inner : callable(z, x) -> (...)
            F and G, for z of shape (..., p) and x of shape (..., d).
        p, d : int
            Dimensions of z and x.
        vectorize : bool
            All functions take single points z (p,), x (d,) and are called once for each: a Python loop, slow.
        **closed_forms
            Any other attribute of the class; ``constants`` may be a mapping.

        Raises
        ------
        TypeError
            For a keyword that is no attribute, or something that is not a function where one is needed.
        ValueError
            For bad dimensions, or a minimiser that is not of shape (d,).
        """
        known = [f.name for f in fields(cls)]
        made = cls(**keywords_of_functions(known, outer, inner, p, d, vectorize=vectorize, **closed_forms))
        return made_by(made, cls.from_functions, outer, inner, p, d, vectorize=vectorize, **closed_forms)

    @classmethod
    def from_object(cls, description: Any) -> BilevelProblem:
        """A problem from any object with p, d, inner(z, x), outer(z, x) and closed forms under their names.

        ``vectorize = True`` on the object says that its functions take single points. A class is called
        without arguments first.

        Raises
        ------
        TypeError
            For an object that lacks one of the four, or has an attribute that looks like a misspelt closed form.
        ValueError
            As :meth:`from_functions`.
        """
        if isinstance(description, BilevelProblem):
            return description
        return cls.from_functions(**keywords_of_object([f.name for f in fields(cls)], description))
