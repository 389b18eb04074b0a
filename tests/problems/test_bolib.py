"""Items of BOLIB: the published table, the constraints that were left out, certificates, planted errors."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from zoba_bench.problems.classical import bolib

from zoba_bench.certification.against_symbols import compare_constants
from zoba_bench.certification.certify import certify
from zoba_bench.certification.closed_forms import measure
from zoba_bench.certification.optimum import optimum

from .support import sample


class Row(NamedTuple):
    """One line of the table; F and G of the whole vectors, closed forms of one coordinate."""

    size: int
    F: Callable[..., Any]
    G: Callable[..., Any]
    z: Callable[..., Any]
    v: Callable[..., Any]
    minimizer: float
    minimum: float
    published: float
    # Where the constraints that were left out put z; all of them are intervals.
    follower: Callable[..., Any] | None = None


def total(values):
    return np.sum(values, axis=-1)


TABLE = {
    "bolib_henrion_surowiec_2011": Row(
        1, lambda z, x: total(x**2), lambda z, x: total(-z * (x - z / 2)), lambda x: x, lambda x: 0 * x, 0, 0, 0
    ),
    "bolib_lampariello_sagratella_2017_ex32": Row(
        1,
        lambda z, x: total(x**2 + z**2),
        lambda z, x: total((x + z - 1) ** 2),
        lambda x: 1 - x,
        lambda x: -(1 - x),
        0.5,
        0.5,
        0.5,
    ),
    "bolib_macal_hurter_1997": Row(
        1,
        lambda z, x: total((x - 1) ** 2 + (z - 1) ** 2),
        lambda z, x: total(0.5 * z**2 + 500 * z - 50 * x * z),
        lambda x: 50 * x - 500,
        lambda x: -2 * (50 * x - 501),
        25051 / 2501,
        (22550 / 2501) ** 2 + (50 * 25051 / 2501 - 501) ** 2,
        81.327,
    ),
    "bolib_allende_still_2013": Row(
        2,
        lambda z, x: total((x - 1) ** 2) + total(z**2),
        lambda z, x: total(z**2) - 2 * total(x * z),
        lambda x: x,
        lambda x: -x,
        0.5,
        1,
        1,
        lambda x: np.clip(x, 0.5, 1.5),
    ),
    "bolib_de_silva_1978": Row(
        2,
        lambda z, x: total((x - 1) ** 2) + total(z**2) - 2,
        lambda z, x: total((z - x) ** 2),
        lambda x: x,
        lambda x: -x,
        0.5,
        -1,
        -1,
        lambda x: np.clip(x, 0.5, 1.5),
    ),
    "bolib_falk_liu_1995": Row(
        2,
        lambda z, x: total((x - 1.5) ** 2) + total(z**2) - 4.5,
        lambda z, x: total((z - x) ** 2),
        lambda x: x,
        lambda x: -x,
        0.75,
        -2.25,
        -2.1962,
        lambda x: np.clip(x, 0.5, 1.5),
    ),
    "bolib_gumus_floudas_2001_ex4": Row(
        1,
        lambda z, x: total((x - 3) ** 2 + (z - 2) ** 2),
        lambda z, x: total((z - 5) ** 2),
        lambda x: 5 + 0 * x,
        lambda x: -3 + 0 * x,
        3,
        9,
        9,
    ),
    "bolib_yezza_1996_ex41": Row(
        1,
        lambda z, x: total(0.5 * (z - 2) ** 2 + 0.5 * (z - x + 2) ** 2),
        lambda z, x: total(0.5 * z**2 - z + x),
        lambda x: 1 + 0 * x,
        lambda x: x - 2,
        3,
        0.5,
        0.5,
        lambda x: np.where(x >= 0, np.minimum(x, 1), np.nan),
    ),
}
EXACT = {"rtol": 1e-12, "atol": 1e-12}


def failed(certificate):
    return [check.name for check in certificate.checks if not check.ok]


def test_every_item_has_a_row():
    assert set(TABLE) == set(bolib.__all__)


@pytest.mark.parametrize("name", TABLE)
def test_an_item_is_that_of_the_table(name):
    row, problem = TABLE[name], getattr(bolib, name)()
    assert problem.name == name == getattr(bolib, name).__name__
    assert (problem.p, problem.d) == (row.size, row.size)
    z, x, _, _ = sample(problem, 20)
    np.testing.assert_allclose(problem.outer(z, x), row.F(z, x), **EXACT)
    np.testing.assert_allclose(problem.inner(z, x), row.G(z, x), **EXACT)
    np.testing.assert_allclose(problem.inner_solution(x), row.z(x), **EXACT)
    np.testing.assert_allclose(problem.adjoint(x), row.v(x), **EXACT)
    np.testing.assert_allclose(problem.value(x), row.F(row.z(x), x), rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(problem.minimizer, row.minimizer, rtol=1e-15)
    assert problem.minimum == pytest.approx(row.minimum, rel=1e-14)


@pytest.mark.parametrize("name", TABLE)
def test_the_published_value_is_met_except_where_it_is_improved(name):
    row, problem = TABLE[name], getattr(bolib, name)()
    if name == "bolib_falk_liu_1995":
        assert problem.minimum < row.published - 0.05
        (erratum,) = problem.card.errata
        assert "-2.1962" in erratum
        assert "-2.25" in erratum
        # The published value is that of another point.
        x = np.full(2, math.sqrt(3) / 2)
        assert problem.value(x) == pytest.approx(3 - 3 * math.sqrt(3)) == pytest.approx(row.published, abs=1e-4)
    else:
        assert problem.minimum == pytest.approx(row.published, abs=1e-3)
        assert not problem.card.errata
    assert f"{row.published:.6g}" in problem.card.source


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row.follower is not None])
def test_the_constraints_left_out_do_not_change_the_minimum(name):
    row, problem = TABLE[name], getattr(bolib, name)()
    # All items are sums over coordinates: a grid in one of them, the same in all, contains the solution.
    x = np.linspace(-5, 5, 2001)[:, None] * np.ones(row.size)
    constrained = row.F(row.follower(x), x)
    assert np.nanmin(constrained) == pytest.approx(problem.minimum, rel=1e-12)
    assert x[np.nanargmin(constrained)] == pytest.approx(problem.minimizer)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bolib_allende_still_2013", "touched"),
        ("bolib_de_silva_1978", "touched"),
        ("bolib_falk_liu_1995", "inactive"),
        ("bolib_gumus_floudas_2001_ex4", "inactive"),
        ("bolib_yezza_1996_ex41", "inactive"),
    ],
)
def test_the_certificate_says_of_constraints_whether_they_are_touched(name, words):
    problem = getattr(bolib, name)()
    (check,) = problem.extra_checks()
    assert check.ok
    assert words in check.detail
    assert words.replace("touched", "touches") in problem.card.source


@pytest.mark.parametrize("name", ["henrion_surowiec_2011", "lampariello_sagratella_2017_ex32", "macal_hurter_1997"])
def test_items_without_constraints_say_so(name):
    problem = getattr(bolib, f"bolib_{name}")()
    assert problem.extra_checks is None
    assert "unconstrained in the original" in problem.card.source


@pytest.mark.parametrize("name", TABLE)
def test_everything_is_proved(name):
    certificate = certify(getattr(bolib, name)(radius=2.0))
    assert not failed(certificate)
    proved = {check.name for check in certificate.checks if check.kind == "proved"}
    assert {"strong convexity", "adjoint equation", "hypergradient by the adjoint", "global minimum"} <= proved


@pytest.mark.parametrize("name", ["bolib_macal_hurter_1997", "bolib_de_silva_1978"])
@pytest.mark.parametrize(
    "attribute",
    ["inner_solution", "adjoint", "value", "hypergradient", "inner_grad_x", "outer_grad_z", "minimizer", "minimum"],
)
def test_a_planted_error_is_seen(name, attribute):
    problem = replace(getattr(bolib, name)(), symbolic=None)
    right = getattr(problem, attribute)

    def changed(value):
        return value + 1e-3 * (1 + np.abs(value))

    wrong = (lambda *at: changed(right(*at))) if callable(right) else changed(right)
    part = measure if callable(right) else optimum
    assert not all(check.ok for check in part(replace(problem, **{attribute: wrong}), np.random.default_rng(0)))


@pytest.mark.parametrize("name", TABLE)
def test_every_wrong_constant_is_seen(name):
    problem = getattr(bolib, name)()
    symbols = problem.symbolic()
    for constant in symbols.constants:
        constants = replace(problem.constants, **{constant: getattr(problem.constants, constant) + 1e-3})
        checks = compare_constants(replace(problem, constants=constants), symbols)
        assert [check.name for check in checks if not check.ok] == [f"constant {constant}"]


@pytest.mark.parametrize("name", TABLE)
def test_bounds_of_slopes_are_for_the_radius_or_for_a_constant_adjoint(name):
    build = getattr(bolib, name)
    constants, local = build().constants, build(radius=2.0).constants
    constant_adjoint = constants.k_v == 0
    assert (constants.R is not None) == (constants.C_z is not None) == constant_adjoint
    assert constants.C_x is None
    assert local.radius == 2.0
    assert None not in (local.R, local.C_z)
    assert ("except for C_x:" in build.card.assumptions["A3"]) == constant_adjoint


@pytest.mark.parametrize("name", TABLE)
def test_the_size_is_fixed_and_parameters_rebuild_the_problem(name):
    build, size = getattr(bolib, name), TABLE[name].size
    keywords = inspect.signature(build).parameters
    assert list(keywords) == ["p", "d", "seed", "radius"]
    problem = build(size, size, seed=3, radius=1.0)
    assert problem.parameters == {"seed": 3, "radius": 1.0}
    assert build(size, size, **problem.parameters).constants == problem.constants
    assert not build.card.scalable
    assert build.__doc__.startswith(build.card.summary)
    for bad, message in [
        ({"p": 3}, f"p must be {size}, .* got 3; leave it out"),
        ({"d": 5}, f"d must be {size}, .* got 5; leave it out"),
        ({"d": True}, "d must be .* got True"),
        ({"seed": -1}, "seed must be .* got -1"),
        ({"radius": 0}, "radius must be .* got 0; leave it None"),
    ]:
        with pytest.raises(ValueError, match=message):
            build(**bad)
