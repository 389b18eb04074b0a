"""The table of estimators: its orders, its certificates, what it refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sympy as sp
from zoba_bench.theory.single_loop.estimator_table import estimators
from zoba_bench.theory.symbols import d, p

from ..mutation import mutants


@pytest.fixture(scope="module")
def theorem():
    return estimators()


def test_every_step_is_verified(theorem):
    assert [result for result in theorem.results if not result.ok] == []


def test_orders_of_one_direction(theorem):
    (table,) = theorem.tables
    orders = {row[0]: row[3] for row in table.rows}
    expected = {
        "D_z central": p,
        "D_z forward": p,
        "f_z forward": p,
        "f_x forward": d,
        "Hv second difference": p**3,
        "Cv second difference": d * (p**2 + p * d + d**2),
        "Cv second difference, tuned ratio": p * d**2,
        "Hv mixed difference": p**2,
        "Cv mixed difference": p * d,
        "Hv difference along v": p,
        "Cv difference along v": d,
    }
    assert set(orders) == set(expected)
    for name, order in expected.items():
        assert sp.expand(orders[name] - order) == 0, (name, orders[name])


def test_values_a_direction(theorem):
    rows = {row[0]: row[1:3] for row in theorem.tables[0].rows}
    assert rows["D_z central"] == (2, 2)
    assert rows["D_z forward"] == (1, 1)
    assert rows["Hv second difference"] == (2, 0)
    assert rows["Cv second difference"] == (2, 2)
    assert rows["Hv mixed difference"] == rows["Cv mixed difference"] == (3, 2)
    assert rows["Hv difference along v"] == (2, 1)


def test_a_wrong_order_is_refused(theorem):
    for step in theorem.steps:
        if not step.name.startswith("order"):
            continue
        right = step.statement.rhs
        for wrong in (right * p, right * d, right / p, right + p * d**4, *mutants(right)):
            changed = sp.Eq(step.statement.lhs, wrong, evaluate=False)
            assert not replace(step, statement=changed).check().ok, (step.name, wrong)


def test_the_table_is_rendered(theorem):
    text, markdown = theorem.render_text(), theorem.render_markdown()
    assert "order in p, d: p**3" in text
    assert "| estimator | values |" in markdown
    assert len(theorem.render()["tables"][0]["rows"]) == 11
