"""Random options of every solver give valid runs or errors that say what is wrong."""

from __future__ import annotations

import collections
from pathlib import Path

import pytest

import zoba_bench as zb

from . import fuzzing

_SMALL = 240


def test_random_options_give_valid_runs_or_named_errors():
    ends = collections.Counter(fuzzing.attempt(number) for number in range(_SMALL))
    assert min(ends["run"], ends["refused"]) > _SMALL / 8, ends  # or it tries nothing


def test_every_solver_is_tried():
    assert {fuzzing.draw(number)[0] for number in range(_SMALL)} == set(zb.list_solvers())


@pytest.mark.slow
def test_two_thousand_random_options_in_processes_of_their_own(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    ends, wrong = fuzzing.sweep(range(2000))
    assert not wrong, "\n\n".join(wrong[:5])
    assert ends["timeout"] < 100, ends


def test_a_wrong_run_is_seen(monkeypatch):
    """An estimate that lies, and an iterate that is not finite."""
    real = zb.solve

    def lying(*arguments, **options):
        result = real(*arguments, **options)
        result.x[0, 0] = float("nan")
        return result

    number = next(n for n in range(_SMALL) if fuzzing.attempt(n) == "run")
    monkeypatch.setattr(zb, "solve", lying, raising=False)
    with pytest.raises(AssertionError, match="x is not finite"):
        fuzzing.attempt(number)
