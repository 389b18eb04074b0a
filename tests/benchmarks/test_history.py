"""``python -m benchmarks.history``: which commits, what does not build, and what fails on one of them."""

from __future__ import annotations

import subprocess

import pytest

from .support import module

history, history_page = module("history"), module("history_page")


@pytest.fixture
def repository(tmp_path):
    """Four commits, of which the second and third landed as one merge."""

    def git(*words):
        settings = ["-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main"]
        subprocess.run(["git", "-C", str(tmp_path), *settings, *words], check=True, capture_output=True)

    git("init")
    git("commit", "--allow-empty", "-m", "first")
    git("checkout", "-b", "side")
    git("commit", "--allow-empty", "-m", "second")
    git("checkout", "main")
    git("merge", "--no-ff", "side", "-m", "third | landed")
    git("commit", "--allow-empty", "-m", "fourth")
    return tmp_path


def test_commits_are_those_that_landed_oldest_first(repository):
    assert [c.words for c in history.commits(repository, 9)] == ["first", "third | landed", "fourth"]
    assert [c.words for c in history.commits(repository, 2)] == ["third | landed", "fourth"]
    assert [c.words for c in history.commits(repository, 2, every=2)] == ["first", "fourth"]
    assert [c.words for c in history.commits(repository, 1, last="HEAD~1")] == ["third | landed"]


@pytest.mark.slow
def test_a_commit_that_does_not_build_is_none(repository, tmp_path_factory):
    (last,) = history.commits(repository, 1)
    assert history.install(repository, last, tmp_path_factory.mktemp("built")) is None


class Planted:
    """A worker that takes so many seconds, round after round."""

    def __init__(self, *seconds):
        self.left = list(seconds)

    def seconds(self, case, what):
        found = self.left.pop(0)
        if found is None:
            raise RuntimeError("solve failed")
        return found


CASES = {"small": {"iterations": 10, "replicates": 1}, "large": {"iterations": 4, "replicates": 2}}


def test_throughput_is_of_the_fastest_round_without_the_first_and_a_failure_leaves_the_commit_out():
    good, bad = history.Commit("a1", "2026-01-01", "good | one"), history.Commit("b2", "2026-01-02", "bad")
    workers = {good: Planted(0.001, 4.0, 2.0, 9.0, 8.0, 16.0), bad: Planted(1.0, 1.0, 1.0, 1.0, None)}
    failed = {}
    found = history.measured(workers, 2, failed, CASES)
    assert found == {"small": {good: 5.0}, "large": {good: 1.0}}
    assert failed == {bad: "large: solve failed"}
    text = history_page.page([good], found, failed, "the command")
    assert "| `a1` | 2026-01-01 | 5 | 1 | good / one |" in text
    assert "- `b2` is left out: large: solve failed" in text
    assert history_page.draw([good], found).startswith(b"\x89PNG")
