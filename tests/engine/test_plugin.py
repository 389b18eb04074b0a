"""A package of one's own offers problems as the built-in catalogue does: built, installed, listed, checked, solved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "bowls"
version = "1.0"

[project.entry-points."zoba_bench.problems"]
bowls = "bowls:PROBLEMS"

[tool.setuptools]
py-modules = ["bowls"]
"""

MODULE = '''
"""One right problem, and one whose inner solution is wrong."""

import numpy as np
import zoba_bench as zb

PROBLEMS = {"bowl": "bowls:bowl", "crooked_bowl": "bowls:crooked"}


def _bowl(p, d, factor):
    def inner(z, x):
        return 0.5 * np.sum((z - x.sum(-1, keepdims=True)) ** 2, axis=-1)

    def outer(z, x):
        return 0.5 * np.sum((z - 1) ** 2, axis=-1) + 0.5 * np.sum(x**2, axis=-1)

    def solution(x):
        return factor * x.sum(-1, keepdims=True) * np.ones(p)

    return zb.Problem.from_functions(
        outer, inner, p, d, name="bowl", inner_solution=solution, constants={"mu": 1.0}, card=CARD
    )


def bowl(p=3, d=2, *, seed=0):
    return _bowl(p, d, 1.0)


def crooked(p=3, d=2, *, seed=0):
    return _bowl(p, d, 1.1)


CARD = zb.Card(
    summary="A bowl over a line.", source="nowhere", assumptions={"A1": "holds"}, quadratic_inner=True,
    psi_convexity="strongly convex", dimensions="any", group="bowls",
)
bowl.card = crooked.card = CARD
'''


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder that the package is installed into."""
    source, target = tmp_path_factory.mktemp("bowls"), tmp_path_factory.mktemp("site")
    (source / "pyproject.toml").write_text(PROJECT)
    (source / "bowls.py").write_text(MODULE)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--no-index", "--no-build-isolation", "--no-deps", "--quiet",
         "--disable-pip-version-check", "--target", str(target), str(source)],
        cwd=source, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return target


@pytest.fixture
def call(installed, tmp_path):
    """Exit code and output of the command line, in a process that sees the package."""

    def run(*arguments: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-P", "-W", "error", "-c", "from zoba_bench.cli import main; main()", *arguments],
            env={**os.environ, "PYTHONPATH": str(installed)}, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    return run


def test_its_problems_are_listed_beside_the_built_in_ones(call):
    code, output, errors = call("list", "--json", "--assumption", "A1", "--convexity", "strongly convex")
    assert code == 0, errors
    rows = {row["name"]: row for row in json.loads(output)["problems"]}
    assert {"bowl", "crooked_bowl", "quad_general"} <= set(rows)
    assert rows["bowl"]["group"] == "bowls"


def test_its_problem_is_certified(call):
    code, output, errors = call("check", "bowl")
    assert code == 0, output + errors
    assert "ok    bowl" in output


def test_its_wrong_problem_is_not(call):
    code, output, errors = call("check", "bowl", "crooked_bowl", "--jobs", "2", "--json")
    assert code == 1, output + errors
    right, wrong = json.loads(output)["problems"]
    assert (right["problem"], right["ok"], wrong["problem"]) == ("bowl", True, "crooked_bowl")
    assert next(check["name"] for check in wrong["checks"] if not check["ok"]) == "inner solution"


def test_its_problem_is_solved(call):
    code, output, errors = call("solve", "bowl", "--p", "2", "--max-iterations", "3", "--json")
    assert code == 0, output + errors
    assert len(json.loads(output)["z"][0]) == 2


def test_the_suites_of_this_project_claim_nothing_of_its_problems(call):
    code, output, errors = call("verify", "--suite", "standard", "--list", "--json")
    assert code == 0, errors
    problems = {claim["problem"] for claim in json.loads(output)["claims"] if claim["protocol"] == "P9"}
    assert "quad_general" in problems
    assert not {"bowl", "crooked_bowl"} & problems


@pytest.mark.slow
def test_its_problem_is_verified(call):
    code, output, errors = call("verify", "--problem", "bowl", "--only", "solver=hf-zoba", "--no-report", "--json")
    assert code == 0, output + errors
    claims = json.loads(output)["claims"]
    assert {claim["problem"] for claim in claims} == {"bowl"}
    assert all(claim["verdict"] == claim["expected"] for claim in claims)


@pytest.mark.parametrize("command", [("solve", "crooked_bowl"), ("verify", "--no-report", "--problem", "crooked_bowl")])
def test_its_wrong_problem_is_refused_with_the_residual(call, command):
    code, _, errors = call(*command)
    assert code == 2
    assert "'bowl' is not a minimiser of inner" in errors
    assert "(residual; at most" in errors


def test_its_card_is_shown(call):
    code, output, errors = call("info", "bowl", "--json")
    assert code == 0, errors
    content = json.loads(output)
    assert content["source"] == "nowhere"
    assert set(content["microseconds an evaluation"]) == {"inner", "outer"}
