"""Tables of pandas, which is an extra: it is imported when a table is asked for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["data_frame", "to_dataframe"]

_INSTALL = "tables need pandas, which is not installed: pip install 'zoba-bench[pandas]'"


def data_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """A table of rows; an ImportError that says what to install where pandas is missing."""
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(_INSTALL) from error
    return pd.DataFrame(rows)


def to_dataframe(results: Any) -> pd.DataFrame:
    """A pandas table of results; needs the extra ``pandas``.

    Parameters
    ----------
    results
        Verdicts, as :func:`zoba_bench.verify` returns them, or one of them: a row a claim, with what was predicted,
        measured and allowed. What a comparison returns: a row a solver and problem. A result of
        :func:`zoba_bench.solve` or :func:`zoba_bench.minimize`: its own ``to_dataframe()``. A sequence of mappings:
        a row each.

    Returns
    -------
    pandas.DataFrame
        Limits, allowed intervals, quartiles and limits of a median are two columns each, "lower" and "upper",
        "allowed_low" and "allowed_high", "quartile_low" and "quartile_high", "median_low" and "median_high"; what is
        open, or not known, is NaN.

    Raises
    ------
    ImportError
        Where pandas is missing; the message says how to install it.
    TypeError
        For anything else.
    """
    if hasattr(results, "to_dataframe"):
        table: pd.DataFrame = results.to_dataframe()
        return table
    if isinstance(results, Mapping) and "rows" in results:
        results = results["rows"]
    elif isinstance(results, Mapping) and "claims" in results:
        results = results["claims"]
    elif hasattr(results, "row"):
        results = [results]
    if isinstance(results, (str, bytes, Mapping)) or not isinstance(results, Iterable):
        raise TypeError(_wanted(results))
    return data_frame([_flat(_row(one)) for one in results])


def _row(one: Any) -> Mapping[str, Any]:
    found = one.row() if hasattr(one, "row") else one
    if not isinstance(found, Mapping):
        raise TypeError(_wanted(one))
    return found


def _wanted(given: Any) -> str:
    return (
        "to_dataframe takes verdicts, what a comparison returns, a result, or a sequence of mappings, "
        f"got {type(given).__name__}"
    )


_PAIRS = {
    "limits": ("lower", "upper"), "allowed": ("allowed_low", "allowed_high"),
    "quartiles": ("quartile_low", "quartile_high"), "median_limits": ("median_low", "median_high"),
}  # fmt: skip
#: What is a number in every row, also where it is not known.
_NUMBERS = {
    "predicted", "measured", "tolerance", "level", "median", "start", *(n for pair in _PAIRS.values() for n in pair),
}  # fmt: skip


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row in which every pair is two entries, and an unknown number is NaN."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        if name in _PAIRS:
            found |= zip(_PAIRS[name], value if value is not None else (None, None), strict=True)
        else:
            found[name] = value
    return {name: math.nan if value is None and name in _NUMBERS else value for name, value in found.items()}
