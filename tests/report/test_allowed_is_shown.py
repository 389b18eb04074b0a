"""No row says "consistent" while its limits exclude the printed prediction, unless what is allowed stands in that row.

A run is rendered in every format: terminal, JSON, HTML and the Markdown tables of README and docs/measured/results.md.
"""

from __future__ import annotations

import contextlib
import html
import io
import json
import re
import runpy
import sys
from pathlib import Path

import pytest
from rich.console import Console

from zoba_bench.ledger import Ledger
from zoba_bench.report.pages import pages
from zoba_bench.report.site import Site
from zoba_bench.report.terminal import verdict_table
from zoba_bench.verification.run.verify import report_row, verify

ROOT = Path(__file__).parents[2]
NUMBER = r"-?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?"
#: What is printed has three digits at least.
ROUNDED = 0.006


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """Verdicts of a smoke run, and the run as the ledger keeps it."""
    out = tmp_path_factory.mktemp("smoke")
    chosen = {"protocol": ["P1", "P2", "P2s"], "solver": "hf-zoba", "problem": ["quad_general", "logistic_bregman"]}
    verdicts = verify("smoke", only=chosen, out=out)
    with Ledger(out / "ledger.sqlite") as ledger:
        run = ledger.last_run()
    run["content"]["derivations"] = {}
    return verdicts, run


def interval(text):
    """The ends that a cell says are allowed; None where it says nothing of that kind."""
    low, high = float("-inf"), float("inf")
    if found := re.search(rf"({NUMBER}) ± ({NUMBER})", text):
        middle, half = map(float, found.groups())
        return middle - half, middle + half
    if found := re.search(rf"at most ({NUMBER})", text):
        return low, float(found[1])
    if found := re.search(rf"at least ({NUMBER})", text):
        return float(found[1]), high
    if found := re.search(rf"({NUMBER}) exactly", text):
        return float(found[1]), float(found[1])
    if found := re.fullmatch(rf"\s*({NUMBER}|any) to ({NUMBER}|any)\s*", text):
        return tuple(
            end if word == "any" else float(word) for word, end in zip(found.groups(), (low, high), strict=True)
        )
    return None


def unexplained(verdict, predicted, limits, allowed):
    """What is wrong with a row, in words; empty if a reader can see why it is consistent.

    ``allowed`` are the ends that stand in the row, or None.
    """
    if verdict != "consistent" or limits[0] <= predicted <= limits[1]:
        return ""
    if allowed is None:
        return f"consistent, {limits} exclude {predicted}, and no tolerance is shown"
    slack = ROUNDED * (1 + max(map(abs, limits)))
    if limits[0] < allowed[0] - slack or limits[1] > allowed[1] + slack:
        return f"consistent, {limits} are not within {allowed}"
    return ""


def markdown_rows(text):
    """(id, predicted, allowed, limits, verdict) of every row with limits, in a table with the usual columns."""
    columns = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if "99 % limits" in cells:
            columns = cells
        elif columns and len(cells) == len(columns) and re.match(r"`P", cells[columns.index("claim")]):
            row = dict(zip(columns, cells, strict=True))
            limits = tuple(map(float, row["99 % limits"].split(" to ")))
            yield row["claim"], float(row["predicted"]), interval(row["allowed"]), limits, row["verdict"]


def table_of(script, claims):
    """What a script of docs/ prints for JSON on its standard input."""
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.setattr(sys, "stdin", io.StringIO(json.dumps({"claims": claims})))
        runpy.run_path(str(ROOT / "docs" / script), run_name="__main__")
    return printed.getvalue()


def test_rows_that_need_a_tolerance_are_among_those_that_are_rendered(rendered):
    rows = [verdict.row() for verdict in rendered[0]]
    assert [row["id"] for row in rows if unexplained(row["verdict"], row["predicted"], row["limits"], None)]


def test_json_has_the_allowed_interval(rendered):
    for verdict in rendered[0]:
        row = json.loads(json.dumps(verdict.row()))
        ends = [float(word) if end is None else end for end, word in zip(row["allowed"], ("-inf", "inf"), strict=True)]
        assert not unexplained(row["verdict"], row["predicted"], row["limits"], ends), row["id"]


def test_the_terminal_says_what_is_allowed(rendered):
    rows = [report_row(verdict) for verdict in rendered[0]]
    stream = io.StringIO()
    Console(file=stream, width=200).print(verdict_table(rows))
    lines = stream.getvalue().splitlines()
    for row in rows:
        (line,) = [line for line in lines if f" {row['id']} " in line]
        assert not unexplained(row["verdict"], row["predicted"], row["limits"], interval(line)), line


def test_the_pages_say_what_is_allowed(rendered):
    """In the tables, a row a claim, and in the sections, a list of terms a claim."""
    verdicts, run = rendered
    texts = pages(run, Site(run["content"]))
    for verdict in verdicts:
        row = verdict.row()
        (found,) = re.findall(
            rf"<tr[^>]*>(?:(?!</tr>).)*<code>{re.escape(row['id'])}</code>.*?</tr>", texts["claims.html"], re.DOTALL
        )
        last = html.unescape(re.findall(r"<td[^>]*>(.*?)</td>", found, re.DOTALL)[-1])
        assert not unexplained(row["verdict"], row["predicted"], row["limits"], interval(last)), found
        page = texts[f"protocol-{verdict.claim.protocol}.html"]
        section = page[page.index(f'id="{row["id"].replace("/", "-").replace(":", "-")}"') :]
        (term,) = re.findall(r"<dt>allowed</dt><dd>(.*?)</dd>", section[: section.index("</dl>")])
        assert not unexplained(row["verdict"], row["predicted"], row["limits"], interval(html.unescape(term))), term


@pytest.mark.parametrize("script", ["verdict_table.py", "findings_table.py"])
def test_the_markdown_tables_say_what_is_allowed(script, rendered, monkeypatch):
    """Rows whose limits are off the prediction, under the ids that the script shows."""
    shown = runpy.run_path(str(ROOT / "docs" / script))
    ids = (
        [f"{name}/zoba/x" for name in shown["SHOWN"]]
        if "SHOWN" in shown
        else [i for _, of in shown["ROWS"] for i in of]
    )
    like = next(v.row() for v in rendered[0] if v.verdict == "consistent" and v.claim.relation == "at_most")
    claims = [
        {**like, "id": key, "predicted": 1.0, "measured": 1.04, "limits": [1.02, 1.06], "allowed": [0.9, 1.1]}
        for key in ids
    ]
    rows = list(markdown_rows(table_of(script, claims)))
    assert [row[0].strip("`") for row in rows] == ids
    for key, predicted, allowed, limits, verdict in rows:
        assert not limits[0] <= predicted <= limits[1]
        assert not unexplained(verdict, predicted, limits, allowed), key


@pytest.mark.parametrize("path", ["README.md", "docs/measured/results.md"])
def test_the_published_tables_say_what_is_allowed(path):
    rows = list(markdown_rows((ROOT / path).read_text(encoding="utf-8")))
    assert rows
    for key, predicted, allowed, limits, verdict in rows:
        assert not unexplained(verdict, predicted, limits, allowed), key


@pytest.mark.parametrize(
    ("limits", "allowed", "seen"),
    [
        ((1.02, 1.06), None, True),
        ((1.02, 1.2), (0.9, 1.1), True),
        ((1.02, 1.06), (0.9, 1.1), False),
        ((0.9, 1.1), None, False),
    ],
)  # fmt: skip
def test_a_row_without_its_tolerance_is_noticed(limits, allowed, seen):
    assert bool(unexplained("consistent", 1.0, limits, allowed)) == seen
