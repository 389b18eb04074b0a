"""Rendered derivations of a run, in whatever detail they were stored, made ready for the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from zoba_bench.report.mathml import formula

__all__ = ["Derivation", "Formula", "Quoted", "Step", "Table", "read_derivation"]

_NAMES = {
    "order": "order",
    "n": "evaluations n(ε)",
    "count": "evaluations n(ε)",
    "per_direction": "second moments, a direction",
    "inner": "inner evaluations, an iteration",
    "outer": "outer evaluations, an iteration",
    "published": "published order, for comparison",
}


@dataclass(frozen=True)
class Formula:
    """A formula as text, and as MathML where it could be read."""

    name: str
    text: str
    math: Markup | None = None


@dataclass(frozen=True)
class Step:
    """A step with its outcome: True, False, or None where none was stored."""

    name: str
    statement: Formula
    justification: str
    detail: str
    ok: bool | None


@dataclass(frozen=True)
class Quoted:
    """A published result beside the derivation."""

    name: str
    statement: Formula
    source: str


@dataclass(frozen=True)
class Table:
    """A derived table; a cell is a formula with text, or text alone."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Formula, ...], ...]


@dataclass(frozen=True)
class Derivation:
    """What the page shows of one solver's derivation; empty where it is missing."""

    solver: str
    title: str = ""
    source: str = ""
    refused: str = ""
    failures: str = ""
    assumptions: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    quoted: tuple[Quoted, ...] = ()
    tables: tuple[Table, ...] = ()
    formulas: tuple[Formula, ...] = ()
    notes: tuple[str, ...] = ()
    text: str = ""


def read_derivation(solver: str, stored: Any) -> Derivation:
    """A derivation from the JSON of a run; unknown keys are left out, missing ones are empty."""
    if not isinstance(stored, Mapping):
        return Derivation(solver, text=_text(stored))
    complexity = stored.get("complexity")
    parts = complexity if isinstance(complexity, Mapping) else {"statement": complexity}
    notes = [stored.get("statement"), parts.get("statement"), *_list(parts.get("certificate"))]
    notes += [stored.get("radius_ratio")]
    formulas = [*_formulas(stored), *_formulas(parts)]
    if not formulas and (stored.get("mathml") or stored.get("latex")):
        formulas.append(_formula("", _text(stored.get("latex")), stored.get("mathml")))
    return Derivation(
        solver,
        title=_text(stored.get("title")),
        source=_text(stored.get("source")),
        refused=_text(stored.get("refused")),
        failures=_text(stored.get("failures")),
        assumptions=tuple(_text(a) for a in _list(stored.get("assumptions"))),
        steps=tuple(_step(s) for s in _list(stored.get("steps")) if isinstance(s, Mapping)),
        quoted=tuple(_quoted(q) for q in _list(stored.get("quoted")) if isinstance(q, Mapping)),
        tables=tuple(_table(t) for t in _list(stored.get("tables")) if isinstance(t, Mapping)),
        formulas=tuple(formulas),
        notes=tuple(dict.fromkeys(_text(note) for note in notes if note)),
        text=_text(stored.get("text")),
    )


def _step(stored: Mapping[str, Any]) -> Step:
    ok = stored.get("ok")
    text = _text(stored.get("statement") or stored.get("text") or stored.get("latex"))
    return Step(
        _text(stored.get("name")),
        _formula("", text, stored.get("mathml")),
        _text(stored.get("justification")),
        _text(stored.get("detail")),
        ok if isinstance(ok, bool) else None,
    )


def _quoted(stored: Mapping[str, Any]) -> Quoted:
    statement = _formula("", _text(stored.get("statement")), stored.get("mathml"))
    return Quoted(_text(stored.get("name")), statement, _text(stored.get("source")))


def _table(stored: Mapping[str, Any]) -> Table:
    def cell(content: Any) -> Formula:
        text = _text(content)
        return _formula("", text, text if text.startswith("<") else None)

    rows = (_list(row) for row in _list(stored.get("rows")))
    return Table(
        _text(stored.get("title")),
        tuple(_text(head) for head in _list(stored.get("header"))),
        tuple(tuple(cell(content) for content in row) for row in rows),
    )


def _formulas(stored: Mapping[str, Any]) -> list[Formula]:
    """Formulas stored as "X", "X_text", "X_mathml", or as the mapping X of "text" and "mathml"."""
    found = []
    for name, title in _NAMES.items():
        value = stored.get(name)
        parts = value if isinstance(value, Mapping) else {"text": value}
        text = _text(parts.get("text") or stored.get(f"{name}_text") or parts.get("latex"))
        mathml = parts.get("mathml") or stored.get(f"{name}_mathml")
        if text or mathml:
            found.append(_formula(title, text, mathml))
    if found and found[0].math is None and stored.get("mathml"):
        found[0] = _formula(found[0].name, found[0].text, stored["mathml"])
    return found


def _formula(name: str, text: str, mathml: Any) -> Formula:
    return Formula(name, text, formula(mathml) if isinstance(mathml, str) else None)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]
