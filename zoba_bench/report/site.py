"""What stands where in the report of a run: a section for every claim, pages of protocols and of solvers, and links."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoba_bench.report import wording
from zoba_bench.report.plots import Plot, claim_plot, growth_plot
from zoba_bench.report.series import honest_lines, one_a_solver

__all__ = ["Finding", "Group", "Page", "Section", "Site", "counts"]

Row = Mapping[str, Any]
_MEASURED = re.compile(r"(?:^|(?<=; ))measured \S+ in \[[^\]]*\], allowed [^;]*(?:; |$)")


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
        found: dict[str, list[Section]] = {}
        for section in self.sections:
            found.setdefault(str(section.row["statement"]), []).append(section)
        return [Group(statement, tuple(sections)) for statement, sections in found.items()]

    @property
    def every(self) -> list[Section]:
        """Claims and the controls below them."""
        return [one for section in self.sections for one in (section, *section.controls)]

    @property
    def counts(self) -> dict[str, int]:
        """How many claims got which verdict; controls that were rejected, and that were not, count for themselves."""
        return counts(section.row for section in self.every)

    @property
    def gist(self) -> str:
        """What was measured, in one line: the range of the numbers that can be compared."""
        return _gist([section.row for section in self.sections])


@dataclass(frozen=True)
class Finding:
    """Something learned: a title, sentences of (solver, measured, derived, link), and a picture."""

    title: str
    axis: str
    label: str
    solvers: tuple[tuple[str, str, str, str], ...]
    file: str
    plot: Plot


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
        names = _Names()
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
        self.growth = _growth(rows, self._sections, names)

    def section(self, identifier: str) -> Section:
        """Where a claim or control stands."""
        return self._sections[identifier]

    @property
    def every(self) -> list[Section]:
        """All claims and controls, in the order of the pages."""
        return [section for page in self.protocols for section in page.every]

    @property
    def unexpected(self) -> list[Section]:
        """What got another verdict than it must get."""
        return [section for section in self.every if not wording.as_expected(section.row)]

    @property
    def contradicted(self) -> list[Section]:
        """Claims that are known to be contradicted, and are."""
        return [
            section for section in self.every
            if section.row["verdict"] == "violated" and wording.as_expected(section.row)
            and not wording.is_control(section.row)
        ]  # fmt: skip


class _Names:
    """Names as parts of addresses, each once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def __call__(self, name: str) -> str:
        plain = re.sub(r"[^A-Za-z0-9_.]+", "-", name).strip("-.") or "unnamed"
        found, number = plain, 2
        while found.lower() in self._taken:  # some file systems do not tell capitals apart
            found, number = f"{plain}-{number}", number + 1
        self._taken.add(found.lower())
        return found


def _sections(rows: Sequence[Row], files: Mapping[str, str], names: _Names) -> dict[str, Section]:
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


def _growth(rows: Sequence[Row], sections: Mapping[str, Section], names: _Names) -> list[Finding]:
    """How what the protocols ask for grows: measured beside derived slopes, a picture each."""
    found = []
    solvers: list[str] = []
    for protocol, lines in honest_lines(rows).items():
        asked = lines[0].rows[0].get("summary") or {}
        along = [line for line in lines if asked and line.xlabel.partition(" ")[0] == asked["along"]]
        if shown := one_a_solver(along):
            sentences = []
            for line in shown:
                claimed = [row for one in along if one.solver == line.solver for row in one.rows if _is_slope(row)]
                row = claimed[-1] if claimed else line.rows[0]
                derived = row["predicted"] if claimed else line.fit(line.log_measured - line.log_ratio)[0]
                slope = row["measured"] if claimed else line.slope
                sentences.append((line.solver, f"{slope:.2f}", f"{derived:.2f}", sections[str(row["id"])].link))
            sentences.sort(key=lambda sentence: -float(sentence[1]))
            title = str(asked["title"])
            solvers += [line.solver for line in shown if line.solver not in solvers]
            found.append(
                Finding(
                    title,
                    shown[0].xlabel,
                    shown[0].ylabel,
                    tuple(sentences),
                    names(f"growth-{protocol}"),
                    growth_plot(shown, title, solvers),
                )
            )
    return found


def _is_slope(row: Row) -> bool:
    """Whether a derived claim measured a slope."""
    derived = row["origin"] == "derived" and row["series"]["quantity"] == "slope"
    return derived and row["measured"] is not None and math.isfinite(row["measured"])


def counts(rows: Iterable[Row]) -> dict[str, int]:
    """Claims, and how many got which verdict; controls for themselves."""
    found = dict.fromkeys(("claims", "consistent", "finding", "violated", "inconclusive", "measured"), 0)
    found |= {"controls": 0, "rejected": 0}
    for row in rows:
        if wording.is_control(row):
            found["controls"] += 1
            found["rejected"] += row["verdict"] == "violated"
        else:
            found["claims"] += 1
            kind = "finding" if row["verdict"] == row["expected"] == "violated" else str(row["verdict"])
            found[kind] = found.get(kind, 0) + 1
    return found


def _gist(rows: Sequence[Row]) -> str:
    """The numbers of a protocol's claims, where they have a common meaning."""
    rows = [row for row in rows if not wording.is_control(row) and row.get("measured") is not None]
    rows = [row for row in rows if math.isfinite(row["measured"])]
    said = []
    levels = [row["measured"] for row in rows if (row.get("series") or {}).get("quantity") == "ratio"]
    if levels:
        said.append(f"measured over derived {_range(levels)}")
    shares = [
        row["measured"] / allowed
        for row in rows
        if row["relation"] == "at_most" and (allowed := (row["predicted"] or 0.0) + (row.get("tolerance") or 0.0)) > 0
    ]
    if shares:
        said.append(f"at most {wording.number(max(shares), 2)} of what is allowed")
    exact = [row["measured"] - row["predicted"] for row in rows if row["relation"] == "exact"]
    if exact:
        differ = sum(value != 0 for value in exact)
        said.append(f"{differ} of {len(exact)} differ" if differ else "no difference")
    return ", ".join(said)


def _range(values: Sequence[float]) -> str:
    low, high = (wording.number(value, 3, True) for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"
