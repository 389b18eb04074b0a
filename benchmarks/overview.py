"""What a user waits for, before and after: commands of the README and the cost of a cell, as one table.

    python -m benchmarks.overview --before COMMIT --page docs/measured/overview.md

The earlier commit is installed into a folder of its own and runs with the packages of this environment. Both run in
turns, each command in a fresh folder, so that nothing is found again. Shown are least CPU seconds, of the command and
its workers, and least wall seconds.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from .history import commits, install

__all__ = ["COMMANDS", "Seconds", "clocked", "table"]

_ENTRY = "from zoba_bench.cli import main; raise SystemExit(main())"
_CELLS = """
import tempfile
from zoba_bench.execution import run_cells
from zoba_bench.ledger import Ledger
from zoba_bench.sweep import Cell
with tempfile.TemporaryDirectory() as folder, Ledger(folder + "/ledger.sqlite") as ledger:
    run_cells([Cell("zoba_bench.verification.cost:idle", {}, seed) for seed in range(%d)], ledger)
"""


def _command(*words: str) -> list[str]:
    return ["-c", _ENTRY, *words]


#: What Python is called with, by what it is called in the table.
COMMANDS: dict[str, list[str]] = {
    "`import zoba_bench`": ["-c", "import zoba_bench"],
    "`zoba-bench check --jobs 2`": _command("check", "--jobs", "2"),
    "`zoba-bench derive hf-zoba --check`, cold": _command("derive", "hf-zoba", "--check"),
    "`zoba-bench verify --suite smoke`": _command("verify", "--suite", "smoke", "--out", "results"),
    "`zoba-bench verify --jobs 2` (suite quick)": _command("verify", "--jobs", "2", "--out", "results"),
    "1000 cells that do nothing, in a ledger": ["-c", _CELLS % 1000],
    "the same without cells": ["-c", _CELLS % 0],
}

#: Of them, what takes minutes.
LONG = ("`zoba-bench verify --jobs 2` (suite quick)",)


class Seconds(NamedTuple):
    """Of one run."""

    cpu: float
    wall: float


def clocked(python: list[str], words: list[str], path: Path | None) -> Seconds:
    """CPU seconds, of the process and those that it started and waited for, and wall seconds.

    Raises
    ------
    RuntimeError
        With the last lines of what it said, where the exit code is not 0 or 3, inconclusive.
    """
    environment = {**os.environ, "PYTHONPATH": "" if path is None else str(path)}
    with tempfile.TemporaryDirectory() as folder:
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run([*python, *words], cwd=folder, env=environment, capture_output=True, text=True)
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 3):
        raise RuntimeError(f"{' '.join(words[-4:])} ended with {done.returncode}: {done.stderr[-500:]}")
    return Seconds(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall)


def table(found: dict[str, dict[str, Seconds]]) -> str:
    """Rows by command, columns by version, with the ratio of CPU times where there are two."""
    versions = list(next(iter(found.values())))
    heads = ["", *(f"{version}, CPU s (wall s)" for version in versions), *["before / now"] * (len(versions) == 2)]
    lines = [f"| {' | '.join(heads)} |", "|---|" + "---|" * (len(heads) - 1)]
    for name, each in found.items():
        cells = [f"{seconds.cpu:.3g} ({seconds.wall:.3g})" for seconds in each.values()]
        if len(versions) == 2:
            cells.append(f"{each[versions[0]].cpu / each[versions[1]].cpu:.2f}")
        lines.append(f"| {' | '.join([name, *cells])} |")
    return "\n".join(lines)


_PAGE = """\
# What one waits for

Least of {rounds} runs in turns: CPU seconds of the command with its workers, and wall seconds in parentheses. Nothing
is found from an earlier run. Written by (not run in the tests: it takes minutes, and times differ)

```sh
{command}
```

{table}
"""


def main() -> None:
    """Print the table, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", metavar="COMMIT", help="an earlier commit; only this version where none is given")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="without the commands that take minutes")
    parser.add_argument("--page", type=Path, metavar="FILE")
    asked = parser.parse_args()
    repository = Path(__file__).parents[1]
    chosen = {name: words for name, words in COMMANDS.items() if not (asked.quick and name in LONG)}
    with tempfile.TemporaryDirectory() as folder:
        versions: dict[str, Path] = {}
        for title, commit in (("before", asked.before), ("now", "HEAD")):
            if commit is not None:
                (landed,) = commits(repository, 1, last=commit)
                installed = install(repository, landed, Path(folder))
                if installed is None:
                    parser.error(f"{landed.name} ({landed.words}) does not build")
                versions[title] = installed
        runs: dict[str, dict[str, list[Seconds]]] = {name: {title: [] for title in versions} for name in chosen}
        for _ in range(asked.rounds):
            for name, words in chosen.items():
                for title, path in versions.items():
                    runs[name][title].append(clocked([sys.executable], words, path))
    found = {
        name: {
            title: Seconds(min(s.cpu for s in each), min(s.wall for s in each)) for title, each in by_version.items()
        }
        for name, by_version in runs.items()
    }
    print(table(found))
    if asked.page:
        words = ["python -m benchmarks.overview", *["--quick"] * asked.quick]
        words += [f"--before {asked.before}"] * bool(asked.before)
        command = " ".join([*words, f"--rounds {asked.rounds} --page {asked.page}"])
        asked.page.write_text(_PAGE.format(rounds=asked.rounds, command=command, table=table(found)))


if __name__ == "__main__":
    main()
