"""How a report words and writes numbers, protocols and verdicts; the same in page and terminal.

Nothing here needs more than the characters that every terminal has; ``typography`` is for pages and figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = [
    "about",
    "allowed",
    "as_expected",
    "by_protocol",
    "deciding",
    "duration",
    "error",
    "heading",
    "is_control",
    "limits",
    "measured",
    "number",
    "outcome",
    "planted",
    "protocol_of",
    "titles",
    "verdict",
]

Row = Mapping[str, Any]

NONE = "–"


def titles(rows: Iterable[Row]) -> dict[str, str]:
    """What each protocol measures, as its rows say; empty where they are of a ledger that did not keep it."""
    return {
        protocol: next((str(row["title"]) for row in group if row.get("title")), "")
        for protocol, group in by_protocol(rows).items()
    }


def heading(protocol: str, titles: Mapping[str, str]) -> str:
    """A protocol with its title; its name alone where there is no title."""
    return f"{protocol} {titles.get(protocol, '')}".strip()


def number(value: float | None, digits: int = 4, keep_zeros: bool = False) -> str:
    """A number with so many significant digits; a dash where there is none.

    ``keep_zeros`` writes 2.90 and not 2.9, as suits what was measured; whole numbers stay whole.
    """
    if value is None:
        return NONE
    if keep_zeros and (value != round(value) or abs(value) >= 1e6):
        return f"{value:#.{digits}g}".removesuffix(".")
    return f"{value:.{digits}g}"


def duration(seconds: float) -> str:
    """A time in words, with no more digits than an estimate is worth: "under 1 s", "40 s", "2 min", "1 h 10 min"."""
    if seconds == 0:
        return "0 s"
    if seconds < 0.95:
        return "under 1 s"
    if round(seconds) < 120:
        return f"{round(seconds)} s"
    if round(seconds / 60) < 90:
        return f"{round(seconds / 60)} min"
    hours, tens = divmod(round(seconds / 600), 6)
    return f"{hours} h {10 * tens} min" if tens else f"{hours} h"


def about(seconds: float) -> str:
    """An estimated time: "about 2 min", "less than a second"."""
    return "less than a second" if seconds < 0.95 else f"about {duration(seconds)}"


def limits(row: Row, digits: int = 4) -> str:
    """Limits of the measured value; empty where they add nothing to what is shown of it."""
    found = row.get("limits")
    if not found:
        return ""
    low, high = (number(limit, digits, True) for limit in found)
    value = number(row.get("measured"), digits, True)
    return "" if low == high == value != NONE else f"[{low}, {high}]"


def measured(row: Row, digits: int = 4) -> str:
    """Measured value with its limits."""
    return f"{number(row.get('measured'), digits, True)} {limits(row, digits)}".strip()


def allowed(row: Row, digits: int = 4) -> str:
    """What the claim allows: the prediction with its tolerance, as its relation reads.

    The bare prediction where the row has no tolerance; a dash where nothing is predicted.
    """
    predicted, tolerance = row.get("predicted"), row.get("tolerance")
    if row.get("relation") == "none":
        return NONE
    if predicted is None or tolerance is None:
        return number(predicted, digits)
    if row["relation"] == "at_most":
        return f"at most {number(predicted + tolerance, digits)}"
    if row["relation"] == "at_least":
        return f"at least {number(predicted - tolerance, digits)}"
    if row["relation"] == "exact" or not tolerance:
        return f"{number(predicted, digits)} exactly"
    return f"{number(predicted, digits)} ± {tolerance:g}"


def deciding(row: Row) -> str:
    """How many claims of a row of power decide something, of how many."""
    return f"{row['claims']} of {row['claims'] + row['without']}" if row["without"] else str(row["claims"])


def error(row: Row, which: str) -> str:
    """The smallest error that is refused, of the "median" or the "worst" claim of a row of power."""
    size = row[which]
    if size is None or size != size:
        return NONE
    if size == 0:
        return "any"
    if size == float("inf"):
        return "none is"
    if row["unit"] in ("absolute", "the correlation"):
        return f"{size:.2g}"
    if size < 1:
        return f"{100 * size:.2g} %"
    return f"{100 * size:.0f} %" if size < 10 else f"{1 + size:.0f} times"


def planted(row: Row) -> str:
    """What happened to the median claim's error in its data, and to a third of it, in a row of power."""
    found = row.get("planted")
    if not found:
        return NONE
    third = found["third_refused"]
    words = f"{found['refused']:.0%}"
    return words if third is None or third != third else f"{words} ({third:.0%})"


def is_control(row: Row) -> bool:
    """Whether this row is a negative control."""
    return bool(row["origin"] == "control")


def as_expected(row: Row) -> bool:
    """Whether the verdict is the one the claim must get."""
    return bool(row["verdict"] == row["expected"])


def verdict(row: Row) -> str:
    """The verdict; of a control, a finding and an unexpected one, also what was expected."""
    if not as_expected(row):
        return f"{row['verdict']} (expected {row['expected']})"
    if is_control(row):
        return f"{row['verdict']} (expected)"
    # A claim that is known to be contradicted.
    return f"{row['verdict']} (finding)" if row["verdict"] == "violated" else str(row["verdict"])


def by_protocol(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows grouped by protocol, in the order in which they come."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(protocol_of(row), []).append(row)
    return groups


def protocol_of(row: Row) -> str:
    """The protocol of a row; ledgers that did not keep it have it in the id."""
    return str(row.get("protocol") or row["id"].partition("/")[0])


def outcome(rows: Sequence[Row]) -> str:
    """One line on how many verdicts are as expected, and which not."""
    unexpected = [row for row in rows if not as_expected(row)]
    line = f"{len(rows) - len(unexpected)} of {len(rows)} verdicts as expected"
    if not unexpected:
        return line
    named = ", ".join(f"{row['id']} ({row['verdict']})" for row in unexpected[:3])
    more = len(unexpected) - 3
    return f"{line}; not as expected: {named}" + (f" and {more} more" if more > 0 else "")
