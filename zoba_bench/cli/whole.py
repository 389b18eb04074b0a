"""Whole numbers of the command line, also as people write large ones: 1e5."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

import click

__all__ = ["Whole"]

_MOST = Decimal(10) ** 18  # beyond, a notation with a power is a slip


class Whole(click.IntRange):
    """A whole number, in the notation of an integer or of a float.

    Parameters
    ----------
    min : int, optional
        The least one that is taken.
    """

    name = "integer"

    def __init__(self, min: int | None = None) -> None:
        super().__init__(min=min)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number, or an error that says what is wanted."""
        text = str(value).strip().replace("_", "")
        if not text.lstrip("+-").isdigit():
            try:
                number = Decimal(text)
            except InvalidOperation:
                number = Decimal("nan")
            if number.is_finite() and number.copy_abs() >= _MOST:
                self.fail(f"{value!r} is too large", param, ctx)
            if not number.is_finite() or number != number.to_integral_value():
                self.fail(f"{value!r} is no integer, as 100000 or 1e5", param, ctx)
            value = int(number)
        return super().convert(value, param, ctx)

    def _describe_range(self) -> str:
        return "" if self.min is None else super()._describe_range()
