"""What a bilevel problem is: functions, closed forms, constants and a card."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem.capabilities import Capabilities
from zoba_bench.problem.symbolic import Symbolic
from zoba_bench.validation import check_dimension

__all__ = ["ASSUMPTIONS", "BilevelProblem", "Card", "Constants"]


#: What a card says of its family, in theory's order.
ASSUMPTIONS = ("A1", "A2", "A3", "A4", "A5")


@dataclass(frozen=True)
class Constants:
    """Constants of the assumptions; ``None`` where unknown or infinite.

    Norms are Euclidean (vectors) and spectral (matrices). G is the inner and F the outer
    objective, z* the inner solution, v* the adjoint, Psi the value function.

    Attributes
    ----------
    mu : strong convexity of G(., x).
    L_zz, L_xz, L_xx : bounds on the blocks of the Hessian of G.
    H, H_zz, H_xz : Lipschitz constants of the full Hessian of G, and of G_zz and G_xz in z.
    H_zx, H_xx : Lipschitz constants of G_xz and of G_xx in x; unknown ones are at most H.
    m_zz, m_xz, m_xx : bounds on the blocks of the Hessian of F.
    C_z, C_x : bounds on the norms of F_z(z*(x), x) and of F_x.
    R : bound on the norm of v*.
    R_0, R_g : |v*(x)| <= R_0 + R_g |grad Psi(x)|, for quadratic problems, where v* has no bound.
    k_z, k_v : Lipschitz constants of z* and v*.
    s_z, s_v : Lipschitz constants of the Jacobians of z* and v*.
    L_Psi : Lipschitz constant of the gradient of Psi.
    sigma_gz, sigma_zz, sigma_xz, sigma_fz, sigma_fx : root mean squares over the samples of what
        one sample adds to G_z, to G_zz and G_xz (times a unit vector), to F_z and to F_x; the
        bounds above then hold for every sample, mu for the mean. Zero for exact values; a
        problem with samples that leaves all of a level's at zero gets ``None`` for them.
    radius : the constants hold for |x| <= radius (and |z| <= radius, if ``z`` is
        named in the card); infinite when global.
    sampled : names of the constants whose values come from samples alone: the largest quotient that was met, without
        an argument that nothing exceeds it. They are shown and checked as the others are; what needs a bound
        refuses them by name (:meth:`require`) or does without (:meth:`bound`).

    Raises
    ------
    TypeError, ValueError
        For ``sampled`` that is not a sequence of names of constants.
    """

    mu: float | None = None
    L_zz: float | None = None
    L_xz: float | None = None
    L_xx: float | None = None
    H: float | None = None
    H_zz: float | None = None
    H_xz: float | None = None
    H_zx: float | None = None
    H_xx: float | None = None
    m_zz: float | None = None
    m_xz: float | None = None
    m_xx: float | None = None
    C_z: float | None = None
    C_x: float | None = None
    R: float | None = None
    R_0: float | None = None
    R_g: float | None = None
    k_z: float | None = None
    k_v: float | None = None
    s_z: float | None = None
    s_v: float | None = None
    L_Psi: float | None = None
    sigma_gz: float | None = 0.0
    sigma_zz: float | None = 0.0
    sigma_xz: float | None = 0.0
    sigma_fz: float | None = 0.0
    sigma_fx: float | None = 0.0
    radius: float = float("inf")
    sampled: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        given: object = self.sampled
        if isinstance(given, str) or not isinstance(given, Iterable):
            raise TypeError(f"sampled must be a sequence of names, such as ('L_zz',), got {given!r}")
        known = [f.name for f in fields(self) if f.name not in ("radius", "sampled")]
        for name in self.sampled:
            if name not in known:
                close = difflib.get_close_matches(str(name), known, n=1)
                hint = f"did you mean {close[0]!r}?" if close else f"constants are {', '.join(known)}"
                raise ValueError(f"sampled names {name!r}, which is no constant; {hint}")
        object.__setattr__(self, "sampled", tuple(dict.fromkeys(self.sampled)))

    def bound(self, name: str) -> float | None:
        """The named constant where a bound may use it; None where it is unknown or only sampled."""
        value = None if name in self.sampled else getattr(self, name)
        return None if value is None else float(value)

    def require(self, *names: str) -> tuple[float, ...]:
        """Values of the named constants, as bounds; an error that names the first one that is unknown or sampled."""
        values = []
        for name in names:
            value = self.bound(name)
            if value is None and getattr(self, name) is not None:
                raise ValueError(
                    f"constant {name!r} is only sampled for this problem, and it is needed here as a bound; declare a "
                    "value that is argued for, and take the name out of `sampled`"
                )
            if value is None:
                raise ValueError(f"constant {name!r} is not known for this problem, and it is needed here")
            values.append(value)
        return tuple(values)

    def known(self) -> dict[str, float]:
        """The constants that are known, by name; without the spreads of exact values, which are zero."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "sampled"}
        return {n: v for n, v in values.items() if v is not None and not (n.startswith("sigma") and v == 0)}


@dataclass(frozen=True)
class Card:
    """What is known about a problem family, for people and for the matrix of protocols.

    Attributes
    ----------
    summary : one sentence.
    source : where the family comes from, with its arXiv id or repository.
    assumptions : what holds of A1 to A5, in words: "holds", "fails: why" or "on |x| <= R".
    quadratic_inner : G is quadratic in (z, x) jointly.
    smooth : both objectives are twice continuously differentiable.
    psi_convexity : "strongly convex", "convex" or "nonconvex".
    dimensions : which p and d are allowed, in words.
    requires : modules that must be importable, with the extra that installs each.
    small : parameters of the instance that the proof is made for; empty for the default one.
    scalable : p or d can be chosen; False for a problem of one size.
    group : the part of the catalogue that the family belongs to; empty for none.
    errata : what the source prints and what is right instead, one sentence each.
    """

    summary: str
    source: str
    assumptions: Mapping[str, str]
    quadratic_inner: bool
    psi_convexity: str
    dimensions: str
    smooth: bool = True
    requires: Mapping[str, str] = field(default_factory=dict)
    small: Mapping[str, Any] = field(default_factory=dict)
    scalable: bool = True
    group: str = ""
    errata: tuple[str, ...] = ()

    def holds(self, assumption: str) -> bool:
        """Whether an assumption holds everywhere and in full: not "fails", "on ..." or "holds except ..."."""
        if assumption not in ASSUMPTIONS:
            raise ValueError(f"assumption must be one of {', '.join(ASSUMPTIONS)}, got {assumption!r}")
        words = self.assumptions.get(assumption, "")
        return words.startswith("holds") and "except" not in words

    @property
    def needs_data(self) -> bool:
        """Whether the family is built on data that another package ships."""
        return bool(self.requires)


@dataclass(frozen=True, eq=False)
class BilevelProblem:
    """min over x of Psi(x) = F(z*(x), x), with z*(x) the minimiser of G(., x).

    Every function broadcasts: z has shape (..., p), x (..., d), values (...).
    A solver sees ``inner`` and ``outer`` only, through an oracle; the closed forms
    serve measurement.

    Attributes
    ----------
    name : str
    p, d : int
        Dimensions of z and of x.
    inner, outer : callable(z, x, sample=None) -> (...)
        G and F. ``sample`` is an integer array that broadcasts with the leading axes;
        None asks for the mean over all samples. Solvers pass read-only arrays.
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
    constants: Constants = Constants()
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
        from zoba_bench.problem.building import from_functions

        return from_functions(cls, outer, inner, p, d, vectorize=vectorize, **closed_forms)

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
        from zoba_bench.problem.building import from_object

        return from_object(cls, description)
