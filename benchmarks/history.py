"""Throughput of a few runs over the last commits that build, as a picture: every commit in turns, round after round.

    python -m benchmarks.history --commits 12 --page docs/measured/history.md

Each commit is installed, without what it depends on, into a folder of its own, and runs the cases of today in a process
of its own with the packages of this environment. A commit that does not build, or on which a case fails, is named and
left out. In turns: what the machine does in a round, it does to all of them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from .floors import Worker
from .history_page import draw, page, row, title

__all__ = ["CASES", "Commit", "commits", "install", "measured"]

#: Runs whose time is shown, by name: what a user waits for at small and at large sizes, and the arithmetic between.
CASES: dict[str, dict[str, Any]] = {
    "zoba p = d = 5, l1 = 10, R = 1": {"solver": "zoba", "size": 5, "replicates": 1, "l1": 10, "iterations": 300},
    "zoba p = d = 5, l1 = 100, R = 16": {"solver": "zoba", "size": 5, "replicates": 16, "l1": 100, "iterations": 60},
    "zoba p = d = 100, l1 = 100, R = 1": {"solver": "zoba", "size": 100, "replicates": 1, "l1": 100, "iterations": 50},
    "hf-zoba p = d = 20, l1 = 100, R = 1": {
        "solver": "hf-zoba", "size": 20, "replicates": 1, "l1": 100, "iterations": 150,
    },
}  # fmt: skip


class Commit(NamedTuple):
    """A commit: its hash in short, its date, the first line of its message."""

    name: str
    date: str
    words: str


def commits(repository: Path, number: int, every: int = 1, last: str = "HEAD") -> list[Commit]:
    """The last commits that landed on the branch itself, oldest first; one in ``every`` of them."""
    command = ["git", "-C", str(repository), "log", "--first-parent", "--format=%h%x09%cs%x09%s", last]
    command.append(f"--max-count={number * every}")
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [Commit(*line.split("\t", 2)) for line in lines[::every]][::-1]


def install(repository: Path, commit: Commit, folder: Path) -> Path | None:
    """Install a commit below a folder; what goes onto the path of Python, or None where it does not build."""
    source, target = folder / f"source-{commit.name}", folder / f"installed-{commit.name}"
    source.mkdir()
    file = folder / f"{commit.name}.tar"
    subprocess.run(["git", "-C", str(repository), "archive", f"--output={file}", commit.name], check=True)
    subprocess.run(["tar", "-x", "-f", str(file), "-C", str(source)], check=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target"]
    built = subprocess.run([*pip, str(target), str(source)], capture_output=True, text=True)
    return target if built.returncode == 0 else None


def measured(
    workers: dict[Commit, Worker], rounds: int, failed: dict[Commit, str], cases: dict[str, dict[str, Any]] = CASES
) -> dict[str, dict[Commit, float]]:
    """Iterations and replicates a CPU second, by case and commit: the most of all rounds after a first one.

    A commit on which a case fails goes into ``failed`` and out of everything.
    """
    least: dict[str, dict[Commit, float]] = {name: {} for name in cases}
    for name, case in cases.items():
        for i in range(rounds + 1):
            for commit, worker in workers.items():
                if commit in failed:
                    continue
                try:
                    seconds = worker.seconds(case, "solve")
                except (RuntimeError, OSError) as error:
                    failed[commit] = f"{name}: {error}"
                    continue
                if i:
                    least[name][commit] = min(seconds, least[name].get(commit, seconds))
    done = {name: case["iterations"] * case["replicates"] for name, case in cases.items()}
    return {
        name: {commit: done[name] / seconds for commit, seconds in found.items() if commit not in failed}
        for name, found in least.items()
    }


def main() -> None:
    """Print the table, and write the page and its picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commits", type=int, default=12)
    parser.add_argument("--every", type=int, default=1, help="of the landed commits one in so many")
    parser.add_argument("--last", default="HEAD", metavar="COMMIT", help="the newest one")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the page, and history.png into ../figures")
    asked = parser.parse_args()
    repository = Path(__file__).parents[1]
    failed: dict[Commit, str] = {}
    workers: dict[Commit, Worker] = {}
    with tempfile.TemporaryDirectory() as folder:
        for commit in commits(repository, asked.commits, asked.every, asked.last):
            installed = install(repository, commit, Path(folder))
            if installed is None:
                failed[commit] = "does not build"
            else:
                workers[commit] = Worker(sys.executable, "floor.py", path=installed)
        found = measured(workers, asked.rounds, failed)
        for worker in workers.values():
            worker.close()
    for commit, why in failed.items():
        print(f"{commit.name} ({commit.words}) is left out: {why}", file=sys.stderr)
    kept = [commit for commit in workers if commit not in failed]
    print("\n".join([title(list(found)), *(row(commit, found) for commit in kept)]))
    if asked.page:
        options = {name: getattr(asked, name) for name in ("commits", "every", "rounds", "page")}
        command = " ".join(["python -m benchmarks.history", *(f"--{name} {value}" for name, value in options.items())])
        asked.page.write_text(page(kept, found, failed, command))
        (asked.page.parent.parent / "figures" / "history.png").write_bytes(draw(kept, found))


if __name__ == "__main__":
    main()
