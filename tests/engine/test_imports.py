"""Who may import whom: no circles, the engine knows no catalogue, and the layers stand in one order."""

from __future__ import annotations

from pathlib import Path

import pytest

from .import_graph import Graph, circles, graph, modules, reachable

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {
    "zoba_bench": ROOT / "zoba_bench", "zoba_bench.problems": ROOT / "problems", "zoba_bench.theory": ROOT / "theory",
    "zoba_bench.integrations": ROOT / "integrations",
}  # fmt: skip

#: The parts of the engine from the bottom to the top. A part imports parts of lower layers only.
LAYERS = (
    {
        "about",
        "arrays",
        "check_certificate",
        "errors",
        "frames",
        "json_values",
        "memory",
        "notices",
        "papers",
        "suggestions",
        "tasks",
        "threads",
        "validation",
    },
    {"check_count", "option_kinds", "resolution"},
    # Each of these stands alone.
    {"directions", "estimators", "ledger", "machine", "problem", "processes", "result", "statistics"},
    {"oracle", "recorder"},
    {"contracts", "exactness"},
    {"solver_file"},
    {"registry", "solvers"},
    {"compiled"},
    {"driver", "sweep"},
    {"certification", "cluster", "execution"},
    {"comparison", "minimization", "timing", "verification"},
    {"advice", "final_value", "report"},
    {"api"},
    {"cli"},
)
HEIGHT = {part: height for height, layer in enumerate(LAYERS) for part in layer}

#: What the catalogue, the derivations and the adapters may import of the engine, which imports none of them.
BELOW = {
    # A family made from others finds them by name, as everybody does.
    "problems": {"arrays", "certification", "problem", "registry", "validation"},
    "integrations": {"arrays", "directions", "oracle", "problem", "registry"},
    "theory": {
        "arrays",
        "check_certificate",
        "check_count",
        "contracts",
        "errors",
        "estimators",
        "problem",
        "validation",
    },
}
#: What the report never reaches, directly or through others.
NOT_FOR_REPORTS = ("zoba_bench.theory", "zoba_bench.verification.run", "zoba_bench.execution", "zoba_bench.driver")
EDGES = graph(FOLDERS)


def part(module: str) -> str:
    """The file or folder of the package that a module stands in; empty for the package itself."""
    return [*module.split("."), ""][1]


def upward(edges: Graph) -> list[str]:
    """Imports of the engine that do not go down the layers; importing the package itself never does."""
    return [
        f"{module} -> {target}"
        for module in edges
        for target in edges[module]
        if part(module) in HEIGHT and part(target) not in (*BELOW, part(module))
        and HEIGHT.get(part(target), len(LAYERS)) >= HEIGHT[part(module)]
    ]  # fmt: skip


def known(edges: Graph) -> list[str]:
    """Imports of the catalogue or the derivations by the engine."""
    return [f"{m} -> {t}" for m in edges if part(m) not in BELOW for t in edges[m] if part(t) in BELOW]


def run_by_report(edges: Graph) -> list[str]:
    """What runs or derives something and is reached from the report."""
    reached = reachable(edges, {module for module in edges if part(module) == "report"})
    return sorted(m for m in reached if any(m == name or m.startswith(f"{name}.") for name in NOT_FOR_REPORTS))


# The package.


def test_no_module_imports_itself_through_others():
    assert circles(EDGES) == []


def test_the_engine_knows_neither_catalogue_nor_derivations():
    assert known(EDGES) == []


def test_every_part_of_the_engine_has_a_layer_and_every_layer_is_there():
    assert {part(module) for module in EDGES} - {"", *BELOW} == set(HEIGHT)


def test_a_part_imports_lower_layers_only():
    assert upward(EDGES) == []


@pytest.mark.parametrize("package", BELOW)
def test_catalogue_and_derivations_import_what_they_may(package):
    allowed = {*BELOW[package], package}
    wrong = [f"{m} -> {t}" for m in EDGES if part(m) == package for t in EDGES[m] if part(t) not in allowed]
    assert wrong == []


def test_the_report_runs_nothing_and_derives_nothing():
    assert run_by_report(EDGES) == []


def test_planted_imports_against_the_order_are_found():
    planted = {
        "zoba_bench.problem.card": {"zoba_bench.driver"},
        "zoba_bench.sweep": {"zoba_bench", "zoba_bench.about", "zoba_bench.driver"},
        "zoba_bench.ledger": {"zoba_bench.result"},
    }
    assert sorted(upward(planted)) == [
        "zoba_bench.ledger -> zoba_bench.result", "zoba_bench.problem.card -> zoba_bench.driver",
        "zoba_bench.sweep -> zoba_bench", "zoba_bench.sweep -> zoba_bench.driver",
    ]  # fmt: skip
    assert known({"zoba_bench.driver": {"zoba_bench.theory.symbols"}}) == [
        "zoba_bench.driver -> zoba_bench.theory.symbols"
    ]


def test_a_report_that_runs_something_through_others_is_found():
    planted = {"zoba_bench.report.html": {"zoba_bench.result"}, "zoba_bench.result": {"zoba_bench.verification.run.x"}}
    assert run_by_report(planted) == ["zoba_bench.verification.run.x"]


# The graph itself, on small trees.


@pytest.fixture
def tree(tmp_path):
    """Writes files by name below two mapped folders and returns the graph."""

    def write(**files: str):
        for name, text in files.items():
            path = tmp_path / (name.replace("__", "/") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        folders = {"top": tmp_path / "top", "top.side": tmp_path / "side"}
        for folder in folders.values():
            folder.mkdir(exist_ok=True)
            (folder / "__init__.py").touch()
        return graph(folders)

    return write


@pytest.mark.parametrize(
    "second",
    [
        "import top.one",
        "from top import one",
        "from top.one import name",
        "from . import one",
        "from .one import name",
        "def late():\n    from top.one import name",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from top.one import name",
    ],
)
def test_a_planted_circle_is_found(tree, second):
    edges = tree(top__one="import top.two", top__two=second, top__three="import top.one")
    assert circles(edges) == [["top.one", "top.two"]]


def test_a_circle_through_a_mapped_folder_and_a_parent_is_found(tree):
    edges = tree(top__a="from top.side.deep import low", side__deep__low="from ... import a\nfrom ..up import x",
                 side__up="")  # fmt: skip
    assert circles(edges) == [["top.a", "top.side.deep.low"]]
    assert edges["top.side.deep.low"] == {"top.a", "top.side.up"}


def test_a_tree_without_circles_has_none(tree):
    edges = tree(top__one="import top.two\nimport numpy", top__two="from top.side import x", side__x="")
    assert circles(edges) == []
    assert edges["top.one"] == {"top.two"}
    assert reachable(edges, {"top.one"}) == {"top.two", "top.side.x"}


def test_every_source_file_is_a_module():
    files = [file for folder in FOLDERS.values() for file in folder.rglob("*.py")]
    assert len(modules(FOLDERS)) == len(files) > 200
