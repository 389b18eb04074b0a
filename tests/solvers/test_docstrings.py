"""What every solver says of itself: class, assumptions, cost, rate with its status, source."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner

import zoba_bench as zb
from zoba_bench.cli import cli
from zoba_bench.cli.info.docstrings import PARTS, parts, plain
from zoba_bench.registry import entry

NEEDED = ("Problem class", "Assumptions", "Cost", "Rate", "Source")


@pytest.mark.parametrize("name", zb.list_solvers())
def test_every_solver_says_what_it_is_for_and_what_it_promises(name):
    solver = entry("solvers", name)
    assert "__doc__" in vars(solver), "a docstring of its own, not its parent's"
    found = parts(solver)
    missing = [label for label in NEEDED if len(found.get(label, "")) < 10]
    assert not missing, (name, missing)
    assert re.search(r"\b(derived|quoted)\b", found["Rate"]) or re.search(r"[Tt]hat of ``\w+``", found["Rate"]), found[
        "Rate"
    ]
    assert re.search(r"arXiv \d{4}\.\d{5}", found["Source"]), found["Source"]


@pytest.mark.parametrize("name", zb.list_solvers())
def test_what_a_docstring_refers_to_exists(name):
    solver = entry("solvers", name)
    for other in re.findall(r"(?:[Aa]s for|that of|those of|as of) ``([\w-]+)``", " ".join(parts(solver).values())):
        assert other in zb.list_solvers(), other
    for theorem in re.findall(r'theorem "([\w-]+)"', solver.__doc__):
        assert theorem in zb.list_theorems(), theorem


@pytest.mark.parametrize("name", zb.list_solvers())
def test_the_command_line_shows_it(name):
    shown = " ".join(CliRunner().invoke(cli, ["info", name]).output.split())
    about = json.loads(CliRunner().invoke(cli, ["info", name, "--json"]).output)
    for label, text in parts(entry("solvers", name)).items():
        assert about[label.lower()] == text
        assert f"{label} {plain(text)}" in shown


def test_parts_of_a_docstring_end_at_an_empty_line_or_the_next_label():
    class Told:
        """A method.

        Rate: fast,
        or so.
        Cost: nothing
        Source: here

        Not a part: of it.
        """

    assert parts(Told) == {"Cost": "nothing", "Rate": "fast, or so.", "Source": "here"}
    assert set(NEEDED) <= set(PARTS)
    assert parts(int) == {}
