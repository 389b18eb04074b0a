"""What a second process brings: whole commands with ``--jobs 1`` and ``--jobs 2``, planning and judging included.

    python -m benchmarks.speedup

Each command runs twice into an empty folder, on a machine that does nothing else, and its wall times are divided. Only
what no process can share limits the ratio: imports, reading plans, judging, and the last cell of every look.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

#: Name -> arguments of ``zoba-bench``.
COMMANDS = {
    "verify --suite quick": ("verify", "--suite", "quick", "--no-report"),
    "run --suite compare-small, 2 problems": (
        "run", "--suite", "compare-small", "--problem", "quad_general", "--problem", "reference",
    ),
}  # fmt: skip


def seconds(arguments: tuple[str, ...], jobs: int) -> float:
    """Wall time of a command in an empty folder."""
    code = "from zoba_bench.cli import main; main()"
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-P", "-c", code, *arguments, "--jobs", str(jobs), "--out", str(Path(folder) / "out")],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode not in (0, 1, 3):  # verdicts are not what is measured
            raise RuntimeError(f"exit code {done.returncode}: {done.stderr.strip()[-500:]}")
        return time.perf_counter() - begun


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", choices=list(COMMANDS))
    chosen = parser.parse_args()
    print(f"| command | 1 process, s | {chosen.jobs} processes, s | ratio |\n|---|---|---|---|")
    for name in [chosen.only] if chosen.only else list(COMMANDS):
        one, several = (seconds(COMMANDS[name], jobs) for jobs in (1, chosen.jobs))
        print(f"| `{name}` | {one:.1f} | {several:.1f} | {one / several:.2f} |", flush=True)


if __name__ == "__main__":
    main()
