"""What the README says of ``minimize`` against its peers is what the page of the benchmark says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README, PAGE = ROOT / "README.md", ROOT / "docs" / "measured" / "minimize_benchmark.md"

#: The sentence, whatever its numbers are.
SENTENCE = re.compile(
    r"In the median over (\d+) classes of problems it takes ([\d.]+) of the evaluations after which the best of (\w+) "
    r"peers first meets the accuracy"
)
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def said(readme: str) -> tuple[int, str, int]:
    """Classes, ratio and peers of the README's sentence."""
    found = SENTENCE.search(" ".join(readme.split()))
    assert found, "the README has no sentence on the benchmark of minimize"
    classes, ratio, peers = found.groups()
    return int(classes), ratio, NUMBERS.index(peers)


def measured(page: str) -> tuple[int, str, int]:
    """The same of the page: from its conclusion, and from its table and its list of methods."""
    found = re.search(r"first value \(a\): .*?\(median over (\d+) classes ([\d.]+),", page)
    assert found, "the page has no conclusion"
    classes, ratio = int(found[1]), found[2]
    peers = re.findall(r"^- ([a-z0-9.-]+): (?!not run)", page.split("## Methods")[1].split("## Classes")[0], re.M)
    return classes, ratio, len(peers)


def ratios(page: str) -> list[float]:
    """To the first value, class by class, from the table; a class without such a value has none."""
    found = []
    for line in page.split("## Classes")[1].split("## All runs")[0].splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) < 12 or cells[1] in ("class", "---"):
            continue
        text = cells[10].split(" (")[0]
        if text != "-":
            found.append({"no peer": 0.0, "failed": float("inf")}.get(text) if not text[0].isdigit() else float(text))
    return found


def test_the_sentence_has_the_pages_numbers():
    assert said(README.read_text()) == measured(PAGE.read_text())


def test_the_pages_conclusion_is_that_of_its_table():
    page = PAGE.read_text()
    classes, ratio, _ = measured(page)
    table = sorted(ratios(page))
    assert len(table) == classes
    assert abs(table[classes // 2] - float(ratio)) <= 0.011  # cells are rounded to 0.01


@pytest.mark.parametrize(("old", "new"), [("0.34", "0.33"), ("57", "56"), ("eight", "nine")])
def test_another_number_is_seen(old, new):
    readme = (
        "In the median over 57 classes of problems it takes 0.34 of the evaluations after which the best of eight\n"
        "peers first meets the accuracy"
    )
    page = (
        "Against the peers' first value (a): **no** (median over 57 classes 0.34, worst x)\n## Methods\n"
        + "".join(f"- peer-{i}: a method.\n" for i in range(8)) + "- gone: not run, its package\n## Classes\n"
    )  # fmt: skip
    assert said(readme) == measured(page)
    assert said(readme.replace(old, new)) != measured(page)
