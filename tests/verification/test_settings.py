"""P14: published defaults and stated radii; what leaves every mean as it is, is seen here."""

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from zoba_bench.registry import entry, names
from zoba_bench.solvers.hf_zoba import HfZoba
from zoba_bench.solvers.pzobo import Pzobo
from zoba_bench.solvers.zo_penalty import ZoPenalty
from zoba_bench.sweep import run_cell
from zoba_bench.verification.claim import decide
from zoba_bench.verification.claims.settings import standard_claims
from zoba_bench.verification.controls import CONTROLS
from zoba_bench.verification.protocols import settings

LEVEL = 1 - 1e-5
CLAIMS = {claim.id: claim for claim in standard_claims()}


def verdict(claim, seed=0):
    made = settings.plan(claim, seed)
    found = settings.judge(claim, made, {cell.key: run_cell(cell) for cell in made.cells}, LEVEL)
    return decide(claim, found)[0], found.note


@pytest.mark.parametrize("key", CLAIMS)
def test_claims_hold_and_their_controls_do_not_for_any_seed(key):
    assert {verdict(CLAIMS[key], seed)[0] for seed in range(3)} == {CLAIMS[key].expected}


def test_every_solver_is_compared_with_what_is_published():
    assert {claim.solver for claim in CLAIMS.values()} == set(names("solvers"))
    stated = {solver for solver in names("solvers") if entry("updates", solver).radii is not None}
    assert {claim.solver for claim in CLAIMS.values() if "radius_doubled" in claim.parameters} == stated


@pytest.fixture
def planted(monkeypatch):
    """The verdict on a solver that takes the place of the right one."""

    def judged(key, wrong):
        solvers = {name: entry("solvers", name) for name in names("solvers")}
        solvers[CLAIMS[key].solver] = wrong
        monkeypatch.setattr(settings, "build_solver", lambda name, options: solvers[name](**options))
        return verdict(CLAIMS[key])

    return judged


def test_a_default_that_is_twice_the_published_one_is_refused(planted):
    @dataclass(frozen=True)
    class Wrong(HfZoba):
        h: float = 2e-3

    found, note = planted("P14/hf-zoba/settings", Wrong)
    assert (found, note) == ("violated", "22 settings compared; the default of h is 0.002, published is 0.001")


def test_an_option_that_is_not_published_is_refused(planted):
    @dataclass(frozen=True)
    class Wrong(Pzobo):
        more: int = 3

    found, note = planted("P14/pzobo/settings", Wrong)
    assert found == "violated"
    assert "the default of more is 3, published is none" in note


def _with_options(base, **changed):
    """A solver whose steps are those of other options; its fields are the right one's."""

    @dataclass(frozen=True)
    class Wrong(base):
        name: ClassVar[str] = base.name

        def step(self, state):
            return base.step(base(**{**vars(self), **{name: value(self) for name, value in changed.items()}}), state)

    return Wrong


@pytest.mark.parametrize(
    ("key", "base", "changed", "words"),
    [
        ("P14/zo-penalty/settings", ZoPenalty, {"eta": lambda own: own.h}, "apart in a coordinate of x"),
        ("P14/zo-penalty/one-radius", ZoPenalty, {"h": lambda own: own.h / 2, "eta": lambda own: own.h}, "of z, not"),
        ("P14/hf-zoba/settings", HfZoba, {"h_bar": lambda own: 2 * own.h_bar}, "no points are"),
        ("P14/hf-zoba/settings", HfZoba, {"radius_rule": lambda own: "equal"}, "apart in a coordinate of x"),
        ("P14/pzobo/settings", Pzobo, {"directions": lambda own: "gaussian"}, "apart in a coordinate of x"),
    ],
)  # fmt: skip
def test_a_radius_that_is_not_the_stated_one_is_refused(planted, key, base, changed, words):
    found, note = planted(key, _with_options(base, **changed))
    assert found == "violated"
    assert words in note


def test_a_radius_is_seen_from_a_tenth_on(planted):
    for factor, expected in ((1.15, "violated"), (1.01, "consistent")):
        wrong = _with_options(ZoPenalty, h=lambda own, factor=factor: factor * own.h)
        assert planted("P14/zo-penalty/settings", wrong)[0] == expected


def test_controls_differ_by_one_parameter():
    for claim in CLAIMS.values():
        for control in claim.controls:
            (name,) = set(CLAIMS[control].parameters) - set(claim.parameters)
            assert replace(claim, parameters={**claim.parameters, name: True}).parameters == CLAIMS[control].parameters
            assert CONTROLS.get(control) is None
