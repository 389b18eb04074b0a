"""What is known about a problem family, in words and flags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["ASSUMPTIONS", "MEANING", "Card"]


#: What a card says of its family, in theory's order.
ASSUMPTIONS = ("A1", "A2", "A3", "A4", "A5")

#: What each assumption of the single loop's theorems says, with the constants that it names; the last two are about
#: the method and about orders, so that no card has them.
MEANING = {
    "A1": "G(., x) is strongly convex in z (mu), and the second derivatives of G are bounded (L_zz, L_xz, L_xx)",
    "A2": "the second derivatives of G are Lipschitz (H_zz, H_xz, H_zx, H_xx; all zero where G is quadratic)",
    "A3": "the second derivatives of F are bounded (m_zz, m_xz, m_xx), and v* (R) and the slopes of F (C_z, C_x) too",
    "A4": "z*(x), v*(x) and the hypergradient are Lipschitz in x (k_z, k_v, L_Psi)",
    "A5": "Psi is bounded below; values are exact, or means over samples with bounded spreads (sigma)",
    "A6": "of the method: where G is curved, a step along v is h_bar / max(1, |v|) (normalize_h_bar), or v is "
    "projected (v_radius)",
    "A7": "of an order: the constants in A1 to A5 and the start do not grow with p, d and 1/eps",
}


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
    costly : closed forms are found by iterations, so that certificates measure the small instance alone.
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
    costly: bool = False
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
