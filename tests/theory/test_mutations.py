"""Changing any constant in any step must be seen by that step's own check."""

from __future__ import annotations

import importlib
from dataclasses import replace

import pytest
from zoba_bench.theory import THEOREMS

from .mutation import mutants

SINGLE_LOOP = ("zoba", "zoba-tuned", "zoba-mixed", "hf-zoba", "hf-zoba-shared", "soba")


@pytest.mark.parametrize("limit", [3, pytest.param(6, marks=pytest.mark.slow)])
def test_no_changed_constant_is_accepted_in_any_step_of_the_single_loop_theorems(limit):
    """So many constants of one statement, evenly spread: long statements have hundreds."""
    seen, accepted = set(), []
    for name in SINGLE_LOOP:
        module, factory = THEOREMS[name].split(":")
        for step in getattr(importlib.import_module(module), factory)().steps:
            # Theorems share steps.
            if (step.name, step.statement) in seen:
                continue
            seen.add((step.name, step.statement))
            for changed in mutants(step.statement, limit):
                if replace(step, statement=changed).check().ok:
                    accepted.append(f"{name}, {step.name}: {str(changed)[:300]}")
    assert accepted == []
    assert len(seen) > 100
