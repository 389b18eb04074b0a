"""What is registered satisfies its contract, and what does not is named."""

from __future__ import annotations

import importlib
import inspect
from types import SimpleNamespace

import pytest

from zoba_bench import contracts
from zoba_bench.contracts import Solver, Theorem, VerificationProtocol, lacking, members, require
from zoba_bench.registry import list_solvers, list_theorems, make_solver, theorem
from zoba_bench.verification.protocols import PROTOCOLS

SINGLE_LOOP = ("zoba", "zoba-tuned", "zoba-mixed", "hf-zoba", "hf-zoba-shared", "soba")
RESTING = ("fom", "itd-bio", "stocbio", "zo-penalty")
ABILITIES = {
    "HasBound": SINGLE_LOOP, "HasOneStep": SINGLE_LOOP, "HasNoise": SINGLE_LOOP, "HasSurrogates": SINGLE_LOOP,
    "HasRunMoments": SINGLE_LOOP, "HasPointOfRest": RESTING,
}  # fmt: skip


def unlike(thing, contract) -> list[str]:
    """Methods that cannot be called as the contract says: by position, in its order, and by keyword."""
    found = []
    for name in members(contract):
        wanted = inspect.getattr_static(contract, name)
        if not inspect.isfunction(wanted):
            continue
        asked = [p for p in list(inspect.signature(wanted).parameters.values())[1:] if p.kind is not p.VAR_KEYWORD]
        signature = inspect.signature(getattr(thing, name))
        try:
            signature.bind(*(p.name for p in asked))
        except TypeError as error:
            found.append(f"{name}{signature}: {error}")
    return found


# What is registered.


@pytest.mark.parametrize("name", list_solvers())
def test_every_registered_solver_is_a_solver(name):
    solver = make_solver(name)
    assert isinstance(solver, Solver)
    assert unlike(solver, Solver) == []
    assert solver.name == name


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", list_theorems())
def test_every_registered_theorem_is_a_theorem(name):
    found = theorem(name)
    assert lacking(found, Theorem) == []
    assert unlike(found, Theorem) == []
    assert found.name == name
    for step in found.steps:
        assert lacking(step, contracts.DerivationStep) == []


@pytest.mark.slow
@pytest.mark.parametrize("ability", ABILITIES)
def test_theorems_have_the_abilities_that_claims_ask_them_for(ability):
    contract = getattr(contracts, ability)
    able = [name for name in list_theorems() if not lacking(theorem(name), contract)]
    assert able == sorted(ABILITIES[ability])
    for name in able:
        assert unlike(theorem(name), contract) == []


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_is_one(name):
    module = importlib.import_module(PROTOCOLS[name])
    assert lacking(module, VerificationProtocol) == []
    assert unlike(module, VerificationProtocol) == []
    assert lacking(module.PARAMETERS, contracts.ClaimParameters) == []


# What is not.


def test_members_of_a_contract_are_those_of_its_bases_too():
    assert {"option_names", "step", "name"} <= set(members(Solver))
    assert not [name for name in members(Solver) if name.startswith("_")]


@pytest.mark.parametrize("name", members(Solver))
def test_a_solver_without_one_member_is_refused_by_name(name):
    solver = make_solver("zoba")
    rest = {member: getattr(solver, member) for member in members(Solver) if member != name}
    assert lacking(SimpleNamespace(**rest), Solver) == [name]
    with pytest.raises(TypeError, match=f"solver 'mine' has no {name}, which the engine asks of it"):
        require("solver 'mine'", SimpleNamespace(**rest), Solver)


def test_a_method_that_cannot_be_called_is_lacking():
    rest = dict.fromkeys(members(Theorem), len)
    assert lacking(SimpleNamespace(**rest), Theorem) == []
    assert lacking(SimpleNamespace(**{**rest, "check": "done"}), Theorem) == ["check"]


def test_no_property_is_evaluated():
    class Lazy:
        @property
        def surrogates(self):
            raise AssertionError("evaluated")

    assert lacking(Lazy(), contracts.HasSurrogates) == []


def test_a_method_that_takes_other_arguments_is_seen():
    class Backwards:
        def point_of_rest(self, solver):
            return solver

    assert unlike(Backwards(), contracts.HasPointOfRest)
