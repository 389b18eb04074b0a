"""The constants of the assumptions, as numbers of one problem."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, fields

__all__ = ["Constants"]


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
