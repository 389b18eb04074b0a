"""The tables of docs/reference/problems.md that come out of the problems' cards and certificates.

They are the groups, and the errata of the sources. ``python docs/errata.py`` prints them; ``--write`` puts each into
the page, between its two markers; ``--check`` exits with 1 where a table is not the present one.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from page_tables import cell, main

from zoba_bench.certification.identities import prove
from zoba_bench.registry import entry, list_problems, problem_groups

__all__ = ["TABLES", "errata", "groups"]

PAGE = Path(__file__).parent / "reference" / "problems.md"


def groups() -> str:
    """One row for each group of the catalogue; what it is, is the first line of its folder's docstring."""
    lines = ["| group | what | problems |", "|---|---|---|"]
    for group, members in problem_groups().items():
        folders = {entry("problems", name).__module__.rpartition(".")[0] for name in members}
        words = [(importlib.import_module(folder).__doc__ or "").strip().partition("\n")[0] for folder in folders]
        names = ", ".join(f"`{name}`" for name in members)
        lines.append(f"| {f'`{group}`' if group else 'none'} | {cell(' '.join(sorted(words)))} | {names} |")
    return "\n".join(lines)


def errata() -> str:
    """One row for each erratum of a registered problem; problems without a card have none."""
    rows = []
    for name in list_problems():
        card = getattr(entry("problems", name), "card", None)
        if card is not None and card.errata:
            proofs = _proofs(name)
            rows += [(name, card.source, erratum, proofs) for erratum in card.errata]
    if not rows:
        return "No card lists an erratum."
    lines = [
        "| problem | source | what is wrong there, and what is right | proved of what is right |",
        "|---|---|---|---|",
    ]
    lines += [f"| `{name}` | {' | '.join(map(cell, cells))} |" for name, *cells in rows]
    return "\n".join(lines)


def _proofs(name: str) -> str:
    """The statements about Psi that the problem's certificate proves; a table of errors must not hold one itself."""
    factory = entry("problems", name)
    symbolic = factory(**dict(factory.card.small or {})).symbolic
    checks = [] if symbolic is None else prove(symbolic())
    failed = [check.name for check in checks if not check.ok]
    if failed or not checks:
        raise ValueError(f"{name} lists an erratum, and its certificate does not prove {failed or 'anything'}")
    told = ("hypergradient is the derivative of Psi", "minimum is the value there", "global minimum")
    return "; ".join(check.name for check in checks if check.name in told)


TABLES = {"groups": groups, "errata": errata}

if __name__ == "__main__":
    sys.exit(main("docs/errata.py", PAGE, TABLES))
