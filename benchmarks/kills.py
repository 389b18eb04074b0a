"""Does a run survive whatever ends it? It is killed at random times and started again, and must end with the same bits.

    python -m benchmarks.kills --trials 50

Each trial starts ``zoba-bench verify``, lets something happen to it, and then looks at four things: the exit code and
message, that no process is left after 5 seconds, that every stored cell has the bits of a run that nothing happened to,
and that the same command then goes on to the same cells and verdicts. What happens is, in turn: SIGKILL of the parent,
SIGKILL of a worker, SIGTERM, SIGHUP, SIGINT, a full disk, and a removed ledger. Linux alone, since processes are found
in /proc.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoba_bench.ledger import Ledger

__all__ = ["KINDS", "Outcome", "Run", "Subject", "main", "trial"]

_MARK = "MARK_OF_KILLS"
_LEFT = 5.0  # seconds after which no process may be left
_PATIENCE = 60.0  # seconds for the ledger to be there
_LEDGER = "ledger.sqlite"
#: What happens -> the exit codes with which the command may end then.
KINDS = {
    "SIGKILL of the parent": (-signal.SIGKILL,),
    "SIGKILL of a worker": (0, 2),  # 0 if it was idle
    "SIGTERM": (143,),
    "SIGHUP": (129,),
    "SIGINT": (130,),
    "full disk": (2,),
    "removed ledger": (2,),
}
_SIGNALS = {"SIGKILL of the parent": signal.SIGKILL, **{n: signal.Signals[n] for n in ("SIGTERM", "SIGHUP", "SIGINT")}}


@dataclass(frozen=True)
class Run:
    """What a finished run says and holds: verdicts as printed, results of cells by key, as text."""

    claims: str
    cells: dict[str, str]
    seconds: float = 0.0
    size: int = 0


@dataclass
class Outcome:
    """A trial: what happened when, how the command ended, cells that were kept, and what was wrong."""

    kind: str
    seconds: float
    code: int | None = None
    kept: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Subject:
    """The command that is killed: arguments of ``zoba-bench``, or of the code that stands for it."""

    arguments: tuple[str, ...]
    code: str = "from zoba_bench.cli import main; main()"

    def start(self, out: Path, **options: Any) -> subprocess.Popen[str]:
        """Start it in a process group of its own, with all of its processes marked."""
        return subprocess.Popen(
            [sys.executable, "-P", "-c", self.code, *self.arguments, "--no-report", "--json", "--out", str(out)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, _MARK: str(out)},
            start_new_session=True, **options,
        )  # fmt: skip

    def finish(self, out: Path) -> Run:
        """Let it run to its end, which must be a good one."""
        process = self.start(out)
        _wait_for(lambda: (out / _LEDGER).exists() or process.poll() is not None, time.monotonic() + _PATIENCE)
        begun = time.monotonic()
        output, errors = process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"exit code {process.returncode}: {errors.strip()}")
        size = (out / _LEDGER).stat().st_size
        return Run(json.dumps(json.loads(output)["claims"]), cells(out), time.monotonic() - begun, size)


def cells(out: Path) -> dict[str, str]:
    """Results by key, without what no seed fixes; none where there is no ledger."""
    if not (out / _LEDGER).exists() or not (out / _LEDGER).stat().st_size:
        return {}
    with Ledger(out / _LEDGER, readonly=True) as ledger:
        rows = ledger._db.execute("SELECT key, fingerprint FROM cells ORDER BY key").fetchall()
        return {key: json.dumps(ledger.find(key, mark)) for key, mark in rows}


def marked(out: Path) -> list[int]:
    """Processes of a run that are no zombies."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"{_MARK}={out}\0".encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
    return found


def trial(kind: str, subject: Subject, right: Run, dice: random.Random, folder: Path) -> Outcome:
    """Let one thing happen to a run at a random time, and see what is left of it."""
    seconds = dice.uniform(0.0, 0.9) * right.seconds
    outcome = Outcome(kind, seconds)
    with _place(kind, folder, right, dice) as (out, options):
        process = subject.start(out, **options)
        try:
            output, errors = _happen(kind, process, out, seconds, dice)
            ended = time.monotonic()
            outcome.code = process.returncode
            _wait_for(lambda: not marked(out), ended + _LEFT)
        finally:
            left = marked(out)
            for number in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
        if left:
            outcome.wrong.append(f"{len(left)} processes were left after {_LEFT:g} seconds")
        # The command may have been done before anything could happen to it.
        if outcome.code not in KINDS[kind] and not (outcome.code == 0 and json.loads(output)["claims"]):
            outcome.wrong.append(f"exit code {outcome.code}: {errors.strip()[-300:]}")
        if "Traceback" in errors:
            outcome.wrong.append(f"a traceback: {errors.strip()[-300:]}")
        found = cells(out)
        outcome.kept = len(found)
        outcome.wrong += [f"cell {key} has other bits" for key, value in found.items() if right.cells[key] != value]
        _repair(kind, out)
        try:
            again = subject.finish(out)
        except RuntimeError as error:
            outcome.wrong.append(f"started again: {error}")
        else:
            if again.cells != right.cells:
                outcome.wrong.append("started again, it has other cells")
            if again.claims != right.claims:
                outcome.wrong.append("started again, it has other verdicts")
    return outcome


def _happen(
    kind: str, process: subprocess.Popen[str], out: Path, seconds: float, dice: random.Random
) -> tuple[str, str]:  # fmt: skip
    """Wait, let it happen, and wait for the end: what was printed.

    The clock starts when the ledger is there: while Python starts and imports, signals are Python's.
    """
    if kind != "full disk":
        _wait_for(lambda: (out / _LEDGER).exists() or process.poll() is not None, time.monotonic() + _PATIENCE)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        if process.poll() is None:
            if kind in _SIGNALS:
                process.send_signal(_SIGNALS[kind])
            elif kind == "SIGKILL of a worker":
                others = [n for n in marked(out) if n != process.pid and b"processes.worker" in _command(n)]
                if others:
                    os.kill(dice.choice(others), signal.SIGKILL)
            else:
                (out / _LEDGER).unlink()
    return process.communicate()


@contextlib.contextmanager
def _place(kind: str, folder: Path, right: Run, dice: random.Random) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A folder for the run and options of its process: a small file system, or a limit of every file's size."""
    out = folder / f"trial-{dice.randrange(10**9)}"
    out.mkdir()
    if kind != "full disk":
        yield out, {}
        return
    # What the ledger needs is in its log before it is in its file.
    room = dice.randrange(40_000, max(50_000, right.size))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={room}", "zoba-bench-kills", str(out)]
    if os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0:
        try:
            yield out, {}
        finally:
            subprocess.run(["umount", str(out)], check=True)
        return
    yield out, {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))}


def _repair(kind: str, out: Path) -> None:
    """Make room again."""
    if kind == "full disk" and os.path.ismount(out):
        subprocess.run(["mount", "-o", "remount,size=1g", str(out)], check=True)


def _command(number: int) -> bytes:
    try:
        return Path(f"/proc/{number}/cmdline").read_bytes()
    except OSError:
        return b""


def _wait_for(condition: Any, until: float) -> None:
    while not condition() and time.monotonic() < until:
        time.sleep(0.05)


def main() -> int:
    """Run the trials; 0 if nothing was wrong in any of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=list(KINDS), help="this happens in every trial")
    parser.add_argument("arguments", nargs="*", help="the command [default: verify --suite smoke --jobs 2]")
    chosen = parser.parse_args()
    subject = Subject(tuple(chosen.arguments) or ("verify", "--suite", "smoke", "--jobs", "2"))
    dice = random.Random(chosen.seed)
    kinds = [chosen.only] if chosen.only else list(KINDS)
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="zoba-bench-kills-") as name:
        right = subject.finish(Path(name) / "right")
        print(f"{len(right.cells)} cells in {right.seconds:.1f} s, a ledger of {right.size / 1e6:.2f} MB", flush=True)
        for number in range(chosen.trials):
            one = trial(kinds[number % len(kinds)], subject, right, dice, Path(name))
            wrong += bool(one.wrong)
            what = "; ".join(one.wrong) or "ok"
            when = f"{number + 1:3} {one.kind:<22} at {one.seconds:5.2f} s"
            print(f"{when}: exit {one.code}, {one.kept} cells kept: {what}", flush=True)
    print(f"{chosen.trials - wrong} of {chosen.trials} trials with the same bits, the right exit code, nobody left")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
