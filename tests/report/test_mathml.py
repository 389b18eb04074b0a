"""MathML is let through as formulas only."""

from __future__ import annotations

import pytest
import sympy as sp

from zoba_bench.report.mathml import formula


def test_what_sympy_writes_becomes_a_formula():
    p, eps = sp.symbols("p epsilon")
    math = formula(sp.mathml(sp.sqrt(p + 1) * 2 / eps**2, printer="presentation"))
    assert math.startswith("<math><mrow>")
    assert "<mfrac>" in math
    assert "ε" in math
    assert "&InvisibleTimes;" not in math


def test_a_whole_math_element_is_not_nested():
    assert formula('<math xmlns="http://www.w3.org/1998/Math/MathML"><mi>x</mi></math>').count("<math>") == 1


def test_fences_that_browsers_dropped_become_parentheses():
    assert "<mo>(</mo><mi>x</mi><mo>)</mo>" in formula("<mfenced><mi>x</mi></mfenced>")


def test_text_stays_escaped():
    assert "<mo>&lt;</mo>" in formula("<mo>&lt;</mo>")


def test_attributes_are_dropped():
    assert formula('<mi onclick="alert(1)" href="javascript:alert(1)">x</mi>') == (
        "<math><mrow><mi>x</mi></mrow></math>"
    )


@pytest.mark.parametrize(
    "source",
    [
        "",
        "<mi>x",
        "x < y",
        "<script>alert(1)</script>",
        "<mrow><mtext><img src='x'/></mtext></mrow>",
        "<!DOCTYPE a [<!ENTITY e 'e'>]><mi>&e;</mi>",
        "<semantics><mi>x</mi><annotation-xml><svg/></annotation-xml></semantics>",
    ],
)
def test_anything_else_is_refused(source):
    assert formula(source) is None
