"""Who imports whom, read from the sources; nothing is imported.

Imports inside functions and under TYPE_CHECKING count: a circle that only they close is a circle of thoughts.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

Graph = dict[str, set[str]]


def modules(folders: Mapping[str, Path]) -> dict[str, Path]:
    """Dotted name -> file, of every Python file below the folders, which are packages of the given names."""
    found = {}
    for package, folder in folders.items():
        for file in sorted(folder.rglob("*.py")):
            names = file.relative_to(folder).with_suffix("").parts
            found[".".join([package, *(names[:-1] if names[-1] == "__init__" else names)])] = file
    return found


def graph(folders: Mapping[str, Path]) -> Graph:
    """Module -> the modules of the same folders that it imports.

    ``from package import name`` is an import of the submodule where there is one of that name, else of the package.
    """
    files = modules(folders)
    return {
        module: {target for name in _imported(module, file) if (target := _home(name, files)) not in ("", module)}
        for module, file in files.items()
    }


def _imported(module: str, file: Path) -> Iterator[str]:
    package = module.split(".") if file.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            base = [*start, *([node.module] if node.module else [])]
            yield from (".".join([*base, alias.name]) for alias in node.names)


def _home(name: str, files: Mapping[str, Path]) -> str:
    """The module that holds a dotted name; empty for one of another package."""
    while name and name not in files:
        name = name.rpartition(".")[0]
    return name


def reachable(edges: Graph, starts: set[str]) -> set[str]:
    """Modules that are imported from the starts, directly or not; the starts too where they are."""
    found: set[str] = set()
    todo = list(starts)
    while todo:
        for target in edges.get(todo.pop(), ()):
            if target not in found:
                found.add(target)
                todo.append(target)
    return found


def circles(edges: Graph) -> list[list[str]]:
    """Sets of modules that all import one another, directly or not, each sorted."""
    reached = {module: reachable(edges, {module}) for module in edges}
    found = {tuple(sorted(m for m in reached[module] if module in reached[m])) for module in edges}
    return [list(circle) for circle in sorted(found) if circle]
