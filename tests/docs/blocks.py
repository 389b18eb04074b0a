"""Code blocks of Markdown pages: read, sorted, and run as a reader would, page by page."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
#: What a page says, in words that a reader sees, of the block that follows and is not run.
NOT_RUN = "not run in the tests"
DRIVER = Path(__file__).with_name("run_blocks.py")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, the line where it begins, and the paragraph before it."""

    language: str
    text: str
    line: int
    before: str

    @property
    def skipped(self) -> bool:
        """Whether the page says that it is not run; what installs from a network need not say so."""
        return NOT_RUN in " ".join(self.before.lower().split()) or "pip install" in self.text

    @property
    def file(self) -> str:
        """The name of the file that the block is to be saved as: its first line is a comment with nothing else."""
        found = re.match(r"# ([\w.-]+\.(?:py|toml))\n", self.text)
        return found[1] if found else ""

    @property
    def commands(self) -> list[str]:
        """Lines of a shell block, those that end with a backslash joined with the next."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def blocks(text: str) -> list[Block]:
    """All fenced blocks of a page with a language, in order."""
    found = []
    for match in re.finditer(r"^```([\w-]+)\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE):
        head = re.sub(r"<!--.*?-->", "", text[: match.start()], flags=re.DOTALL).rstrip()
        before = "" if head.endswith("```") else head.rpartition("\n\n")[2]
        found.append(Block(match[1], match[2], text[: match.start()].count("\n") + 1, before))
    return found


def words(command: str) -> list[str]:
    """A command's words up to a comment, a pipe or a redirection."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars="|<>")
    lexer.whitespace_split, lexer.commenters = True, "#"
    found = []
    for word in lexer:
        if set(word) <= set("|<>"):
            break
        found.append(word)
    return found


def exit_code(command: str) -> int:
    """What a shell command must exit with: a comment may begin with another code than 0, as "# 1: refused" does."""
    found = re.search(r"\s#\s*(\d+):", command)
    return int(found[1]) if found else 0


def run(text: str, folder: Path) -> list[str]:
    """What the blocks of a page print that are to be run, in order; ``examples`` lies in the folder.

    Python blocks share their names, in a process whose warnings are errors. A block that names a file is saved. Every
    shell command must exit with its code.
    """
    if not (folder / "examples").exists():
        shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    tasks = []
    for block in blocks(text):
        if block.skipped or block.language not in ("python", "toml", "sh"):
            continue
        if block.file:
            tasks.append({"kind": "file", "name": block.file, "text": block.text, "line": block.line})
        elif block.language == "python":
            tasks.append({"kind": "python", "text": block.text, "line": block.line})
        elif block.language == "sh":
            commands = [{"text": command, "code": exit_code(command)} for command in block.commands]
            tasks.append({"kind": "sh", "commands": commands, "line": block.line})
    (folder / "tasks.json").write_text(json.dumps(tasks), encoding="utf-8")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [sys.executable, "-P", "-W", "error", str(DRIVER)], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PATH": path, "MPLBACKEND": "Agg", "COLUMNS": "120"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    outputs: list[str] = json.loads((folder / "outputs.json").read_text(encoding="utf-8"))
    return outputs
