"""The pages of docs/gallery, one for each file of examples: its text, its picture, what it prints, and its code.

``python docs/examples_pages.py --write [NAME ...]`` runs the examples and writes pages and pictures; without an
argument the names are printed. ``--check`` exits with 1 where a page does not hold the present text and code; it runs
nothing.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

__all__ = ["EXAMPLES", "output_of", "page", "printed", "shape"]

ROOT = Path(__file__).resolve().parents[1]
FOLDER = Path(__file__).parent / "gallery"
#: In the order of the gallery. Files without a picture draw none.
EXAMPLES = {
    "own_functions": True,
    "weight_decay": True,
    "my_problem": True,
    "registered_problem": True,
    "one_radius": True,
    "my_theorem": False,
    "my_solver": False,
    "my_solver_wrong": False,
    "values_only": False,
}


def output_of(name: str, folder: Path) -> str:
    """What the example prints; its picture, if it draws one, is left in the folder."""
    picture = [str(folder / f"{name}.png")] if EXAMPLES[name] else []
    done = subprocess.run(
        [sys.executable, "-P", "-W", "error", str(ROOT / "examples" / f"{name}.py"), *picture],
        capture_output=True, text=True, check=False, cwd=folder, env={**os.environ, "COLUMNS": "100"},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"examples/{name}.py: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def page(name: str, output: str) -> str:
    """The page of an example, with what it printed."""
    code = (ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8")
    title, _, text = (ast.get_docstring(ast.parse(code)) or "").partition("\n")
    parts = [
        "<!-- Written by docs/examples_pages.py: do not edit by hand. -->",
        f"# {title.rstrip('.:')}",
        _markdown(text.strip()),
        f"![{_alternative(name, title)}](../figures/examples/{name}.png)" if EXAMPLES[name] else "",
        f"```sh\npython examples/{name}.py{f' {name}.png' if EXAMPLES[name] else ''}\n```",
        f"It prints:\n\n```text\n{output.rstrip()}\n```",
        f"The file is `examples/{name}.py`:\n\n```python\n{code.rstrip()}\n```",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _markdown(text: str) -> str:
    """A docstring's paragraphs, in which stars, bars and underscores are signs and not emphasis."""
    return re.sub(r"([*_|])", r"\\\1", text)


def _alternative(name: str, title: str) -> str:
    return f"What examples/{name}.py draws: {title.rstrip('.')}"


def printed(text: str) -> str:
    """What a page says that its example prints."""
    found = re.search(r"It prints:\n\n```text\n(.*?)\n```", text, flags=re.DOTALL)
    return found[1] if found else ""


def shape(output: str) -> list[str]:
    """Lines with a mark for every number: digits, and how many numbers stand in a row, depend on the machine."""
    numbers = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?")
    return [re.sub(r"\s*#[\s#]*", " # ", numbers.sub("#", line)).strip() for line in output.strip().splitlines()]


def main() -> int:
    """Print, write or check, as the command line says."""
    chosen, names = sys.argv[1:2], sys.argv[2:] or list(EXAMPLES)
    if chosen not in ([], ["--write"], ["--check"]) or not set(names) <= set(EXAMPLES):
        print("usage: python docs/examples_pages.py [--write | --check] [NAME ...]", file=sys.stderr)
        return 2
    old = 0
    for name in names:
        path = FOLDER / f"{name}.md"
        if not chosen:
            print(name)
        elif chosen == ["--write"]:
            pictures = FOLDER.parent / "figures" / "examples"
            pictures.mkdir(exist_ok=True)
            path.write_text(page(name, output_of(name, pictures)), encoding="utf-8")
        elif not path.is_file() or page(name, printed(text := path.read_text(encoding="utf-8"))) != text:
            print(f"{path} is out of date; run: python docs/examples_pages.py --write {name}", file=sys.stderr)
            old = 1
    return old


if __name__ == "__main__":
    sys.exit(main())
