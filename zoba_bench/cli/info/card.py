"""A description: a title, lines under headings, and the same as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zoba_bench.cli.terminal import escape, visible

__all__ = ["Card", "shown"]


@dataclass
class Card:
    """What is said of a name.

    Attributes
    ----------
    name, kind, summary : str
    groups : lines by heading; a heading may be empty. A line is a label with its text.
    content : what JSON says beside name, kind and summary.
    text : what the papers of the name are read from.
    """

    name: str
    kind: str
    summary: str
    groups: dict[str, dict[str, str]] = field(default_factory=dict)
    content: dict[str, Any] = field(default_factory=dict)
    text: str = ""

    def add(self, heading: str, lines: Mapping[str, str]) -> None:
        """Lines under a heading; nothing where there are none."""
        if lines:
            self.groups[heading] = dict(lines)

    def row(self) -> dict[str, Any]:
        """As JSON."""
        return {"name": self.name, "kind": self.kind, "summary": self.summary, **self.content}

    def print(self, console: Any) -> None:
        """Print it, as wide as the console is."""
        from zoba_bench.report.sheet import Sheet

        console.print(f"[bold]{escape(self.name)}[/] ({self.kind})  {escape(self.summary)}", highlight=False)
        for heading, lines in self.groups.items():
            console.print()
            if heading:
                console.print(f"[bold]{escape(heading)}[/]")
            sheet = Sheet("", "", whole=(0,))
            for label, text in lines.items():
                sheet.add_row(f"  {visible(label)}", visible(text))
            console.print(sheet)


def shown(value: Any) -> str:
    """A value in a few words."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(shown, value[:10])) + (", ..." if len(value) > 10 else "")
    return str(value)
