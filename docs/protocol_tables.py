"""The tables of docs/explanation/verification.md that come out of the protocols' files.

They say what each protocol measures, and which parameters it takes. ``python docs/protocol_tables.py`` prints them;
``--write`` puts each into the page, between its two markers; ``--check`` exits with 1 where a table is not the
present one.
"""

from __future__ import annotations

import sys
from pathlib import Path

from page_tables import cell, main

from zoba_bench.verification.protocols import PROTOCOLS, load_protocol

__all__ = ["TABLES", "parameters", "protocols"]

PAGE = Path(__file__).parent / "explanation" / "verification.md"


def protocols() -> str:
    """One row for each protocol: its title, and the first paragraph of its file's docstring without its name."""
    lines = ["| | | what is measured, and against what |", "|---|---|---|"]
    for name in PROTOCOLS:
        module = load_protocol(name)
        label, colon, words = (module.__doc__ or "").partition("\n\n")[0].partition(": ")
        if label != name or not colon:
            raise ValueError(f"the docstring of {module.__name__} must begin with '{name}: ' and what is measured")
        lines.append(f"| {name} | {cell(module.TITLE)} | {cell(words)} |")
    return "\n".join(lines)


def parameters() -> str:
    """One row for each protocol: the parameters of its claims."""
    lines = ["| | parameters |", "|---|---|"]
    lines += [f"| {name} | {load_protocol(name).PARAMETERS.describe()} |" for name in PROTOCOLS]
    return "\n".join(lines)


TABLES = {"protocols": protocols, "parameters": parameters}

if __name__ == "__main__":
    sys.exit(main("docs/protocol_tables.py", PAGE, TABLES))
