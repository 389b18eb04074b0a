"""The page of the documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .referee import Run
from .scores import ClassScore
from .tables import classes_table, conclusion, methods_table

__all__ = ["page"]

_TOP = """\
# `zb.minimize` against its peers

Evaluations of F and G together until |x - x*| <= 1e-2, on problems with known x*. One counter outside of the methods
counts; no number here depends on the machine. Written by

```sh
pip install -e ".[peers]"
{command}
```

{conclusion}

A class is what a line of the table says: p and d, whether F and G are quadratic, and what was done to values and units.
"""


def page(
    scores: Sequence[ClassScore], runs: Mapping[str, Sequence[Mapping[str, Run]]], methods: Sequence[str],
    skipped: Sequence[str], command: str,
) -> str:  # fmt: skip
    """Markdown, from the results alone."""
    return "\n".join([_TOP.format(command=command, conclusion=conclusion(scores)), classes_table(scores), "",
                      methods_table(runs), ""])  # fmt: skip
