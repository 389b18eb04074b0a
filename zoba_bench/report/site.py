"""What stands where in the report of a run: a section for every claim, pages of protocols and of solvers, and links."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoba_bench.report import wording
from zoba_bench.report.failures import failures
from zoba_bench.report.findings import findings
from zoba_bench.report.names import Names
from zoba_bench.report.plots import Plot, claim_plot
from zoba_bench.report.tally import counts, gist

__all__ = ["Group", "Page", "Section", "Site", "grouped"]

Row = Mapping[str, Any]
_MEASURED = re.compile(r"(?:^|(?<=; ))measured [^\s,]+(?: in \[[^\]]*\])?, allowed [^;]*(?:; |$)")


@dataclass(frozen=True)
class Section:
    """A claim with its place: the page, the anchor there, its picture, and the controls that stand below it."""

    row: Row
    page: str
    anchor: str
    plot: Plot | None
    controls: tuple[Section, ...] = ()
    #: Controls that stand below another claim.
    elsewhere: tuple[Section, ...] = ()

    @property
    def link(self) -> str:
        """Where it stands."""
        return f"{self.page}#{self.anchor}"

    @property
    def notes(self) -> str:
        """What the reason adds to the numbers that stand beside it."""
        return _MEASURED.sub("", str(self.row.get("reason") or ""), count=1)


@dataclass(frozen=True)
class Group:
    """Claims with the same statement."""

    statement: str
    sections: tuple[Section, ...]

    @property
    def source(self) -> str:
        """Who published the statement, if somebody did."""
        return next((str(s.row["source"]) for s in self.sections if s.row.get("source")), "")


def grouped(sections: Iterable[Section]) -> list[Group]:
    """Sections by what they say."""
    found: dict[str, list[Section]] = {}
    for section in sections:
        found.setdefault(str(section.row["statement"]), []).append(section)
    return [Group(statement, tuple(same)) for statement, same in found.items()]


@dataclass(frozen=True)
class Page:
    """A protocol's or a solver's page: its file, its name, and its claims with their controls."""

    file: str
    name: str
    title: str
    sections: tuple[Section, ...]

    @property
    def groups(self) -> list[Group]:
        """Claims by what they say."""
        return grouped(self.sections)

    @property
    def every(self) -> list[Section]:
        """Claims and the controls below them."""
        return [one for section in self.sections for one in (section, *section.controls)]

    @property
    def counts(self) -> dict[str, int]:
        """How many claims and controls of which kind there are, see ``tally``."""
        return counts(section.row for section in self.every)

    @property
    def gist(self) -> str:
        """What was measured, in one line: the range of the numbers that can be compared."""
        return gist(section.row for section in self.sections)


class Site:
    """The report of a run: which sections there are, and where.

    Parameters
    ----------
    content : mapping
        Of the run, as the ledger returns it.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        rows: list[Row] = list(content["claims"])
        self.titles = wording.titles(rows)
        described = content.get("protocols") or {}
        self.about: Mapping[str, Mapping[str, str]] = {
            name: {"about": "", "tolerance": "", "leaves_open": "", **described.get(name, {})} for name in self.titles
        }
        names = Names()
        files = {name: f"{names(f'protocol-{name}')}.html" for name in wording.by_protocol(rows)}
        self._sections = _sections(rows, files, names)
        self.protocols = [
            Page(files[name], name, self.titles[name], tuple(self._sections[row["id"]] for row in group))
            for name, group in _by_page(rows, self._sections).items()
        ]
        solvers: dict[str, list[Section]] = {str(name): [] for name in content.get("derivations") or {}}
        for page in self.protocols:
            for section in page.sections:
                if section.row["solver"] and not wording.is_control(section.row):
                    solvers.setdefault(str(section.row["solver"]), []).append(section)
        self.solvers = [
            Page(f"{names(f'solver-{name}')}.html", name, "", tuple(solvers[name])) for name in sorted(solvers)
        ]
        self.findings = findings(rows, names)
        self.failed = failures(content.get("failed"), rows)

    def section(self, identifier: str) -> Section:
        """Where a claim or control stands."""
        return self._sections[identifier]

    @property
    def every(self) -> list[Section]:
        """All claims and controls, in the order of the pages."""
        return [section for page in self.protocols for section in page.every]

    @property
    def unexpected(self) -> list[Section]:
        """What got another verdict than it must get; what is only undecided comes last."""
        odd = [section for section in self.every if not wording.as_expected(section.row)]
        return sorted(odd, key=lambda section: section.row["verdict"] == "inconclusive")

    @property
    def contradicted(self) -> list[Section]:
        """Claims that are known to be contradicted, and are."""
        return [
            section for section in self.every
            if section.row["verdict"] == "violated" and wording.as_expected(section.row)
            and not wording.is_control(section.row)
        ]  # fmt: skip


def _sections(rows: Sequence[Row], files: Mapping[str, str], names: Names) -> dict[str, Section]:
    """Sections by id; a control stands below the first claim that names it, or for itself."""
    by_id = {str(row["id"]): row for row in rows}
    owner: dict[str, str] = {}
    for row in rows:
        for control in row.get("controls") or ():
            if control in by_id:
                owner.setdefault(control, str(row["id"]))
    made: dict[str, Section] = {}

    def make(identifier: str, page: str = "") -> Section:
        if identifier not in made:
            row = by_id[identifier]
            page = page or files[wording.protocol_of(row)]
            known = [name for name in row.get("controls") or () if name in by_id]
            below = [make(name, page) for name in known if owner[name] == identifier]
            anchor = names(identifier)
            made[identifier] = Section(row, page, anchor, claim_plot(row), tuple(below))
        return made[identifier]

    for row in rows:
        if str(row["id"]) not in owner:
            make(str(row["id"]))
    for identifier, section in list(made.items()):
        other = [made[name] for name in section.row.get("controls") or () if owner.get(name) not in (None, identifier)]
        made[identifier] = Section(
            section.row, section.page, section.anchor, section.plot, section.controls, tuple(other)
        )  # fmt: skip
    return made


def _by_page(rows: Sequence[Row], sections: Mapping[str, Section]) -> dict[str, list[Row]]:
    """Rows that stand for themselves, by protocol."""
    below = {str(one.row["id"]) for section in sections.values() for one in section.controls}
    return wording.by_protocol(row for row in rows if str(row["id"]) not in below)
