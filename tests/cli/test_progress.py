"""What is shown on the way: bars in a terminal, lines elsewhere, nothing where it was not wanted."""

import os
import pty
import re
import subprocess
import sys
import threading
import time

import pytest

from zoba_bench.cli import progress
from zoba_bench.cli.progress import Progress

PHASES = """
import sys, time
from zoba_bench.cli.progress import Progress
with Progress(quiet="quiet" in sys.argv, kept="there") as show:
    step = show.begin("planning", "claims", total=4)
    for n in range(4):
        time.sleep(0.35)
        step(n + 1, 4, "claim")
    step = show.begin("measuring", "cells", total=10, expected={"task": (10, 4.0)}, jobs=2)
    for n in range(10):
        time.sleep(0.2)
        step(n + 1, 10, "task")
    with show.paused():
        print("printed on standard output", flush=True)
    show.begin("short")
"""


def run(*arguments, **named):
    return subprocess.run(
        [sys.executable, "-c", PHASES, *arguments], capture_output=True, text=True, check=True, **named
    )


def test_a_pipe_is_told_in_lines_from_the_first_second_on():
    done = run()
    assert done.stdout == "printed on standard output\n"
    lines = done.stderr.splitlines()
    assert re.fullmatch(r"planning: [0-4] of 4 claims, (.*/\w+, )?.* (left|so far)", lines[0])
    assert any(re.fullmatch(r"planning: 4 claims in \d+ s", line) for line in lines)
    assert any(re.fullmatch(r"measuring: \d+ of 10 cells, (.*/\w+, )?about .* left", line) for line in lines)
    assert re.fullmatch(r"measuring: 10 cells in \d+ s", lines[-1])
    assert "\x1b" not in done.stderr


def test_quiet_is_silent():
    done = run("quiet")
    assert (done.stdout, done.stderr) == ("printed on standard output\n", "")


def terminal(columns, **environment):
    """What a terminal of some width gets from the phases, and what goes to standard output beside it."""
    ours, theirs = pty.openpty()
    env = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm-256color", **environment}
    process = subprocess.Popen(
        [sys.executable, "-c", PHASES], stdout=subprocess.PIPE, stderr=theirs, env=env, stdin=subprocess.DEVNULL
    )
    os.close(theirs)
    seen = []

    def read():
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:
                return
            if not part:
                return
            seen.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    output, _ = process.communicate(timeout=60)
    reader.join(timeout=10)
    os.close(ours)
    assert process.returncode == 0
    return b"".join(seen).decode(), output.decode()


@pytest.mark.slow
@pytest.mark.parametrize("columns", [60, 80, 200])
def test_a_terminal_gets_a_bar_that_fits(columns):
    seen, output = terminal(columns)
    assert output == "printed on standard output\n"  # not drawn into the bar
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)
    frames = [frame.strip("\r\n") for frame in re.split(r"[\r\n]+", plain) if "of 10 cells" in frame]
    assert frames
    assert any("/s" in frame and "left" in frame for frame in frames)
    assert max(map(len, frames)) <= columns
    assert re.search(r"planning: 4 claims in \d+ s", plain)
    assert re.search(r"measuring: 10 cells in \d+ s", plain)


@pytest.mark.slow
def test_without_colours_there_are_none():
    seen, _ = terminal(80, NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*(3[0-9]|9[0-7]|38;)", seen)


@pytest.mark.slow
def test_a_dumb_terminal_gets_lines():
    seen, _ = terminal(80, TERM="dumb")
    assert re.search(r"planning: 4 claims in \d+ s", seen)
    assert "\x1b" not in seen


def test_a_line_comes_at_least_every_ten_seconds(monkeypatch):
    assert progress._FIRST <= 1 <= progress._EVERY <= 10
    monkeypatch.setattr(progress, "_EVERY", 0.1)
    monkeypatch.setattr(progress, "_FIRST", 0.1)
    said = []
    monkeypatch.setattr(progress, "say", lambda text: said.append(time.monotonic()))
    with Progress() as show:
        show.begin("waiting")  # nothing is told of any step
        time.sleep(0.75)
    assert len(said) >= 5


def interrupted(kept):
    """What an interruption after four of nine cells is told."""
    with Progress(quiet=True, kept=kept) as show:
        step = show.begin("measuring", "cells", total=9)
        step(4, 9, "task")
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("kept", "words"),
    [("out/ledger.sqlite", "what is finished is kept in out/ledger.sqlite"), ("", "nothing is kept")],
)
def test_an_interruption_says_how_far_it_came_and_what_is_kept(kept, words):
    with pytest.raises(KeyboardInterrupt) as caught:
        interrupted(kept)
    assert caught.value.__notes__ == [f"while measuring, 4 of 9 cells done; {words}"]


def fails():
    with Progress() as show:
        show.begin("measuring")
        raise ValueError("wrong")


def test_no_thread_is_left_behind():
    before = threading.active_count()
    with pytest.raises(ValueError, match="wrong"):
        fails()
    assert threading.active_count() == before
