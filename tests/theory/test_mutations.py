"""Changing any constant in any step must be seen by that step's own check."""

from __future__ import annotations

import importlib
from dataclasses import replace

from zoba_bench.theory import THEOREMS

from .mutation import mutants

#: Changed constants tried in one statement, evenly spread: long statements have hundreds.
LIMIT = 6
SINGLE_LOOP = ("zoba", "zoba-tuned", "zoba-mixed", "hf-zoba", "hf-zoba-shared", "soba")


def test_no_changed_constant_is_accepted_in_any_step_of_the_single_loop_theorems():
    seen, accepted = set(), []
    for name in SINGLE_LOOP:
        module, factory = THEOREMS[name].split(":")
        for step in getattr(importlib.import_module(module), factory)().steps:
            # Theorems share steps.
            if (step.name, step.statement) in seen:
                continue
            seen.add((step.name, step.statement))
            for changed in mutants(step.statement, LIMIT):
                if replace(step, statement=changed).check().ok:
                    accepted.append(f"{name}, {step.name}: {str(changed)[:300]}")
    assert accepted == []
    assert len(seen) > 100
