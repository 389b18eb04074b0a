"""Certificates that travel: what the small checker accepts, and every number that it must refuse when it is changed."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest
import sympy as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from zoba_bench.theory.estimators.presets import PRESETS, preset_named
from zoba_bench.theory.proof.theorem import TheoremError
from zoba_bench.theory.single_loop.certificate import certificate_of, rounded_up
from zoba_bench.theory.single_loop.plan import Route, SampledRoute
from zoba_bench.theory.single_loop.run import Start
from zoba_bench.theory.single_loop.soba import SobaRoute
from zoba_bench.theory.single_loop.variance import VarianceModel
from zoba_bench.theory.symbols import SIGMA

import zoba_bench as zb
from zoba_bench import check_certificate as checker
from zoba_bench import check_count
from zoba_bench.cli.certificates import outward

START = Start(1.4, 0.25, 0.5)
#: Routes by the theorem's name; steps of the theorems themselves are checked elsewhere.
NAMES = ["soba", *(name + form for name in PRESETS for form in ("", "-samples"))]
DEFAULT = ("soba", "hf-zoba-shared", "zoba-tuned", "hf-zoba-samples")
CHOSEN = [name if name in DEFAULT else pytest.param(name, marks=pytest.mark.slow) for name in NAMES]
STANDARD = {"argparse", "collections", "fractions", "hashlib", "itertools", "json", "math", "typing"}
#: A number in a text, with its sign.
NUMBER = re.compile(r"(?<![\w.^])\d+(?:/\d+)?(?!\w)|(?<=\^)-?\d+")


def route_of(name: str):
    if name == "soba":
        return SobaRoute()
    preset, sampled = name.removesuffix("-samples"), name.endswith("-samples")
    coupling = sp.Rational(1, 8 if preset == "hf-zoba-shared" else 4)
    return (SampledRoute if sampled else Route)(VarianceModel(preset_named(preset), sampled=sampled), coupling, None)


def constants_of(name: str):
    known = zb.load_problem("reference", p=4, d=3).constants
    return replace(known, **{str(s): 0.25 for s in SIGMA}) if name.endswith("-samples") else known


@cache
def certificate(name: str) -> str:
    return certificate_of(route_of(name), constants_of(name), (4, 3), 0.125, START, {"theorem": name})


def refusal(text: str) -> str | None:
    """What the checker says against a file; None where it accepts it."""
    try:
        list(checker.checks(text))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def signed(file: dict) -> str:
    """The text of a file with the checksum that belongs to it."""
    rest = {name: part for name, part in file.items() if name != "checksum"}
    checksum = hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()
    return json.dumps({**rest, "checksum": checksum}, indent=1, sort_keys=True) + "\n"


@pytest.mark.sample(3)
@pytest.mark.parametrize("name", CHOSEN)
def test_the_small_checker_accepts_what_is_exported(name):
    text = certificate(name)
    assert refusal(text) is None
    assert check_count.same_count(text)
    file = json.loads(text)
    assert Fraction(file["derived"]["bound at most eps"]["W_0/(gamma K) + tau"]) <= Fraction(file["given"]["eps"])


@pytest.mark.slow
def test_all_of_them_are_checked_within_ten_seconds_of_work():
    """A limit on work, not on speed: the number of terms that are multiplied."""
    assert sum(len(certificate(name)) for name in NAMES) < 1_000_000
    assert [refusal(certificate(name)) for name in NAMES] == [None] * len(NAMES)


def test_it_runs_alone_from_anywhere(tmp_path):
    copy = tmp_path / "alone.py"
    copy.write_bytes(Path(checker.__file__).read_bytes())
    (tmp_path / "cert.json").write_text(certificate("soba"))
    command = [sys.executable, "-I", "-S", str(copy), "cert.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line[:5] for line in done.stdout.splitlines()] == ["ok   "] * 9
    (tmp_path / "cert.json").write_text(certificate("soba").replace('"K": "', '"K": "1'))
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.startswith("FAIL ValueError: checksum")


def test_the_checker_is_short_and_needs_python_alone():
    source = Path(checker.__file__).read_text()
    assert len(source.splitlines()) <= 250
    imported = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add((node.module or "").split(".")[0])
    assert imported <= STANDARD <= sys.stdlib_module_names
    assert "__import__" not in source
    assert not re.search(r"\d\.\d", source)  # no float is written down in it


def places(text: str) -> list[re.Match]:
    return list(NUMBER.finditer(text))


def changed(old: str, by: int, part: int) -> str:
    """Another number in place of a text: a numerator, a denominator or an exponent that is another one."""
    if "/" not in old:
        return str(int(old) + by)
    pieces = [int(piece) for piece in old.split("/")]
    pieces[part] += by
    return "/".join(map(str, pieces))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["soba", "hf-zoba-shared"]),
    st.integers(0, 10**9),
    st.sampled_from([1, 2, -1, 10]),
    st.integers(0, 1),
)
def test_a_changed_number_anywhere_is_refused(name, place, by, part):
    text = certificate(name)
    found = places(text)
    match = found[place % len(found)]
    other = text[: match.start()] + changed(match.group(), by, part) + text[match.end() :]
    assert other != text
    assert refusal(other) is not None


def leaves(part, path=()):
    """Paths of the numbers of what is given and derived."""
    if isinstance(part, dict):
        return [leaf for key in part for leaf in leaves(part[key], (*path, key))]
    if isinstance(part, list):
        return [leaf for index, each in enumerate(part) for leaf in leaves(each, (*path, index))]
    return [(path, match) for match in places(part)]


def with_change(text: str, place: int, by: int, part: int) -> tuple[str, str]:
    """A file in which one number is another one and the checksum is right again, and where that number stands."""
    file = json.loads(text)
    found = leaves({"given": file["given"], "derived": file["derived"]})
    path, match = found[place % len(found)]
    holder = file
    for key in path[:-1]:
        holder = holder[key]
    old = holder[path[-1]]
    new = changed(match.group(), by, part)
    if "/" in new and old == match.group():
        top, bottom = map(int, new.split("/"))
        new = str(Fraction(top, bottom)) if bottom else new
    holder[path[-1]] = old[: match.start()] + new + old[match.end() :]
    return signed(file), "/".join(map(str, path))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["soba", "hf-zoba-shared"]), st.integers(0, 10**9), st.sampled_from([1, -1, 10]), st.integers(0, 1)
)
def test_a_changed_number_is_refused_though_the_checksum_is_made_anew(name, place, by, part):
    other, path = with_change(certificate(name), place, by, part)
    assert refusal(other) is not None, path


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_single_number_is_refused_when_it_is_changed(name):
    text = certificate(name)
    file = json.loads(text)
    accepted = []
    for place in range(len(leaves({"given": file["given"], "derived": {}}))):
        other, path = with_change(text, place, 1, 0)
        if refusal(other) is None:
            accepted.append(path)
    assert accepted == []


def test_a_definite_matrix_of_other_constants_is_refused():
    """The matrix, its squares and the bound of a plan with smaller constants do not pass for these constants."""
    name = "hf-zoba-shared"
    smaller = replace(constants_of(name), L_Psi=1.0, k_v=0.5)
    lighter = json.loads(certificate_of(route_of(name), smaller, (4, 3), 0.125, START, {}))
    assert refusal(signed(lighter)) is None
    lighter["given"]["constants"] = json.loads(certificate(name))["given"]["constants"]
    assert "follows from what is given" in (refusal(signed(lighter)) or "")


@pytest.mark.parametrize(
    ("part", "name", "value", "words"),
    [
        ("plan", "rho", "3", "rho exceeds"),
        ("plan", "l1", "1/2", "not whole"),
        ("plan", "K", "1", "bound at most eps|not what|follows"),
        ("constants", "mu", "0", "wrong sign"),
        ("constants", "L_xx", "1", "needed are"),
        ("weights", "s", "-1", "TypeError|wrong sign"),
        ("weights", "phi_a", "0", "definite|follows"),
    ],
)
def test_what_is_out_of_range_or_of_no_use_is_refused_by_name(part, name, value, words):
    file = json.loads(certificate("hf-zoba-shared"))
    file["given"][part][name] = value
    assert re.search(words, refusal(signed(file)) or "")


def test_a_count_of_too_low_an_order_is_refused():
    file = json.loads(certificate("hf-zoba-shared"))
    file["given"]["orders"] = [{"constant": "1000000000", "order": [["1", "0", "0", "1"]], "regime": "p, d >= 1"}]
    file["derived"]["order of the count"] = ["0"]
    assert "order of the count: a coefficient is negative" in (refusal(signed(file)) or "")


def test_a_count_that_is_not_that_of_the_constants_is_seen_by_the_second_checker():
    file = json.loads(certificate("hf-zoba-shared"))
    file["given"]["count"][0][0] = str(Fraction(file["given"]["count"][0][0]) + 1)
    assert not check_count.same_count(signed(file))


def test_rounding_is_outward():
    for text in ("0.1", "0.3", "1/3", "2/3", "0.7", "1e-3", "123456789.123456789"):
        assert Fraction(outward("L_zz", text)) >= Fraction(text)
        assert Fraction(outward("mu", text)) <= Fraction(text)
        assert Fraction(outward("eps", text)) <= Fraction(text)
        assert abs(Fraction(outward("L_zz", text)) - Fraction(text)) <= Fraction(text) / 2**51
    assert outward("L_zz", "0.5") == outward("mu", "0.5") == 0.5
    assert Fraction(outward("L_zz", "0.3")) > Fraction("0.3") > Fraction(0.3)  # the nearest float is below


@given(st.fractions(min_value=0, max_denominator=10**30))
def test_roots_and_short_numbers_are_at_or_above(value):
    above = rounded_up(value)
    assert value <= above <= value * (1 + Fraction(1, 2**60))
    root = checker.root(value)
    assert value <= root**2 <= value * (1 + Fraction(1, 2**78))
    assert checker.root(value**2) == value


def test_a_formula_of_the_checker_that_is_not_derived_is_not_exported(monkeypatch):
    whole = checker.Certificate.variances

    def smaller(self, c, p, d):
        return whole(self, c, p, d) | {"Hv": [c["L_zz"] ** 2 * p]}

    monkeypatch.setattr(checker.Certificate, "variances", smaller)
    with pytest.raises(TheoremError, match="checker"):
        certificate_of(route_of("hf-zoba-shared"), constants_of("hf-zoba-shared"), (4, 3), 0.125, START, {})


def test_curved_problems_are_refused_by_name():
    constants = replace(constants_of("soba"), H=1.0)
    with pytest.raises(TheoremError, match="quadratic G"):
        certificate_of(SobaRoute(), constants, (4, 3), 0.125, START, {})
