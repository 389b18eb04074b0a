"""Suites from TOML files: the example measures what it says, and every mistake is named."""

import hashlib
import json
from pathlib import Path

import pytest

from zoba_bench.ledger import Ledger
from zoba_bench.verification.run.verify import verify
from zoba_bench.verification.suites.toml_file import read_suite

from .command import call

EXAMPLE = Path(__file__).parents[2] / "examples" / "suite.toml"

HEAD = """
name = "mine"
description = "One claim."
"""
COUNTS = """
[[claim]]
id = "P1/zoba/mine"
statement = "The counter equals the derived evaluations."
protocol = "P1"
solver = "zoba"
problem = "reference"
relation = "exact"
tolerance = 0
controls = ["P1/zoba/mine-wrong"]
[claim.parameters]
problems = [{name = "reference", p = 2, d = 2}]
options = [{l1 = 2, l2 = 1}]
stochastic_options = [{l1 = 2, l2 = 1, b1 = 1, b2 = 1}]
"""
CONTROL = (
    COUNTS.replace('mine"\n', 'mine-wrong"\n').replace('controls = ["P1/zoba/mine-wrong"]', 'origin = "control"')
    + "omit_centre = true\n"
)


@pytest.fixture(autouse=True)
def _without_derivations(monkeypatch):
    """Rendering the derivations takes longer than everything that is tested here."""
    monkeypatch.setattr("zoba_bench.verification.run.verify.derivations", lambda solvers: {})


@pytest.fixture
def written(tmp_path):
    def write(*parts):
        path = tmp_path / "mine.toml"
        path.write_text("\n".join(parts), encoding="utf-8")
        return path

    return write


def test_a_file_holds_every_field_of_a_claim(written):
    published = 'origin = "published"\nsource = "arXiv 2601.21836, abstract"\n'
    path = written(HEAD, COUNTS.replace("[claim.parameters]", published + "[claim.parameters]"), CONTROL)
    suite = read_suite(path)
    claim, control = suite.claims
    assert (suite.name, suite.description) == ("mine", "One claim.")
    assert (claim.id, claim.protocol, claim.solver, claim.problem) == ("P1/zoba/mine", "P1", "zoba", "reference")
    assert (claim.relation, claim.tolerance, claim.controls) == ("exact", 0, ("P1/zoba/mine-wrong",))
    assert (claim.origin, claim.source) == ("published", "arXiv 2601.21836, abstract")
    assert claim.parameters["options"] == [{"l1": 2, "l2": 1}]
    assert (control.origin, control.parameters["omit_centre"]) == ("control", True)


@pytest.mark.slow
def test_the_example_gives_the_verdicts_that_it_states_with_its_hash(tmp_path):
    code, output, errors = call("verify", "--suite", EXAMPLE, "--out", tmp_path, "--json")
    assert code == 0, output + errors
    found = json.loads(output)
    assert found["suite"] == "first-look"
    assert [row["verdict"] for row in found["claims"]] == ["consistent", "violated"] * 2
    digest = hashlib.sha256(EXAMPLE.read_bytes()).hexdigest()
    assert found["provenance"]["suite_sha256"] == digest
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        run = ledger.last_run()
    assert run is not None
    assert run["content"]["provenance"]["suite_sha256"] == digest
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert digest in page
    assert "first-look" in page


def test_a_file_serves_the_python_function_too(written, tmp_path):
    verdicts = verify(str(written(HEAD, COUNTS, CONTROL)), out=tmp_path / "out")
    assert [v.verdict for v in verdicts] == ["consistent", "violated"]


def test_included_suites_come_first_and_are_extended(written):
    suite = read_suite(written(HEAD, 'include = ["smoke", "quick"]', COUNTS, CONTROL))
    from zoba_bench.verification.suites.quick import quick

    assert {claim.id for claim in suite.claims} == {claim.id for claim in quick().claims} | {
        "P1/zoba/mine", "P1/zoba/mine-wrong"
    }  # fmt: skip
    assert [claim.id for claim in suite.claims[-2:]] == ["P1/zoba/mine", "P1/zoba/mine-wrong"]


def test_a_claim_may_use_a_control_of_an_included_suite(written):
    borrowed = COUNTS.replace("P1/zoba/mine-wrong", "P1/zoba/control-no-centre")
    assert read_suite(written(HEAD, 'include = ["smoke"]', borrowed)).claims[-1].controls == (
        "P1/zoba/control-no-centre",
    )


BOWL = """
import numpy as np
import zoba_bench as zb
def inner(z, x): return 0.5 * np.sum((z - x) ** 2, axis=-1)
def outer(z, x): return 0.5 * np.sum((z - 1) ** 2, axis=-1)
bowl = zb.Problem.from_functions(outer, inner, 2, 2, inner_solution=lambda x: x.copy())
"""


def test_a_problem_of_ones_own_is_sought_beside_the_file_and_its_hash_is_part_of_the_cells(written, tmp_path):
    (tmp_path / "mine.py").write_text(BOWL)
    claims = (COUNTS + CONTROL).replace('problem = "reference"', 'problem = "mine.py:bowl"')
    claims = claims.replace('{name = "reference", p = 2, d = 2}', '{name = "mine.py:bowl"}')
    path = written(HEAD, claims)
    (spec,) = read_suite(path).claims[0].parameters["problems"]
    assert spec["file_hash"] == hashlib.sha256((tmp_path / "mine.py").read_bytes()).hexdigest()
    verdicts = verify(str(path), out=tmp_path / "out")
    assert [v.verdict for v in verdicts] == ["consistent", "violated"]


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (['nmae = "mine"', HEAD, COUNTS], ["unknown key 'nmae'", "did you mean 'name'", "description, include, claim"]),
        (['name = "mine"', COUNTS], ["key 'description' is missing"]),
        (['name = "quick"\ndescription = "x"', COUNTS], ["'quick' is that of a registered suite"]),
        ([HEAD], ["nothing to measure"]),
        ([HEAD, 'include = ["quik"]', COUNTS], ["include: unknown suite 'quik'", "did you mean 'quick'"]),
        ([HEAD, 'include = "quick"'], ["include must be a list of names"]),
        ([HEAD, "claim = 3"], ["claim must be a list of tables"]),
        ([HEAD, COUNTS.replace("solver =", "solvr =")], ["'P1/zoba/mine'", "unknown key 'solvr'", "'solver'"]),
        ([HEAD, COUNTS.replace('relation = "exact"\n', "")], ["'P1/zoba/mine'", "key 'relation' is missing"]),
        ([HEAD, COUNTS.replace('id = "P1/zoba/mine"\n', "")], ["claim number 1", "key 'id' is missing"]),
        ([HEAD, COUNTS.replace('"exact"', '"equals"')], ["relation must be one of 'equal', 'at_most'", "'equals'"]),
        ([HEAD, COUNTS.replace("tolerance = 0", 'tolerance = "0"')], ["tolerance must be a finite number", "'0'"]),
        ([HEAD, COUNTS.replace("tolerance = 0", "tolerance = nan")], ["tolerance must be a finite number"]),
        ([HEAD, COUNTS.replace("tolerance = 0", 'tolerance = 0\norigin = "rumour"')], ["origin must be one of"]),
        ([HEAD, COUNTS.replace("tolerance = 0", 'tolerance = 0\norigin = "published"')], ["source is missing"]),
        ([HEAD, COUNTS.replace('["P1/zoba/mine-wrong"]', '"P1/zoba/mine-wrong"')], ["controls must be a list"]),
        ([HEAD, COUNTS], ["'P1/zoba/mine' names the control 'P1/zoba/mine-wrong', which the suite lacks"]),
        ([HEAD, COUNTS, COUNTS, CONTROL], ["two claims with id 'P1/zoba/mine'"]),
        ([HEAD, 'include = ["smoke"]', COUNTS.replace("zoba/mine", "zoba/counts")], ["included suite 'smoke' already"]),
        ([HEAD, COUNTS.replace('"P1"', '"P1x"'), CONTROL], ["unknown protocol 'P1x'", "did you mean 'P1'", "P6b"]),
        ([HEAD, COUNTS.replace('"zoba"', '"zobba"'), CONTROL], ["unknown solver 'zobba'", "did you mean 'zoba'"]),
        ([HEAD, COUNTS.replace('"reference"', '"refrence"'), CONTROL], ["unknown problem 'refrence'", "'reference'"]),
        ([HEAD, COUNTS, CONTROL.replace("omit_centre", "omit_center")], ["'omit_center'", "'omit_centre'"]),
        ([HEAD, COUNTS.replace("options = [{l1 = 2, l2 = 1}]\n", "", 1), CONTROL], ["parameter options is missing"]),
        ([HEAD, COUNTS.replace('"reference", p', '"my.py:bowl", p'), CONTROL], ["there is no file"]),
        (["name = mine"], ["cannot be read as TOML", "line 1"]),
    ],
)
def test_a_mistake_in_a_file_is_named_with_what_there_is(written, parts, words):
    path = written(*parts)
    with pytest.raises(ValueError) as refused:
        read_suite(path)
    for word in (str(path), *words):
        assert word in str(refused.value)


def test_a_file_that_is_not_there_is_an_error_that_names_the_registered_suites(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, errors = call("verify", "--suite", "none.toml")
    assert code == 2
    assert (
        "there is no suite file none.toml; the registered suites are bounds, calibration, full, quick, smoke, standard"
        in errors
    )
    assert not list(tmp_path.iterdir())
