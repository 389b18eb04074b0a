"""What a user gets wrong: one line with argument, value and way out, exit code 2, and nothing is written."""

import pytest

from ..verification.command import call

SOLVER = "class Mine:\n    pass\n\n\nNUMBER = 3\n"
PROBLEM = """
import numpy as np


class Bowl:
    p, d = 2, 2

    def inner(self, z, x):
        return 0.5 * np.sum((z - x) ** 2, axis=-1)

    def outer(self, z, x):
        return 0.5 * np.sum(z ** 2, axis=-1)


def broken():
    raise RuntimeError("no data")


def stops():
    raise SystemExit(3)
"""
FILES = {
    "mine.py": SOLVER, "bowl.py": PROBLEM, "torn.py": "def f(:\n", "torn.toml": "name = \n", "list.toml": "[[claim]]\n",
    "text.sqlite": "no ledger",
}  # fmt: skip

#: Arguments, and what their one line must say: argument or kind, value, way out.
WRONG = [
    # verbs and options
    (("slove",), ["unknown command 'slove'", "did you mean 'solve'", "known: ", "verify"]),
    (("--jbos", "2"), ["unknown option '--jbos'", "--version"]),
    (("verify", "--jbos", "2"), ["unknown option '--jbos'", "did you mean '--jobs'", "--only"]),
    (("solve", "reference", "--budget", "1.5"), ["--budget", "'1.5' is no integer", "1e5"]),
    (("solve", "reference", "--budget", "1e400"), ["--budget", "'1e400' is too large"]),
    (("run", "--budget", "-1e3"), ["--budget", "-1000 is not in the range x>=1"]),
    (("verify", "--jobs"), ["--jobs", "argument", "zoba-bench verify --help"]),
    (("verify", "extra"), ["extra", "zoba-bench verify --help"]),
    (("info",), ["NAME", "zoba-bench info --help"]),
    (("info", "hf-zoba", "zoba"), ["zoba", "zoba-bench info --help"]),
    # numbers
    (("verify", "--jobs", "0"), ["--jobs", "0 ", "x>=1"]),
    (("verify", "--jobs", "two"), ["--jobs", "'two'", "integer"]),
    (("verify", "--seed", "-1"), ["--seed", "-1", "x>=0"]),
    (("verify", "--cell-timeout", "0"), ["--cell-timeout", "0", "x>0"]),
    (("verify", "--cell-timeout", "soon"), ["--cell-timeout", "'soon'"]),
    (("solve", "reference", "--p", "0"), ["p must be a positive integer", "0"]),
    (("solve", "reference", "--d", "2.5"), ["--d", "'2.5'", "integer"]),
    (("solve", "reference", "--budget", "10"), ["budget=10", "raise the budget"]),
    (("solve", "reference", "--budget", "-5"), ["budget must be a positive integer", "-5"]),
    (("solve", "reference", "--max-iterations", "0"), ["max_iterations must be a positive integer", "0"]),
    (("solve", "reference", "--replicates", "0"), ["replicates must be a positive integer", "0"]),
    (("solve", "reference", "--tolerance", "-1"), ["tolerance must be a non-negative finite number", "-1"]),
    (("self-test", "--least", "2"), ["--least", "2", "0<=x<=1"]),
    # names of every kind
    (("solve", "refrence"), ["unknown problem 'refrence'", "did you mean 'reference'", "known: ", "quad_general"]),
    (("solve", "reference", "--solver", "zobba"), ["unknown solver 'zobba'", "did you mean 'zoba'", "known: "]),
    (("verify", "--suite", "quik"), ["unknown suite 'quik'", "did you mean 'quick'", "known: ", "standard"]),
    (("verify", "--suite", "smoke", "--claim", "P1/zoba/count"), ["unknown claim", "'P1/zoba/counts'", "--list"]),
    (("verify", "--suite", "smoke", "--only", "solver=zobba"), ["unknown solver", "'zobba'", "'zoba'", "known: "]),
    (("verify", "--suite", "smoke", "--only", "protocl=P1"), ["unknown key 'protocl'", "'protocol'", "known: "]),
    (("verify", "--suite", "smoke", "--only", "protocol=P99"), ["unknown protocol", "'P99'", "known: "]),
    (("verify", "--only", "zoba"), ["--only", "'zoba'", "KEY=VALUE"]),
    (("derive", "zobas"), ["unknown theorem 'zobas'", "did you mean 'zoba'", "known: "]),
    (("derive",), ["no theorem", "--check", "zoba-tuned"]),
    (("check", "refrence"), ["unknown problem 'refrence'", "'reference'"]),
    (("info", "quad_generel"), ["unknown name 'quad_generel'", "'quad_general' (problem)", "zoba-bench list"]),
    (("info", "P99"), ["unknown name 'P99'", "protocols P0", "A6"]),
    (("info", "planed_run"), ["unknown name 'planed_run'", "'planned_run' (task)"]),
    (("info", "P1/zoba/count"), ["unknown name 'P1/zoba/count'", "'P1/zoba/counts' (claim)"]),
    (("run", "--suite", "compar"), ["unknown comparison 'compar'", "did you mean 'compare'"]),
    (("run", "--solver", "zobba"), ["unknown solver", "'zobba'", "'zoba'"]),
    (("list", "--group", "quadratik"), ["unknown group 'quadratik'", "did you mean 'quadratic'"]),
    (("list", "--assumption", "A9"), ["assumption", "'A9'", "A1"]),
    (("list", "--convexity", "flat"), ["--convexity", "'flat'", "'convex'"]),
    (("self-test", "--error", "soba/ratioo"), ["unknown planted error 'soba/ratioo'", "soba/ratio", "--list"]),
    (("self-test", "--suite", "quik", "--error", "soba/ratio"), ["unknown suite 'quik'", "'quick'"]),
    # options of solvers
    (("solve", "reference", "--set", "rho"), ["--set", "'rho'", "NAME=VALUE"]),
    (("solve", "reference", "--set", "gama=1"), ["no option 'gama'", "did you mean 'gamma'", "rho"]),
    (("solve", "reference", "--set", "rho=fast"), ["rho must be a positive finite number", "'fast'"]),
    (("solve", "reference", "--set", "schedule=cosine"), ["schedule must be one of", "'cosine'", "'constant'"]),
    # what excludes each other
    (("solve",), ["problem", "--problem file.py:name"]),
    (("solve", "reference", "--problem", "bowl.py:Bowl"), ["'reference'", "'bowl.py:Bowl'"]),
    (("verify", "--suite", "quick", "--problem", "bowl.py:Bowl"), ["--suite quick", "--problem bowl.py:Bowl"]),
    (("verify", "--solver", "zoba", "--suite", "quick"), ["--solver zoba", "--suite quick"]),
    (("verify", "--list", "--power"), ["--list", "--power"]),
    # files
    (("solve", "--problem", "absent.py:Bowl"), ["absent.py", "no file"]),
    (("solve", "--problem", "bowl.py:Bowls"), ["bowl.py", "'Bowls'", "Bowl"]),
    (("solve", "--problem", "bowl.py"), ["bowl.py", "Bowl"]),
    (("solve", "--problem", "torn.py:f"), ["torn.py", "line 1"]),
    (("solve", "--problem", "bowl.py:broken"), ["bowl.py", "broken", "no data"]),
    (("solve", "--problem", "bowl.py:stops"), ["bowl.py", "stops"]),
    (("verify", "--solver", "absent.py:Mine"), ["absent.py", "file.py:Class"]),
    (("verify", "--solver", "mine.py:Yours"), ["mine.py", "'Yours'", "Mine"]),
    (("verify", "--solver", "mine.py:NUMBER"), ["mine.py:NUMBER", "Mine"]),
    (("verify", "--solver", "mine.py:Mine"), ["mine.py:Mine", "lacks", "Add"]),
    (("verify", "--suite", "absent.toml"), ["absent.toml"]),
    (("verify", "--suite", "torn.toml"), ["torn.toml", "line 1"]),
    (("verify", "--suite", "list.toml"), ["list.toml", "name"]),
    (("report",), ["zoba-results/ledger.sqlite", "zoba-bench verify", "--out"]),
    (("report", "--out", "mine.py"), ["--out", "mine.py"]),
    (("clean", "--out", "nowhere"), ["nowhere/ledger.sqlite", "--out"]),
    # configuration
    (("config", "verfy"), ["unknown command 'verfy'", "did you mean 'verify'"]),
    (("verify", "--config", "absent.toml"), ["--config", "absent.toml"]),
    (("verify", "--config", "torn.toml"), ["torn.toml", "no TOML", "--config"]),
]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=[" ".join(arguments) or "none" for arguments, _ in WRONG])
def test_one_line_says_what_is_wrong_and_what_to_do(arguments, words, folder):
    before = sorted(path.name for path in folder.iterdir())
    code, output, errors = call(*arguments)
    assert code == 2, errors
    assert output == ""
    *progress, error = errors.splitlines()
    assert all(line.endswith(" s so far") for line in progress), errors  # of a slow machine
    assert error.startswith("zoba-bench: error: ")
    for word in words:
        assert word in error
    assert [path.name for path in sorted(folder.iterdir()) if path.name != "__pycache__"] == before


def test_there_are_enough_of_them_and_every_verb_is_among_them():
    assert len(WRONG) >= 40
    reached = {arguments[0] for arguments, _ in WRONG if arguments}
    assert {"verify", "solve", "run", "info", "list", "derive", "check", "self-test", "report", "config"} <= reached
