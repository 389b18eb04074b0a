"""What protocols take: every registered suite keeps to it, and what does not is named with what is taken."""

import importlib
from dataclasses import replace
from pathlib import Path

import pytest

from zoba_bench.registry import entry, names
from zoba_bench.verification.checking import check_claim
from zoba_bench.verification.claim import Claim
from zoba_bench.verification.parameters import COUNT, FLAG, NAME, OPTIONS, Parameters, table, tables
from zoba_bench.verification.protocols import PROTOCOLS
from zoba_bench.verification.run.looks import plan_claim
from zoba_bench.verification.solver_spec import solver_spec
from zoba_bench.verification.suites.own_problem import own_suite
from zoba_bench.verification.suites.own_solver import own_solver_suite
from zoba_bench.verification.suites.quick import quick

CLAIMS = {claim.id: claim for claim in quick().claims}
MOMENTS = CLAIMS["P2/zoba/quad_general"]


def changed(claim: Claim, without: str = "", **parameters) -> Claim:
    kept = {name: value for name, value in {**claim.parameters, **parameters}.items() if name != without}
    return replace(claim, parameters=kept)


@pytest.mark.parametrize("suite", names("claims"))
def test_every_claim_of_every_registered_suite_keeps_to_what_its_protocol_takes(suite):
    for claim in entry("claims", suite)().claims:
        check_claim(claim)


def test_claims_on_a_problem_of_ones_own_keep_to_it():
    suite, _ = own_suite({"name": "quad_general", "p": 3, "d": 2})
    for claim in suite.claims:
        check_claim(claim)


def test_every_required_parameter_is_given_by_a_registered_claim_or_one_on_the_examples_solver():
    used: dict[str, set[str]] = {protocol: set() for protocol in PROTOCOLS}
    own, _ = own_solver_suite(*solver_spec(f"{Path(__file__).parents[2]}/examples/my_solver.py:MySolver"))
    for suite in (own, *(entry("claims", name)() for name in names("claims"))):
        for claim in suite.claims:
            check_claim(claim)
            used[claim.protocol] |= set(claim.parameters)
    for protocol, module in PROTOCOLS.items():
        assert set(importlib.import_module(module).PARAMETERS.required) <= used[protocol], protocol


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        (changed(MOMENTS, node=3), ["unknown parameter 'node'", "did you mean 'nodes'", "taken are: problem, h;"]),
        (changed(MOMENTS, without="h"), ["parameter h is missing", "taken are: problem, h;"]),
        (changed(MOMENTS, without="nodes"), ["got neither", "either nodes or replicates with cells"]),
        (changed(MOMENTS, replicates=10), ["got 'nodes' and 'replicates'"]),
        (changed(changed(MOMENTS, without="nodes"), replicates=10), ["parameter cells is missing"]),
        (changed(MOMENTS, h="small"), ["h must be a positive finite number, got 'small'"]),
        (changed(MOMENTS, nodes=True), ["nodes must be a positive integer, got True"]),
        (changed(MOMENTS, problem="quad_general"), ["problem must be a problem: a table with its name"]),
        (changed(MOMENTS, problem={"name": "quad_generel"}), ["unknown problem 'quad_generel'", "'quad_general'"]),
        (
            changed(MOMENTS, problem={"name": "quad_general", "kapa": 2.0}),
            ["unknown parameter of problem 'quad_general' 'kapa'", "did you mean 'kappa'"],
        ),
        (replace(MOMENTS, problem="reference"), ["problem is 'reference', the parameters name quad_general"]),
        (replace(MOMENTS, problem="nowhere"), ["unknown problem 'nowhere'", "zoba-bench list"]),
        (replace(MOMENTS, solver="zobba"), ["unknown solver 'zobba'", "did you mean 'zoba'", "hf-zoba-shared"]),
        (replace(MOMENTS, protocol="P2x"), ["unknown protocol 'P2x'", "did you mean 'P2'", "P6b"]),
        (
            changed(CLAIMS["P6/zoba/eps/level"], points=[{"problem": {"name": "reference", "p": 2, "d": 2}}]),
            ["parameter points[0].eps is missing", "taken are: problem, eps"],
        ),
        (
            changed(CLAIMS["P6/zoba/eps/level"], points=[{"problem": {"name": "reference"}, "eps": 0.1}]),
            ["points[0].problem must be a problem with its sizes"],
        ),
        (
            changed(CLAIMS["P4b/zoba/slope"], options={"gama": 1}),
            ["options: unknown option of solver 'zoba' 'gama'", "did you mean 'gamma'"],
        ),
        (changed(CLAIMS["P4b/zoba/slope"], quantity="level"), ["one of 'slope', 'residual', 'ratio', got 'level'"]),
        (changed(CLAIMS["P4b/zoba/slope"], horizons=[]), ["horizons must be a list of positive integers, got []"]),
        (changed(CLAIMS["P4b/zoba/slope"], horizons=[8, 0]), ["horizons[1] must be a positive integer, got 0"]),
    ],
)
def test_a_claim_that_its_protocol_cannot_take_is_refused_by_name(claim, words):
    with pytest.raises(ValueError) as refused:
        check_claim(claim)
    for word in (repr(claim.id), *words):
        assert word in str(refused.value)


def test_what_only_planning_finds_names_the_claim_too():
    with pytest.raises(ValueError, match=r"claim 'P4b/zoba/slope' .*beta must be"):
        plan_claim(changed(CLAIMS["P4b/zoba/slope"], problem={"name": "reference", "beta": -1.0}), 0)


def test_tables_within_tables_are_checked_with_the_solver_that_they_name():
    parameters = Parameters({"runs": tables(Parameters({"options": OPTIONS}, {"solver": NAME}))}, {"deep": table(FEW)})
    parameters.check({"runs": [{"solver": "hf-zoba", "options": {"h_bar": 1.0}}]}, "zoba")
    with pytest.raises(ValueError, match=r"runs\[0\].options: unknown option of solver 'zoba' 'h_bar'"):
        parameters.check({"runs": [{"options": {"h_bar": 1.0}}]}, "zoba")
    with pytest.raises(ValueError, match=r"deep.flag must be true or false, got 1"):
        parameters.check({"runs": [{"options": {}}], "deep": {"flag": 1}}, "zoba")


FEW = Parameters({}, {"flag": FLAG, "n": COUNT})


def test_the_documentation_lists_what_every_protocol_takes():
    text = (Path(__file__).parents[2] / "docs" / "explanation" / "verification.md").read_text(encoding="utf-8")
    for protocol, module in PROTOCOLS.items():
        assert f"| {protocol} | {importlib.import_module(module).PARAMETERS.describe()} |" in text


def test_what_is_taken_is_said_in_words():
    assert FEW.describe() == "optionally flag, n"
    assert Parameters({}).describe() == "none"
