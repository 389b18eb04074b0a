"""Changed places of the theory's code: a sample of them is refused with a reason, and the page is about those there."""

from __future__ import annotations

from collections import Counter

import pytest
from zoba_bench.theory.proof.theorem import Assumption, Step, Theorem

from .mutants import MUTANTS
from .mutants.page import PAGE, key, rows_of, updated
from .mutants.planting import Mutant, Outcome, judged

#: Files that theorems with few steps rest on: cheap to derive again.
_QUICK = (
    *(f"methods/two_loops/{name}.py" for name in ("directional", "penalty", "response", "response_run", "two_loop")),
    "methods/truncated/coin.py",
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.file}: {mutant.words}")
def test_the_changed_text_stands_once_in_its_file(mutant):
    assert mutant.occurrences() == 1
    assert mutant.old != mutant.new


def test_no_two_mutants_are_called_the_same():
    assert [place for place, number in Counter(map(key, MUTANTS)).items() if number > 1] == []


def test_every_mutant_of_the_quick_files_is_refused_by_a_step():
    chosen = [mutant for mutant in MUTANTS if mutant.file in _QUICK]
    assert len(chosen) >= 15
    outcomes = judged(chosen, jobs=2)
    assert [outcome for outcome in outcomes if outcome.kind != "step"] == []


def test_what_is_not_wrong_is_refused_by_nothing_and_an_error_is_no_refusal():
    file, old = "methods/two_loops/response.py", "limit = -c / a\n"
    harmless = Mutant(file, old, "limit = -(c / a)\n", "the same")
    broken = Mutant(file, old, "limit = -c / a + undefined\n", "a name that is not there")
    assert [outcome.kind for outcome in judged([harmless, broken])] == ["nothing", "crash"]


def test_a_text_that_is_not_there_is_said():
    with pytest.raises(ValueError, match="must stand once"):
        judged([Mutant("methods/two_loops/response.py", "no such text", "", "nothing")])


def test_the_page_is_about_mutants_that_are_there():
    rows = set(rows_of(PAGE.read_text()))
    assert rows
    assert rows <= set(map(key, MUTANTS))


def test_the_page_counts_its_rows():
    assert updated(PAGE.read_text(), [], MUTANTS) == PAGE.read_text()


def test_a_row_that_was_run_replaces_the_old_one():
    one, two = MUTANTS[:2]
    page = updated("", [Outcome(one, "step", "zoba: plan", "", 0.0), Outcome(two, "test", "test_x", "", 0.0)], MUTANTS)
    assert "1 of 2 changed places (50.0 %) are refused by a derivation, 1 more by a test" in page
    assert f"{len(MUTANTS) - 2} more places" in page
    page = updated(page, [Outcome(one, "nothing", "", "", 0.0)], MUTANTS)
    assert rows_of(page) == {key(one): "**nothing**", key(two): "a test: test_x"}


def _theorem(assumptions):
    import sympy as sp

    L = sp.Symbol("L", positive=True)
    step = Step("bound", sp.Le(sp.Symbol("error"), L), "by smoothness", lambda statement: "proved")
    return Theorem("one", "one", "", assumptions(L), "", (step,), vocabulary=frozenset({L}))


def test_a_step_fails_without_the_assumption_that_it_uses():
    assert _theorem(lambda L: (Assumption("A1: L-smooth", L),)).results[0].ok
    (refused,) = _theorem(lambda L: ("A1: L-smooth",)).check()
    assert not refused.ok
    assert refused.detail == "no assumption of the theorem introduces L"


def test_a_proof_that_ends_in_another_error_is_a_failed_step():
    def proof(statement):
        raise KeyError("name")

    result = Step("one", 0, "", proof).check()
    assert (result.ok, result.crashed) == (False, True)
    assert result.detail == "the proof ended with KeyError: 'name'"
