"""MathML from a ledger, let through only as far as it is formulas and nothing else."""

from __future__ import annotations

import html
import re
from xml.etree import ElementTree

from markupsafe import Markup, escape

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
        return Markup("<math>{}</math>").format(_rebuilt(root))
    except (ElementTree.ParseError, _Foreign):
        return None


class _Foreign(ValueError):
    """An element that is not MathML."""


def _entity(match: re.Match[str]) -> str:
    """Named entities of HTML as characters; XML knows five only."""
    return match.group() if match.group(1) in _XML_ENTITIES else html.unescape(match.group())


def _rebuilt(element: ElementTree.Element) -> Markup:
    tag = element.tag.rpartition("}")[2]
    inside = escape(element.text or "")
    for child in element:
        inside += _rebuilt(child) + escape(child.tail or "")
    if tag == "mfenced":  # gone from today's MathML: browsers would drop the parentheses
        return Markup("<mrow><mo>(</mo>{}<mo>)</mo></mrow>").format(inside)
    if tag not in _ELEMENTS:
        raise _Foreign(tag)
    if tag == "math":
        tag = "mrow"
    return Markup("<{0}>{1}</{0}>").format(Markup(tag), inside)
