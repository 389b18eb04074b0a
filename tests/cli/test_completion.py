"""What a shell that completes is told."""

import pytest

from ..verification.command import call


def complete(monkeypatch, line):
    words = line.split(" ")
    monkeypatch.setenv("_ZOBA_BENCH_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    code, output, errors = call()
    assert (code, errors) == (0, "")
    return [line.partition(",")[2] for line in output.splitlines()]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(shell, monkeypatch):
    if shell == "bash":
        monkeypatch.setattr("click.shell_completion.BashComplete._check_version", lambda self: None, raising=False)
    monkeypatch.setenv("_ZOBA_BENCH_COMPLETE", f"{shell}_source")
    code, output, errors = call()
    assert (code, errors) == (0, "")
    assert "_ZOBA_BENCH_COMPLETE" in output


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("zoba-bench ver", ["verify"]),
        ("zoba-bench verify --fail", ["--fail-fast"]),
        ("zoba-bench solve quad_g", ["quad_general"]),
        ("zoba-bench solve reference --solver hf-zoba-", ["hf-zoba-shared"]),
        ("zoba-bench verify --suite smo", ["smoke"]),
        ("zoba-bench run --suite compare-", ["compare-small"]),
        ("zoba-bench derive estim", ["estimators"]),
    ],
)
def test_names_of_every_kind_are_completed(line, words, monkeypatch):
    assert complete(monkeypatch, line) == words


def test_a_broken_configuration_does_not_disturb_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "zoba-bench.toml").write_text("jbos = 2\n")
    assert complete(monkeypatch, "zoba-bench solve quad_g") == ["quad_general"]
