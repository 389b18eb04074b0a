"""Derivations in whatever detail they were stored."""

from __future__ import annotations

import pytest

from zoba_bench.report.derivations import read_derivation


def test_steps_assumptions_and_complexity(content):
    found = read_derivation("zoba", content["derivations"]["zoba"])
    assert found.title == "A theorem"
    assert found.assumptions == ("A1: mu > 0 & L < oo",)
    (step,) = found.steps
    assert (step.ok, step.statement.text, step.statement.math) == (
        True, "E X < 1", "<math><mrow><mi>X</mi></mrow></math>",
    )  # fmt: skip
    assert found.formulas[0].text == "p^3"
    assert found.formulas[1].text.startswith("1*L_xx**2*p**1")
    assert "<msup>" in found.formulas[0].math


def test_a_flat_summary_with_suffixed_keys():
    stored = {
        "order_text": "p/eps",
        "order_mathml": "<mi>p</mi>",
        "inner_text": "2*l1",
        "statement": "n = O(p)",
        "published_text": "",
        "published_mathml": "",
        "failures": "mean of Hv",
    }
    found = read_derivation("zoba", stored)
    assert [f.text for f in found.formulas] == ["p/eps", "2*l1"]
    assert found.notes == ("n = O(p)",)
    assert found.failures == "mean of Hv"


def test_a_refused_derivation(content):
    assert read_derivation("hf-zoba", content["derivations"]["hf-zoba"]).refused == "step 'mean' fails"


@pytest.mark.parametrize("stored", [None, {}, "as text", {"steps": None, "complexity": "p^3", "assumptions": "A1"}])
def test_missing_or_odd_keys_are_tolerated(stored):
    assert read_derivation("zoba", stored).solver == "zoba"
