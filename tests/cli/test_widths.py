"""COLUMNS is honoured by every table, nothing is cut, and NO_COLOR is kept to."""

import re

import pytest
from rich.console import Console
from rich.text import Text

from zoba_bench.cli import cli
from zoba_bench.cli.terminal import new_console
from zoba_bench.report.sheet import Sheet
from zoba_bench.report.terminal import verdict_table

from ..verification.command import call
from .small import small  # noqa: F401  (a fixture)

pytestmark = pytest.mark.slow  # each starts processes that import the library

WIDTHS = (60, 80, 200)
#: Whose output is text in at most two columns: the same words at every width.
VERBS = [
    ("list",), ("info", "hf-zoba"), ("info", "A3"), ("info", "P6"), ("info", "reference"), ("sys-info",),
    ("solve", "quad_general", "--p", "9", "--d", "3", "--max-iterations", "2"),
    ("solve", "reference", "--max-iterations", "2", "--replicates", "3"), ("config", "verify"),
    ("self-test", "--list"), ("verify", "--list"), ("verify", "--no-report", "-v"), ("verify", "--no-report"),
    ("run", "--suite", "compare-small"),
]  # fmt: skip


@pytest.mark.parametrize("arguments", VERBS, ids=" ".join)
@pytest.mark.parametrize("columns", WIDTHS)
def test_output_fits_and_nothing_is_cut(arguments, columns, small, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", str(columns))
    code, output, errors = call(*arguments)
    assert code == 0, errors
    lines = output.splitlines()
    long = [line for line in lines if len(line) > columns]
    assert all("report: " in line or "file: " in line for line in long), long  # what is meant to be copied
    assert "…" not in output
    assert "..." not in output.replace(", ...", "")


@pytest.mark.parametrize("name", [*cli.commands, ""])
@pytest.mark.parametrize("columns", WIDTHS)
def test_help_fits(name, columns, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert cli.main([*filter(None, [name]), "--help"], prog_name="zoba-bench", standalone_mode=False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines if not line.startswith("    zoba-bench ")) <= columns
    assert max(map(len, lines)) <= max(columns, 80)  # examples are not broken


def test_where_nothing_says_how_wide_it_is_a_hundred(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    lines = call("info", "hf-zoba")[1].splitlines()
    assert 90 < max(len(line.rstrip()) for line in lines) <= 100


def test_a_row_of_a_table_is_one_line_in_a_pipe_unless_columns_says_how_wide_it_is(monkeypatch, capsys):
    """`verify -v | less` broke each claim into three lines."""
    ids = [f"P10/a-solver-of-a-long-name/{'x' * 40}/{number}" for number in range(3)]
    row = {"verdict": "violated", "expected": "violated", "origin": "control", "predicted": 1.0, "measured": 1.23456,
           "limits": [1.1, 1.3], "relation": "equal", "tolerance": 0.1}  # fmt: skip
    rows = [{"id": name, **row} for name in ids]
    monkeypatch.delenv("COLUMNS", raising=False)
    console = new_console()
    console.print(verdict_table(rows))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines[2:]] == [["violated", "(expected)", name] for name in ids]
    assert console.width == 100  # of texts
    monkeypatch.setenv("COLUMNS", "100")
    new_console().print(verdict_table(rows))
    assert len(capsys.readouterr().out.splitlines()) == 1 + 3 * 3


def shown(sheet, width):
    import io

    stream = io.StringIO()
    Console(file=stream, width=width).print(sheet)
    return stream.getvalue()


def example():
    sheet = Sheet("name", "count", "a long text", head=2, right=("count",), whole=(1,))
    sheet.add_title("a title")
    sheet.add_row("averyveryverylongname", "1234567890", "words that can be broken where there is a space")
    sheet.add_title("another")
    sheet.add_row("short", "7", Text("[red]no markup[/]"))
    sheet.add_row("empty", "8", "")
    return sheet


@pytest.mark.parametrize("width", [20, 30, 40, 60, 100, 200])
def test_a_sheet_keeps_every_cell_at_every_width(width):
    output = shown(example(), width)
    assert max(len(line) for line in output.splitlines()) <= width
    together = "".join(output.split())
    for words in ("averyveryverylongname", "1234567890", "[red]nomarkup[/]", "atitle", "another"):
        assert words in together
    for word in ["words", "that", "can", "be", "broken", "where", "there", "is", "a", "space"]:
        assert word in output


def test_a_wide_sheet_is_columns_and_a_narrow_one_is_lines():
    wide = shown(example(), 100).splitlines()
    assert wide[0].split() == ["name", "count", "a", "long", "text"]
    assert wide[1].strip() == "a title"
    starts = [
        line.index("words") if "words" in line else line.index("[red]")
        for line in wide
        if "[" in line or "words" in line
    ]
    assert len(set(starts)) == 1  # columns go on below a title
    narrow = shown(example(), 40)
    assert "a long text: words that can be" in narrow
    assert "averyveryverylongname  1234567890\n" in re.sub(r" +\n", "\n", narrow)
    assert narrow.count("a long text:") == 2  # an empty cell says nothing


def test_colours_and_no_colours(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    colour = re.compile(r"\x1b\[[0-9;]*(3[0-9]|9[0-7]|38;|48;)")
    monkeypatch.setattr("zoba_bench.registry.missing_requirements", lambda name: {"sklearn": "data"})
    assert colour.search(call("list")[1])
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colour.search(call("list")[1])
