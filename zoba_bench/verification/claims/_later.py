"""Solvers whose claims wait for the suite "standard", so that "quick" stays as short as it is."""

from __future__ import annotations

__all__ = ["LATER"]

#: Rivals of the methods that this project is about.
LATER: frozenset[str] = frozenset({
    "amigo",
    "bome",
    "bsa",
    "fsla",
    "iaptt-gm",
    "mrbo",
    "srba",
    "sustain",
    "ttsa",
    "vrbo",
    "zo-sogd",
    "vrzsbo-like",
    "gfm",
    "s-szd",
    "o-zd",
    "mezo-bcd",
    "lozo",
})  # fmt: skip
