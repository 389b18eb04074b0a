"""Errors that cross package borders."""

from __future__ import annotations

__all__ = ["DerivationError"]


class DerivationError(ValueError):
    """A derivation refuses its conclusion because one of its steps does not hold."""
