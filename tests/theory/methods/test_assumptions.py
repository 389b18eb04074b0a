"""Assumptions of the other papers' methods and of SABA are consumed: without one the steps that use it fail."""

from __future__ import annotations

import importlib
from dataclasses import replace

import pytest
from zoba_bench.theory import THEOREMS
from zoba_bench.theory.proof.theorem import Assumption

NAMES = ("hozog", "pzobo", "zo-penalty", "zmdsba", "meha", "ufom", "fom", "saba")


@pytest.mark.sample(4)
@pytest.mark.parametrize("name", NAMES)
def test_without_an_assumption_the_steps_that_use_it_fail(name):
    module, _, factory = THEOREMS[name].partition(":")
    theorem = getattr(importlib.import_module(module), factory)()
    assert all(result.ok for result in theorem.results)
    assumed = [one for one in theorem.assumptions if isinstance(one, Assumption)]
    assert frozenset().union(*(one.introduces for one in assumed)) <= theorem.vocabulary
    for one in assumed:
        rest = replace(theorem, assumptions=tuple(other for other in theorem.assumptions if other is not one))
        refused = [result for result in rest.results if not result.ok]
        assert refused, one
        assert all(result.detail.startswith("no assumption of the theorem introduces") for result in refused)
