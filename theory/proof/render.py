"""Theorems as text, Markdown, LaTeX and MathML, statement by statement from the steps.

What is rendered is a :class:`Derivation`: anything with the public attributes of a theorem.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import sympy as sp
from sympy.printing.mathml import mathml

from ..symbols import eps
from .orders import Divergence

__all__ = ["Derivation", "render_details", "render_markdown", "render_summary", "render_text"]


class Derivation(Protocol):
    """The attributes that are rendered; :class:`~zoba_bench.theory.proof.theorem.Theorem` has them.

    Attributes
    ----------
    steps : each with ``name``, ``statement`` and ``justification``.
    results : the outcome of every step, with ``step``, ``ok`` and ``detail``.
    quoted : each with ``name``, ``statement`` and ``source``.
    tables : each with ``title``, ``header`` and ``rows``.
    complexity : a :class:`~zoba_bench.theory.proof.orders.Complexity` or None; asked for where no step fails.
    """

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def assumptions(self) -> Sequence[str]: ...
    @property
    def source(self) -> str: ...
    @property
    def steps(self) -> Sequence[Any]: ...
    @property
    def results(self) -> Sequence[Any]: ...
    @property
    def quoted(self) -> Sequence[Any]: ...
    @property
    def tables(self) -> Sequence[Any]: ...
    @property
    def evaluations_per_iteration(self) -> Mapping[str, Any]: ...
    @property
    def complexity(self) -> Any: ...


def render_text(theorem: Derivation) -> str:
    """The derivation as plain text; says of each step whether it was verified."""
    lines = [
        f"Theorem {theorem.name}: {theorem.title}",
        "",
        "Source",
        f"  {theorem.source}",
        "",
        "Assumptions",
    ]
    lines += [f"  {assumption}" for assumption in theorem.assumptions]
    lines += ["", "Steps"]
    for number, (step, result) in enumerate(zip(theorem.steps, theorem.results, strict=True), 1):
        lines += [
            f"  {number}. {step.name} [{'verified' if result.ok else 'FAILS'}]",
            f"     {_plain(step.statement)}",
            f"     Because: {step.justification}",
            f"     Check: {result.detail}",
        ]
    for table in theorem.tables:
        lines += ["", table.title]
        for row in table.rows:
            name, *cells = (_cell(cell, sp.sstr) for cell in row)
            lines += [f"  {name}", *(f"     {h}: {c}" for h, c in zip(table.header[1:], cells, strict=True))]
    if theorem.quoted:
        lines += ["", "Quoted, not derived here"]
        for quoted in theorem.quoted:
            lines += [f"  {quoted.name}", f"     {_plain(quoted.statement)}", f"     Source: {quoted.source}"]
    if theorem.evaluations_per_iteration:
        lines += ["", "Evaluations an iteration"]
        lines += [f"  {level}: {sp.sstr(count)}" for level, count in theorem.evaluations_per_iteration.items()]
    complexity = _complexity_lines(theorem)
    if complexity:
        lines += ["", "Complexity", *(f"  {line}" for line in complexity)]
    if _ratio(theorem):
        lines += ["", "Radius ratio", f"  {_ratio(theorem)}"]
    return "\n".join(lines) + "\n"


def render_markdown(theorem: Derivation) -> str:
    """The derivation as Markdown with LaTeX formulas."""
    lines = [f"# Theorem `{theorem.name}`", "", theorem.title, "", theorem.source, "", "## Assumptions", ""]
    lines += [f"- {assumption}" for assumption in theorem.assumptions]
    lines += ["", "## Steps", ""]
    for number, (step, result) in enumerate(zip(theorem.steps, theorem.results, strict=True), 1):
        lines += [
            f"{number}. **{step.name}** ({'verified' if result.ok else '**fails**'})",
            "",
            f"   $${_latex(step.statement)}$$",
            "",
            f"   {step.justification} Check: `{result.detail}`",
            "",
        ]
    for table in theorem.tables:
        lines += [f"## {table.title}", "", f"| {' | '.join(table.header)} |", "|" + "---|" * len(table.header)]
        lines += [
            "| " + " | ".join(_cell(cell, lambda e: f"${_latex(e)}$") for cell in row) + " |" for row in table.rows
        ]
        lines += [""]
    if theorem.quoted:
        lines += ["## Quoted, not derived here", ""]
        for quoted in theorem.quoted:
            lines += [f"- **{quoted.name}**: ${_latex(quoted.statement)}$ ({quoted.source})"]
        lines += [""]
    if theorem.evaluations_per_iteration:
        lines += ["## Evaluations an iteration", ""]
        lines += [f"- {level}: ${_latex(count)}$" for level, count in theorem.evaluations_per_iteration.items()]
    complexity = _complexity_lines(theorem)
    if complexity:
        lines += ["", "## Complexity", "", *(f"- {line}" for line in complexity)]
    if _ratio(theorem):
        lines += ["", "## Radius ratio", "", _ratio(theorem)]
    return "\n".join(lines) + "\n"


def render_details(theorem: Derivation) -> dict[str, Any]:
    """The summary of :func:`render_summary` with ``assumptions``, ``steps`` and ``quoted``.

    A step is a mapping of ``name``, ``statement``, ``latex``, ``mathml``, ``justification``, ``detail`` and
    ``ok``; a quoted result one of ``name``, ``statement``, ``latex``, ``mathml`` and ``source``.
    """
    steps = [
        {
            "name": step.name,
            "statement": _plain(step.statement),
            "latex": str(sp.latex(step.statement)),
            "mathml": mathml(_greek(step.statement), printer="presentation"),
            "justification": step.justification,
            "detail": result.detail,
            "ok": result.ok,
        }
        for step, result in zip(theorem.steps, theorem.results, strict=True)
    ]
    quoted = [
        {
            "name": item.name,
            "statement": _plain(item.statement),
            "latex": _latex(item.statement),
            "mathml": mathml(_greek(item.statement), printer="presentation"),
            "source": item.source,
        }
        for item in theorem.quoted
    ]
    tables = [
        {
            "title": table.title,
            "header": list(table.header),
            "rows": [
                [_cell(cell, lambda e: mathml(_greek(e), printer="presentation")) for cell in r] for r in table.rows
            ],
        }
        for table in theorem.tables
    ]
    more = {"assumptions": list(theorem.assumptions), "steps": steps, "quoted": quoted, "tables": tables}
    return {**render_summary(theorem), **more}


def render_summary(theorem: Derivation) -> dict[str, str]:
    """What a report shows of a theorem, all strings.

    Keys: ``name``, ``title``, ``source``, ``statement``, ``radius_ratio`` and ``failures``
    (names of failing steps) as text; ``order``, ``count``, ``per_direction``, ``inner``,
    ``outer`` and ``published`` (empty where there is none) each as ``*_text``,
    ``*_latex`` and ``*_mathml``.
    """
    failures = [result.step for result in theorem.results if not result.ok]
    summary = {
        "name": theorem.name,
        "title": theorem.title,
        "source": theorem.source,
        "radius_ratio": _ratio(theorem),
        "failures": ", ".join(failures),
        "statement": theorem.title,
    }
    formulas: dict[str, Any] = dict(theorem.evaluations_per_iteration)
    if failures:
        summary["statement"] = f"no statement: step {failures[0]!r} fails"
    elif theorem.complexity is not None:
        summary["statement"] = theorem.complexity.statement
        names = ("order", "count", "per_direction", "published")
        formulas |= {name: getattr(theorem.complexity, name) for name in names}
    for name, formula in formulas.items():
        known = formula is not None
        summary[f"{name}_text"] = sp.sstr(formula) if known else ""
        summary[f"{name}_latex"] = _latex(formula) if known else ""
        summary[f"{name}_mathml"] = mathml(_greek(formula), printer="presentation") if known else ""
    return summary


def _cell(cell: Any, spell: Callable[[Any], str]) -> str:
    """A table's entry: text as it is, numbers and expressions spelled."""
    return cell if isinstance(cell, str) else spell(cell)


def _ratio(theorem: Derivation) -> str:
    """What the theorem says of the radius ratio, if anything."""
    return str(getattr(theorem, "radius_ratio", ""))


def _greek(formula: Any) -> Any:
    """The formula with eps as the letter."""
    return formula.subs(eps, sp.Symbol("epsilon", positive=True))


def _latex(formula: Any) -> str:
    return str(sp.latex(_greek(formula)))


def _plain(statement: Any) -> str:
    signs = {sp.Eq: "=", sp.Le: "<=", sp.Ge: ">="}
    for kind, sign in signs.items():
        if isinstance(statement, kind):
            return f"{sp.sstr(statement.lhs)} {sign} {sp.sstr(statement.rhs)}"
    return str(sp.sstr(statement))


def _complexity_lines(theorem: Derivation) -> list[str]:
    failing = [result.step for result in theorem.results if not result.ok]
    if failing:
        return [f"none: step {failing[0]!r} fails"]
    complexity = theorem.complexity
    if complexity is None:
        return []
    lines = [complexity.statement]
    for certificate in complexity.certificates:
        kind = "divergent limit" if isinstance(certificate, Divergence) else "non-negative coefficients"
        lines.append(f"{certificate.statement} [{kind}]")
    lines.append(f"One direction, E|Hv|^2 + E|Cv|^2 per |v|^2: at most {sp.sstr(complexity.per_direction)}")
    lines += [f"{name} = {sp.sstr(value)}" for name, value in complexity.definitions.items()]
    return lines
