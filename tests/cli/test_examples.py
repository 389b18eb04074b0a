"""Every verb's help has two examples, and each of them runs."""

import re
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from zoba_bench.certification.certificate import Certificate, Check
from zoba_bench.cli import cli

from ..verification.command import call
from .small import small  # noqa: F401  (a fixture)

pytestmark = pytest.mark.slow  # each starts processes that import the library

ROOT = Path(__file__).parents[2]
_GOOD = Check("the example's", True, "computed", "nothing was")  # certificates have tests of their own


def examples(command):
    """The examples of a verb's help, as lists of words."""
    _, _, text = (command.help or "").partition("Examples:")
    return [shlex.split(line)[1:] for line in text.splitlines() if line.strip().startswith("zoba-bench ")]


EVERY = [words for command in (cli, *cli.commands.values()) for words in examples(command)]


@pytest.mark.parametrize("name", ["", *cli.commands])
def test_every_help_has_two_examples(name):
    command = cli.commands[name] if name else cli
    found = examples(command)
    assert len(found) >= 2
    assert all(not name or words[0] == name for words in found)
    shown = call(*filter(None, [name]), "--help")[1]
    assert re.search(r"Examples:\n +zoba-bench", shown)


@pytest.fixture
def folder(small, tmp_path, monkeypatch):  # noqa: F811
    """A place where the examples find what they speak of, with suites that take no time."""
    from zoba_bench.certification import catalogue
    from zoba_bench.verification.run import verify
    from zoba_bench.verification.self_test import run

    monkeypatch.chdir(tmp_path)
    (tmp_path / "zoba-bench.toml").write_text("[verify]\nreport = false\n")
    shutil.copy(ROOT / "examples" / "my_solver.py", tmp_path / "mine.py")
    monkeypatch.setattr(catalogue, "list_problems", lambda: ["two_task"])
    monkeypatch.setattr(catalogue, "certify_registered", lambda name, seed: Certificate(name, (_GOOD,)))
    real = verify.own_solver_suite
    monkeypatch.setattr(verify, "own_solver_suite", lambda *spec: _counts_alone(*real(*spec)))
    monkeypatch.setattr(verify, "select", lambda suite, claims, only: suite)  # the small suite has none of them
    monkeypatch.setattr(run, "_ORDER", ("P10",))
    return tmp_path


def _counts_alone(suite, left_out):
    kept = tuple(claim for claim in suite.claims if claim.protocol == "P1d")
    return replace(suite, claims=kept), left_out


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_an_example_runs(words, folder):
    if words[0] in ("report", "clean", "runs", "export"):
        assert call("verify", "--quiet", "--no-report")[0] == 0
    for name in ("first", "second") if words[0] in ("compare", "merge") else ():
        assert call("verify", "--quiet", "--no-report", "--out", name)[0] == 0
    code, output, errors = call(*words)
    assert code == 0, output + errors
    assert "Traceback" not in errors
    assert output
