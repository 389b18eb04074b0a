"""A table for the terminal that is whole at every width: where its columns do not fit, each row becomes a few lines."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

__all__ = ["Sheet"]

_GAP = 2
_INDENT = 4


class Sheet:
    """Rows under headings.

    Parameters
    ----------
    *columns : str
        Headings; none is shown where all are empty.
    head : int
        How many of the first columns stand in the first line of a row that becomes several.
    right : tuple of str
        Headings of columns of numbers.
    whole : tuple of int
        Which columns have cells that are never broken.
    lines : bool
        Whether rows become several lines at every width.

    Notes
    -----
    A row that becomes several lines has its first ``head`` cells in one, and each other cell in a line of its own,
    after its heading. Cells that are empty are left out there.
    """

    def __init__(
        self,
        *columns: str,
        head: int = 1,
        right: tuple[str, ...] = (),
        whole: tuple[int, ...] = (),
        lines: bool = False,
    ) -> None:
        self.columns, self.head, self.right, self.whole, self.lines = columns, head, right, whole, lines
        self._headed = any(columns)
        self._rows: list[tuple[Text, ...] | Text] = []

    def add_row(self, *cells: str | Text) -> None:
        """A row; strings are shown as they are."""
        self._rows.append(tuple(cell if isinstance(cell, Text) else Text(cell) for cell in cells))

    def add_title(self, text: str) -> None:
        """A line of its own above the rows that follow."""
        self._rows.append(Text(text, style="bold"))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widths = None if self.lines else self._widths(console, options)
        yield from self._in_lines() if widths is None else self._in_columns(widths)

    def least_width(self, console: Console) -> int:
        """The width from which on a row stays in one line of columns; 0 where it never does."""
        return 0 if self.lines else sum(self._extents(console, console.options)[0]) + self._gaps

    @property
    def _gaps(self) -> int:
        return _GAP * (len(self.columns) - 1)

    def _extents(self, console: Console, options: ConsoleOptions) -> tuple[list[int], list[int]]:
        """Of each column the width of its longest word, or of its longest cell where none is broken, and of all."""
        least, most = [], []
        for index, column in enumerate(self.columns):
            cells = [Text(column), *(row[index] for row in self._rows if isinstance(row, tuple))]
            sizes = [Measurement.get(console, options.update(width=10**6), cell) for cell in cells]
            most.append(max(size.maximum for size in sizes))
            least.append(most[-1] if index in self.whole else max(size.minimum for size in sizes))
        return least, most

    def _widths(self, console: Console, options: ConsoleOptions) -> list[int] | None:
        """Widths of the columns; None where not even the longest words fit."""
        least, most = self._extents(console, options)
        room = options.max_width - self._gaps
        if sum(most) <= room:
            return most
        if sum(least) > room:
            return None
        free, wanted = room - sum(least), [m - l for m, l in zip(most, least, strict=True)]
        return [l + free * want // sum(wanted) for l, want in zip(least, wanted, strict=True)]

    def _in_columns(self, widths: Sequence[int]) -> RenderResult:
        """Tables with the same widths: one, and one more below each title."""
        table = self._table(widths, self._headed)
        for row in self._rows:
            if isinstance(row, tuple):
                table.add_row(*row)
                continue
            if table.row_count or table.show_header:
                yield table
            yield row
            table = self._table(widths, headed=False)
        if table.row_count or table.show_header:
            yield table

    def _table(self, widths: Sequence[int], headed: bool) -> Table:
        table = Table(
            box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold underline", show_header=headed
        )
        for column, width in zip(self.columns, widths, strict=True):
            justify = "right" if column in self.right else "left"
            table.add_column(Text(column), justify=justify, width=width, overflow="fold")  # type: ignore[arg-type]
        return table

    def _in_lines(self) -> RenderResult:
        """A few lines for each row."""
        for row in self._rows:
            if isinstance(row, Text):
                yield row
                continue
            first = Text("  ").join([cell for cell in row[: self.head] if cell.plain])
            first.overflow = "fold"
            yield first
            for name, cell in zip(self.columns[self.head :], row[self.head :], strict=True):
                if cell.plain:
                    label = (f"{name}: ", "dim") if name else ""
                    yield Padding(Text.assemble(label, cell, overflow="fold"), (0, 0, 0, _INDENT))
