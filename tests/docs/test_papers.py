"""The map of the papers and the glossary: what they name exists, and they name what there is."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
import sympy as sp
from zoba_bench.theory import symbols

from zoba_bench.registry import entry, list_problems, list_solvers, list_theorems, names, theorem
from zoba_bench.verification.claim import ORIGINS, RELATIONS, VERDICTS
from zoba_bench.verification.protocols import PROTOCOLS

ROOT = Path(__file__).parents[2]
PAGES = {name: (ROOT / "docs/reference" / name).read_text(encoding="utf-8") for name in ("glossary.md", "papers.md")}
PATH = re.compile(r"([\w.-]+(?:/[\w.-]+)*\.(?:py|md)|[\w.-]+(?:/[\w.-]+)+)(?::([\w.]+))?")
STEP = re.compile(r"([a-z0-9-]+): (.+)")


@cache
def definitions(path: Path) -> frozenset[str]:
    """Functions, classes, constants, and "Class.name" of their methods and fields, by the file's syntax."""

    def within(body: list[ast.stmt], prefix: str) -> set[str]:
        found = set()
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.add(prefix + node.name)
                if isinstance(node, ast.ClassDef):
                    found |= within(node.body, f"{prefix}{node.name}.")
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            found |= {prefix + target.id for target in targets if isinstance(target, ast.Name)}
        return found

    return frozenset(within(ast.parse(path.read_text(encoding="utf-8")).body, ""))


@cache
def statements(name: str) -> frozenset[str]:
    """Names of a theorem's steps and of what it quotes."""
    found = theorem(name)
    return frozenset(item.name for item in (*found.steps, *found.quoted))


def wrong(span: str) -> str:
    """What is wrong with a text in backticks; empty if it names something that exists."""
    if span in {*list_solvers(), *list_theorems(), *list_problems(), *names("claims")} or span.startswith(
        "zoba-bench "
    ):
        return ""
    if span == "Constants":  # the class, wherever it stands in its folder
        return "" if any("Constants" in definitions(p) for p in (ROOT / "zoba_bench/problem").glob("*.py")) else span
    if step := STEP.fullmatch(span):
        name, statement = step.groups()
        if name not in list_theorems():
            return f"{span}: there is no theorem {name}"
        return "" if statement in statements(name) else f"{span}: theorem {name} has no such step"
    if not (named := PATH.fullmatch(span)):
        return f"{span}: neither a path nor a step nor a registered name"
    path, name = ROOT / named[1], named[2]
    if not path.exists():
        return f"{span}: {named[1]} does not exist"
    if name is not None and (path.suffix != ".py" or name not in definitions(path)):
        return f"{span}: {named[1]} defines no {name}"
    return ""


def spans(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", text)


def rows(heading: str) -> dict[str, list[str]]:
    """First cells of the table under a heading, and all of its cells."""
    section = PAGES["papers.md"].split(f"\n## {heading}\n")[1].partition("\n## ")[0]
    table = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    found = {cells[0].strip("`"): cells for cells in table}
    assert len(found) == len(table), f"a row of {heading!r} stands there twice"
    return found


def place(target: object) -> str:
    """The "file:name" where a class or a function is defined."""
    module = str(target.__module__)
    for mapped in ("problems", "theory"):
        module = module.removeprefix("zoba_bench.") if module.startswith(f"zoba_bench.{mapped}.") else module
    return f"{module.replace('.', '/')}.py:{target.__qualname__}"


@pytest.mark.parametrize("page", PAGES)
def test_everything_in_backticks_exists(page):
    text = PAGES[page]
    assert text.count("`") == 2 * len(spans(text)), "a backtick has no partner on its line"
    assert len(spans(text)) > 50
    found = [problem for span in spans(text) if (problem := wrong(span))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("span", "reason"),
    [
        ("theory/single_loop/zobas.py", "does not exist"),
        ("theory/single_loop", ""),
        ("theory/nowhere", "does not exist"),
        ("zobas.py", "does not exist"),
        ("zoba_bench/solvers/zoba.py:Zoba", ""),
        ("zoba_bench/solvers/zoba.py:Soba", "defines no Soba"),
        ("zoba_bench/solvers/zoba.py:Zoba.surrogates", ""),
        ("zoba_bench/solvers/zoba.py:Zoba.step_back", "defines no Zoba.step_back"),
        ("zoba_bench/solvers/zoba.py:surrogates", "defines no surrogates"),
        # Imported there, defined elsewhere.
        ("zoba_bench/solvers/zoba.py:SingleLoop", "defines no SingleLoop"),
        ("theory/__init__.py:THEOREMS", ""),
        ("docs/reference/papers.md:Zoba", "defines no Zoba"),
        ("zoba: contraction", ""),
        ("zoba: expansion", "no such step"),
        ("zobas: contraction", "there is no theorem zobas"),
        ("zobas", "neither a path"),
    ],
)
def test_a_wrong_name_is_seen(span, reason):
    found = wrong(span)
    assert reason in found
    assert bool(found) == bool(reason)


def test_every_solver_has_its_row_with_the_file_that_defines_it():
    table = rows("Every solver")
    assert sorted(table) == list_solvers()
    for name, cells in table.items():
        assert cells[2] == f"`{place(entry('solvers', name))}`"
        assert f'"{name}"' in (ROOT / cells[3].strip("`")).read_text(encoding="utf-8"), f"{cells[3]} never names {name}"


def test_every_theorem_has_its_row_with_the_file_that_defines_it():
    table = rows("Every theorem")
    assert sorted(table) == list_theorems()
    for name, cells in table.items():
        assert cells[1] == f"`{place(entry('theorems', name))}`"


def test_every_row_has_as_many_cells_as_its_table():
    heads = 0
    for line, following in zip(lines := PAGES["papers.md"].splitlines(), [*lines[1:], ""], strict=True):
        if re.fullmatch(r"\|(---\|)+", following):
            heads, columns = heads + 1, len(re.findall(r"(?<!\\)\|", line))
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) == columns, line
    assert heads > 10


def terms() -> set[str]:
    return {term.replace("\\", "") for term in re.findall(r"\*\*(.+?)\*\*", PAGES["glossary.md"])}


def test_the_glossary_has_every_symbol_of_the_theory():
    wanted = {str(value) for value in vars(symbols).values() if isinstance(value, sp.Symbol)}
    assert len(wanted) > 50
    assert wanted <= terms()


def test_the_glossary_has_every_protocol_verdict_relation_and_origin():
    assert {*PROTOCOLS, *VERDICTS, *RELATIONS, *ORIGINS} <= terms()


def test_no_term_of_the_glossary_has_two_entries():
    found = re.findall(r"^- \*\*(.+?)\*\*", PAGES["glossary.md"], flags=re.MULTILINE)
    assert sorted(found) == sorted(set(found))
