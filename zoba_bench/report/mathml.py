"""MathML from a ledger, let through only as far as it is formulas and nothing else."""

from __future__ import annotations

import html
import re
from xml.etree import ElementTree

from markupsafe import Markup

__all__ = ["formula"]

_ELEMENTS = frozenset((
    "math", "mrow", "mi", "mo", "mn", "ms", "mtext", "mspace", "msup", "msub", "msubsup", "mfrac", "msqrt",
    "mroot", "mover", "munder", "munderover", "mtable", "mtr", "mtd", "mstyle", "mpadded", "mphantom",
    "semantics",
))  # fmt: skip
_XML_ENTITIES = frozenset(("amp", "lt", "gt", "quot", "apos"))


def formula(source: str) -> Markup | None:
    """A <math> element, rebuilt from known elements without attributes; None where that is impossible."""
    if not source.strip() or "<!" in source or "<?" in source:
        return None
    try:
        root = ElementTree.fromstring("<mrow>" + re.sub(r"&(\w+);", _entity, source) + "</mrow>")
        parts: list[str] = []
        _rebuild(root, parts)
    except (ElementTree.ParseError, _Foreign):
        return None
    return Markup(f"<math>{''.join(parts)}</math>")


class _Foreign(ValueError):
    """An element that is not MathML."""


def _entity(match: re.Match[str]) -> str:
    """Named entities of HTML as characters; XML knows five only."""
    return match.group() if match.group(1) in _XML_ENTITIES else html.unescape(match.group())


def _rebuild(element: ElementTree.Element, parts: list[str]) -> None:
    """Add the element's markup to ``parts``, its texts escaped."""
    tag = element.tag.rpartition("}")[2]
    # mfenced is gone from today's MathML: browsers would drop the parentheses.
    fenced = tag == "mfenced"
    if not fenced and tag not in _ELEMENTS:
        raise _Foreign(tag)
    name = "mrow" if fenced or tag == "math" else tag
    parts.append(f"<{name}><mo>(</mo>" if fenced else f"<{name}>")
    parts.append(html.escape(element.text or ""))
    for child in element:
        _rebuild(child, parts)
        parts.append(html.escape(child.tail or ""))
    parts.append(f"<mo>)</mo></{name}>" if fenced else f"</{name}>")
