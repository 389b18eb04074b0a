"""What a bound is told of a run: its start, its steps and directions, and the ways in which constants can be used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from zoba_bench.validation import check_positive

from ..estimators.presets import Preset
from ..proof.theorem import TheoremError
from .roots import Directions

__all__ = ["SPREADS", "Run", "Start", "check_law", "require_unconstrained", "ways"]

#: Names of the spreads of the inner and of the outer level.
SPREADS = (("sigma_gz", "sigma_zz", "sigma_xz"), ("sigma_fz", "sigma_fx"))


def check_law(law: str) -> None:
    """Refuse directions that the moments were not derived for."""
    if law != "gaussian":
        raise TheoremError(f"condition law = 'gaussian', for which moments are derived: the solver has law={law!r}")


def require_unconstrained(problem: Any) -> None:
    """Refuse a problem that projects x onto a set: a step of x is then not the one that the theorem speaks of."""
    if problem.capabilities.project_x is not None:
        raise TheoremError(f"condition X = R^d, x is not constrained: {problem.name} projects x onto a set")


@dataclass(frozen=True)
class Start:
    """Where a run begins: Psi(x0) - inf Psi, |z0 - z*(x0)| and |v0 - v*(x0)|."""

    gap: float
    z_error: float = 0.0
    v_error: float = 0.0

    def __post_init__(self) -> None:
        for name in ("gap", "z_error", "v_error"):
            check_positive(name, getattr(self, name), zero=True)

    @classmethod
    def of(cls, start: Start | Mapping[str, float]) -> Start:
        """From a mapping with the same names."""
        return start if isinstance(start, Start) else cls(**start)


@dataclass(frozen=True)
class Run:
    """Steps, radii, directions and batches of a run with constant steps, as exact rationals by name."""

    numbers: Mapping[str, Fraction]
    v_radius: Fraction | None
    normalized: bool
    outer_shared: bool

    @classmethod
    def of(
        cls, solver: Any, p: int, d: int, derivatives: bool = False, sampled: tuple[bool, bool] = (False, False),
        decreasing: bool = False,
    ) -> Run:  # fmt: skip
        """From a solver's configuration; a schedule or a law that no theorem speaks of is refused.

        ``derivatives`` is for solvers without radii and directions; ``sampled`` says of each level whether it has
        samples, so that an unset batch is the published one; ``decreasing`` allows for steps like 1/sqrt(k + 1), of
        which the first ones are read.
        """
        if getattr(solver, "schedule", "constant") != "constant" and not decreasing:
            raise TheoremError(f"the bound needs constant steps, the solver has schedule={solver.schedule!r}")
        check_law(getattr(solver, "law", "gaussian"))
        read: dict[str, Any] = {"rho": solver.rho, "gamma": solver.gamma}
        if read["gamma"] is None:
            read["gamma"] = solver.rho / 2
        if not derivatives:
            read |= {"h": solver.h, "eta": solver.eta, "l1": solver.l1, "l2": solver.l2}
            if read["eta"] is None:
                read["eta"] = solver.outer_radius(p, d)
            read["h_bar"] = getattr(solver, "h_bar", 0.0)
        published = getattr(solver, "published_batches", (1, 1))
        for name, default, several in zip(("b1", "b2"), published, sampled, strict=True):
            read[name] = getattr(solver, name, None) or (default if several else 1)
        radius = getattr(solver, "v_radius", None)
        return cls(
            {name: Fraction(value) for name, value in read.items()} | {"p": Fraction(p), "d": Fraction(d)},
            None if radius is None else Fraction(radius),
            bool(getattr(solver, "normalize_h_bar", False)),
            getattr(solver, "outer_directions", "shared") == "shared",
        )


def ways(preset: Preset | None, constants: Any, run: Run, *, inside: bool, sampled: bool) -> Iterator[Directions]:
    """Ways in which the constants can be used, the usual one first; each of them gives a bound.

    Only values that are argued for count as known: a constant that is only sampled is no bound.

    Parameters
    ----------
    inside : |v| <= R_v is known, beside |v| <= R + b.
    sampled : the solver sees samples.
    """
    curved = constants.bound("H") != 0
    base = Directions(normalized=run.normalized, outer_shared=run.outer_shared, curved=curved, sampled=sampled)
    known = None not in (constants.bound("C_z"), constants.bound("C_x"))
    slopes = (True, False) if known and preset is not None else (False,)
    affine = not curved and None not in (constants.bound("R_0"), constants.bound("R_g"))
    # Without a bound R of |v*| the growing one serves; where there is none either, R is asked for by name.
    adjoints = [False] if constants.bound("R") is not None or not affine else []
    if affine:
        adjoints.append(True)
    for projected in (False, True) if inside else (False,):
        for growing in adjoints:
            for known_slopes in slopes:
                if not (projected and growing):
                    yield replace(base, projected=projected, growing=growing, known_slopes=known_slopes)
