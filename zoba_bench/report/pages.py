"""The pages of a run, as text by file name: overview, all claims, one page a protocol and one a solver."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from zoba_bench.report import wording
from zoba_bench.report.certificate import certificates, known
from zoba_bench.report.derivations import read_derivation
from zoba_bench.report.site import Section, Site, grouped
from zoba_bench.report.tally import CONTROLS, counts, kind
from zoba_bench.report.typography import rich

__all__ = ["ASSETS", "asset", "environment", "figures", "pages"]

Row = Mapping[str, Any]
#: What all pages share.
ASSETS = ("style.css", "report.js")
#: Claims that fail or are undecided of which the overview has the numbers; it names and links the others.
IN_FULL = 8
_FACTS = {
    "zoba_bench": "zoba-bench",
    "python": "Python",
    "cpus": "CPUs",
    "blas": "BLAS",
    "blas_threads": "BLAS threads",
}


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
    found = {
        "index.html": overview.render(
            outcome=_outcome(rows, site), state="bad" if site.failed else _state(site.every), fails=_fails(site),
            in_full=grouped(site.unexpected[:IN_FULL]), more=site.unexpected[IN_FULL:],
            known=[(row, known(checks), checks) for row, checks in certificates(rows)],
        )
    }  # fmt: skip
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
    plots |= {finding.file: finding.plot for finding in site.findings}
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
        "colour": _colour,
        "day": lambda created: str(created)[:10],
        "exponent": lambda value: rich(f"{value:.2f}"),
        "fact": lambda name: _FACTS.get(name, str(name).replace("_", " ")),
        "kind": kind,
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


def _colour(row: Row) -> str:
    """Class of a verdict; that of a rejected control is no alarm."""
    if wording.is_control(row):
        return {"violated": "rejected", "inconclusive": "inconclusive"}.get(row["verdict"], "violated")
    return str(row["verdict"]) if str(row["verdict"]) in ("consistent", "violated", "inconclusive") else "measured"


def _state(sections: Iterable[Section]) -> str:
    """Class of a banner."""
    odd = [section.row for section in sections if not wording.as_expected(section.row)]
    if not odd:
        return "good"
    return "warn" if all(row["verdict"] == "inconclusive" for row in odd) else "bad"


def _outcome(rows: list[Row], site: Site) -> str:
    odd = len(site.unexpected)
    said = f"{odd} of {len(rows)} verdicts {'is' if odd == 1 else 'are'} not as expected"
    if not odd:
        said = f"All {len(rows)} verdicts are as expected"
    failed = sum(group.number for group in site.failed)
    return f"{said}, and {_many(failed, 'cell')} failed" if failed else said


def _fails(site: Site) -> str:
    """What is not as it must be, in numbers."""
    found: dict[str, int] = {}
    for section in site.unexpected:
        name = kind(section.row)
        found[name] = found.get(name, 0) + 1
    said = [
        _many(n, "control") + name.removeprefix("control") if name in CONTROLS
        else f"{n} consistent, though known to be contradicted" if name == "consistent"
        else f"{n} {name}"
        for name, n in found.items()
    ]  # fmt: skip
    failed = sum(group.number for group in site.failed)
    return ", ".join([*said, *([f"{_many(failed, 'cell')} failed"] if failed else [])])


def _many(number: int, name: str) -> str:
    return f"{number} {name}{'' if number == 1 else 's'}"


def _controls_said(controls: tuple[Section, ...]) -> str:
    """How many controls, and whether they were rejected."""
    kept = sum(control.row["verdict"] != "violated" for control in controls)
    return f"{_many(len(controls), 'control')}, {'rejected' if not kept else f'{kept} not rejected'}"
