"""Certificates of the quadratic families: everything proved, every planted error seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zoba_bench.certification.certify import certify, certify_registered
from zoba_bench.registry import load_problem

PROVED = {
    "inner stationarity",
    "strong convexity",
    "adjoint equation",
    "value",
    "hypergradient is the derivative of Psi",
    "hypergradient by the adjoint",
    "stationary minimiser",
    "minimum is the value there",
    "global minimum",
}


@pytest.mark.parametrize("name", ["quad_general", "quad_tracking", "minimax_quad"])
def test_everything_is_proved(name):
    certificate = certify_registered(name)
    assert certificate.ok, [check for check in certificate.checks if not check.ok]
    assert {check.name for check in certificate.checks if check.kind == "proved"} == PROVED


@pytest.mark.parametrize("attribute", ["inner_solution", "adjoint", "value", "hypergradient", "outer_grad_z"])
def test_a_planted_error_is_seen(attribute):
    problem = load_problem("quad_general", p=2, d=2)
    right = getattr(problem, attribute)
    wrong = replace(problem, **{attribute: lambda *at: 1.001 * right(*at)})
    failed = [check.name for check in certify(wrong).checks if not check.ok]
    assert failed


def test_a_wrong_minimiser_is_seen():
    problem = load_problem("quad_general", p=2, d=2)
    wrong = replace(problem, minimizer=problem.minimizer + np.array([1e-4, 0.0]))
    assert "minimizer" in [check.name for check in certify(wrong).checks if not check.ok]
