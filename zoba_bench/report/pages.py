"""The pages of a run, as text by file name: overview, all claims, one page a protocol and one a solver."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from zoba_bench.report import wording
from zoba_bench.report.derivations import read_derivation
from zoba_bench.report.site import Section, Site, counts
from zoba_bench.report.typography import rich

__all__ = ["ASSETS", "asset", "environment", "figures", "pages"]

Row = Mapping[str, Any]
#: What all pages share.
ASSETS = ("style.css", "report.js")


def pages(run: Mapping[str, Any], site: Site | None = None) -> dict[str, str]:
    """HTML by file name; everything from the ledger is escaped.

    Parameters
    ----------
    run : mapping
        Number, suite, seed, time and content, as the ledger returns it.
    site : Site, optional
        Of the content.
    """
    content = run["content"]
    site = site or Site(content)
    rows = [section.row for section in site.every]
    plain = ["zoba-bench", "verify", "--suite", str(run["suite"]), "--seed", str(run["seed"])]
    command = (content.get("provenance") or {}).get("command") or shlex.join(plain)
    made = environment()
    made.globals |= {
        "run": run, "content": content, "site": site, "command": command, "repeat": _whole(command),
        "solver_files": {page.name: page.file for page in site.solvers}, "counts": counts(rows),
    }  # fmt: skip
    overview = made.get_template("index.html.jinja")
    found = {"index.html": overview.render(outcome=_outcome(rows), state=_state(site.every))}
    found["claims.html"] = made.get_template("claims.html.jinja").render()
    protocol, solver = made.get_template("protocol.html.jinja"), made.get_template("solver.html.jinja")
    for page in site.protocols:
        found[page.file] = protocol.render(page=page)
    derivations = content.get("derivations") or {}
    for page in site.solvers:
        derivation = read_derivation(page.name, derivations[page.name]) if page.name in derivations else None
        found[page.file] = solver.render(page=page, d=derivation)
    return found


def figures(site: Site) -> dict[str, str]:
    """The pictures of all claims, and their points, by file name."""
    plots = {section.anchor: section.plot for section in site.every if section.plot is not None}
    plots |= {finding.file: finding.plot for finding in site.growth}
    found = {}
    for name, plot in plots.items():
        found[f"figures/{name}.svg"] = plot.svg
        found[f"figures/{name}.csv"] = plot.csv
    return found


def environment() -> Environment:
    """Templates, with what words and numbers are made by."""
    made = Environment(
        loader=PackageLoader("zoba_bench.report", "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    filters: dict[str, Any] = {
        "allowed": lambda row: rich(wording.allowed(row)),
        "axis": lambda text: text.replace("=", " = ") if " " not in text else text,
        "controls_said": _controls_said,
        "day": lambda created: str(created)[:10],
        "kind": _kind,
        "limits": lambda row: rich(wording.limits(row).strip("[]").replace(", ", " to ")),
        "number": lambda *value: rich(wording.number(*value)),
        "percent": lambda share: f"{100 * share:.6g} %",
        "protocol": wording.protocol_of,
        "quoted": lambda identifier: shlex.quote(str(identifier)),
        "rich": lambda text: rich(str(text)),
        "state": _state,
        "verdict": wording.verdict,
    }
    made.filters |= filters
    made.tests |= {"as_expected": wording.as_expected}
    return made


def asset(name: str) -> Markup:
    """A file that all pages share."""
    loader = PackageLoader("zoba_bench.report", "templates")
    return Markup(loader.get_source(Environment(autoescape=True), name)[0])


def _whole(command: str) -> str:
    """The command without its choice of claims, to which another one can be added."""
    words = shlex.split(command)
    chosen = {i + after for i, word in enumerate(words) if word in ("--claim", "--only") for after in (0, 1)}
    return shlex.join(word for i, word in enumerate(words) if i not in chosen)


def _kind(row: Row) -> str:
    """Class of a verdict; that of a rejected control is no alarm."""
    if wording.is_control(row):
        return "rejected" if wording.as_expected(row) else "violated"
    return str(row["verdict"]) if str(row["verdict"]) in ("consistent", "violated", "inconclusive") else "measured"


def _state(sections: Iterable[Section]) -> str:
    """Class of a banner."""
    odd = [section.row for section in sections if not wording.as_expected(section.row)]
    if not odd:
        return "good"
    return "warn" if all(row["verdict"] == "inconclusive" for row in odd) else "bad"


def _outcome(rows: list[Row]) -> str:
    odd = sum(not wording.as_expected(row) for row in rows)
    if not odd:
        return f"All {len(rows)} verdicts are as expected"
    return f"{odd} of {len(rows)} verdicts {'is' if odd == 1 else 'are'} not as expected"


def _controls_said(controls: tuple[Section, ...]) -> str:
    """How many controls, and whether they were rejected."""
    kept = sum(control.row["verdict"] != "violated" for control in controls)
    number = "1 control" if len(controls) == 1 else f"{len(controls)} controls"
    return f"{number}, {'rejected' if not kept else f'{kept} not rejected'}"
