"""What `info` and `list` say of names of every kind."""

import json
import re

import pytest

from zoba_bench.cli.info.docstrings import options
from zoba_bench.problem.card import MEANING
from zoba_bench.registry import entry, list_problems, list_solvers, make_solver
from zoba_bench.verification.protocols import PROTOCOLS, load_protocol

from ..verification.command import call


def info(*arguments):
    code, output, errors = call("info", *arguments)
    assert code == 0, errors
    return output


@pytest.mark.parametrize("name", list_solvers())
def test_every_option_of_every_solver_is_explained(name):
    solver = entry("solvers", name)
    explained = options(solver)
    for option in solver.option_names():
        kind, text = explained[option]
        assert kind, option
        assert len(text) > 3, option
        assert "`" not in text


def test_a_solver_shows_its_options_with_defaults_and_words():
    output = info("hf-zoba")
    lines = " ".join(output.split())
    for option in ("h_bar = 0.001 Step along v", "rho = 0.01 Step of z and v", "normalize_h_bar = False Use h_bar /"):
        assert option in lines
    content = json.loads(info("hf-zoba", "--json"))
    assert content["options"]["rho"] == make_solver("hf-zoba").rho
    assert content["explained"]["v_radius"][1] == "Project v onto the ball of this radius."


@pytest.mark.parametrize("name", MEANING)
def test_an_assumption_says_what_it_means_and_where_it_holds(name):
    output = info(name)
    assert " ".join(MEANING[name].split()) in " ".join(output.split())
    if name not in ("A6", "A7"):  # of the method, and of what an order says
        content = json.loads(info(name, "--json"))
        assert sorted([*content["holds"], *content["elsewhere"]]) == list_problems()


def test_assumptions_name_the_constants_that_the_theorems_name():
    from zoba_bench.theory.single_loop.assumptions import ASSUMPTIONS

    stated = {text[:2]: text for text in ASSUMPTIONS}
    assert list(stated) == list(MEANING)
    for name, words in MEANING.items():
        constants = re.findall(r"\b[HLmCkR]_\w+|\bmu\b|\bsigma\b", words)
        for constant in constants:
            assert constant in stated[name], (name, constant)


def test_a_problem_shows_what_its_assumptions_mean():
    output = " ".join(info("logistic_bregman").split())
    for name in ("A1", "A2", "A3"):
        assert MEANING[name] in output


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_protocol_says_how_it_measures(name):
    protocol = load_protocol(name)
    output = " ".join(info(name).split())
    assert protocol.TITLE in output
    assert f"--only protocol={name}" in output
    assert " ".join(protocol.PARAMETERS.describe().split()) in output
    assert "`" not in output


def test_a_suite_says_which_claims_it_has():
    output = info("smoke")
    assert re.search(r"P1 .*\d+ claims, \d+ controls", output)
    assert "zoba-bench verify --suite smoke" in output
    content = json.loads(info("smoke", "--json"))
    assert sum(row["claims"] + row["controls"] for row in content["protocols"].values()) == content["claims"]


def test_a_comparison_a_theorem_a_task_and_a_claim():
    assert "zoba-bench run --suite compare-small" in info("compare-small")
    assert "zoba-bench derive estimators --check" in info("estimators")
    assert "planned_run" in info("planned_run")
    output = info("P1/zoba/counts")
    assert "zoba-bench verify --suite quick --claim P1/zoba/counts" in output
    assert "P1/zoba/control-no-centre" in output or "control" in output


def test_a_name_of_two_kinds_shows_both():
    output = info("zoba")
    assert "zoba (solver)" in output
    assert "zoba (theorem)" in output
    assert json.loads(info("zoba", "--json"))["also"][0]["kind"] == "theorem"


def test_things_in_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n\n\nclass Bowl:\n    p, d = 2, 3\n\n    def inner(self, z, x):\n"
        "        return 0.5 * np.sum(z ** 2, axis=-1)\n\n    def outer(self, z, x):\n"
        "        return 0.5 * np.sum(x ** 2, axis=-1)\n"
    )
    assert "2, 3" in info("mine.py:Bowl")


def test_the_list_names_things_of_every_kind():
    content = json.loads(call("list", "--json")[1])
    assert set(content) == {"problems", "solvers", "theorems", "suites", "protocols"}
    output = call("list")[1]
    for name in ("quick", "P6b", "hf-zoba-shared", "quad_general", "estimators"):
        assert re.search(rf"^  {name}\b", output, flags=re.MULTILINE)


def test_the_list_says_whose_rate_is_derived():
    content = json.loads(call("list", "--json")[1])
    rates = {row["name"]: row["rate"] for row in content["solvers"]}
    assert set(rates.values()) == {"derived", "derived in part", "quoted"}
    # A rate that is derived, whole or in part, is a theorem of that name.
    assert {name for name, rate in rates.items() if rate != "quoted"} == set(rates) & set(content["theorems"])
    assert "[rate derived in part]" in " ".join(call("list")[1].split())
