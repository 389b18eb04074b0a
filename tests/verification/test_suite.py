"""Some claims of a suite: their controls come along, and the confidence is that of what is run."""

import json
import subprocess
import sys

import pytest

from zoba_bench.ledger import Ledger
from zoba_bench.statistics import family_level
from zoba_bench.verification.run.provenance import command
from zoba_bench.verification.run.verify import CONFIDENCE, chosen_suite, verify
from zoba_bench.verification.suite import select
from zoba_bench.verification.suites.quick import quick, smoke

from .command import call

QUICK = quick()


@pytest.fixture(autouse=True)
def _without_derivations(monkeypatch):
    """Rendering the derivations takes longer than everything that is tested here."""
    monkeypatch.setattr("zoba_bench.verification.run.verify.derivations", lambda solvers: {})


def ids(suite):
    return [claim.id for claim in suite.claims]


def test_without_a_choice_the_suite_is_what_it_was():
    assert select(QUICK) is QUICK


def test_a_claim_brings_its_controls_in_the_order_of_the_suite():
    chosen = select(QUICK, ["P6b/zoba/p=d/level", "P2/zoba/reference"])
    assert ids(chosen) == [
        "P2/zoba/reference", "P2/control:hessian-factor/reference", "P6b/zoba/p=d/level",
        "P6b/zoba/p=d/control-wrong-level", "P6b/control:hessian-factor/p=d",
    ]  # fmt: skip
    assert "Selected: 5 of its" in chosen.description
    assert chosen.provenance["selection"] == "claim P6b/zoba/p=d/level, P2/zoba/reference"


def test_a_control_can_be_chosen_by_its_id():
    assert ids(select(QUICK, ["P2/control:hessian-factor/reference"])) == ["P2/control:hessian-factor/reference"]


@pytest.mark.parametrize(
    ("only", "fits"),
    [
        ({"solver": "hf-zoba"}, lambda c: c.solver == "hf-zoba"),
        ({"protocol": ["P2b", "P6"]}, lambda c: c.protocol in ("P2b", "P6")),
        ({"problem": "diabetes_ridge", "protocol": "P2"}, lambda c: c.problem == "diabetes_ridge"),
        ({"origin": "derived", "solver": "zoba"}, lambda c: c.solver == "zoba"),
    ],
)
def test_filters_keep_the_claims_that_fit_and_their_controls(only, fits):
    chosen = select(QUICK, only=only)
    honest = [claim for claim in chosen.claims if claim.origin != "control"]
    assert honest == [claim for claim in QUICK.claims if claim.origin != "control" and fits(claim)]
    controls = {control for claim in honest for control in claim.controls}
    assert {claim.id for claim in chosen.claims if claim.origin == "control"} == controls


def test_controls_alone_are_kept_where_nothing_else_fits():
    chosen = select(QUICK, only={"solver": "control:slow-adjoint"})
    assert {claim.solver for claim in chosen.claims} == {"control:slow-adjoint"}
    assert {claim.origin for claim in select(QUICK, only={"origin": "control"}).claims} == {"control"}


def test_a_claim_on_several_problems_is_on_each_of_them():
    chosen = select(QUICK, only={"problem": "quad_tracking", "protocol": "P1"})
    assert "P1/zoba/counts" in ids(chosen)


@pytest.mark.parametrize(
    ("claims", "only", "words"),
    [
        (["P2b/zoba/p=d/residuals"], {}, ["did you mean 'P2b/zoba/p=d/residual'", "--list"]),
        (["nothing like it"], {}, ["unknown claim of suite 'quick'", "--list shows all"]),
        ([], {"solvr": "zoba"}, ["unknown key 'solvr'", "did you mean 'solver'", "problem, protocol, origin"]),
        ([], {"solver": "zobba"}, ["unknown solver in suite 'quick'", "did you mean 'zoba'", "hf-zoba-shared"]),
        (
            [],
            {"problem": "rosenbrock"},
            ["unknown problem in suite 'quick'", "known: all, ", "quad_tracking, reference"],
        ),
        (["P2/zoba/reference"], {"solver": "hf-zoba"}, ["no claim of suite 'quick' is left"]),
    ],
)
def test_a_choice_that_a_suite_does_not_have_is_named(claims, only, words):
    with pytest.raises(ValueError) as refused:
        select(QUICK, claims, only)
    for word in words:
        assert word in str(refused.value)


def test_the_confidence_is_shared_by_the_claims_that_are_run(tmp_path):
    verdicts = verify("smoke", claims=["P1/hf-zoba/counts"], out=tmp_path)
    assert [v.verdict for v in verdicts] == ["consistent", "violated"]
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        run = ledger.last_run()
    assert run is not None
    content = run["content"]
    assert content["level"] == family_level(CONFIDENCE, 2) < family_level(CONFIDENCE, len(smoke().claims))
    assert content["provenance"]["selection"] == "claim P1/hf-zoba/counts"


def test_a_selection_works_with_a_problem_of_ones_own():
    suite, _ = chosen_suite("own", "quad_tracking", only={"protocol": "P1", "solver": "zoba"})
    assert ids(suite) == ["P1/zoba/counts", "P1/zoba/control-no-centre"]


def test_the_command_selects_and_the_report_says_so(tmp_path):
    choice = ("--only", "protocol=P1", "--only", "solver=zoba", "--only", "solver=hf-zoba")
    code, output, errors = call("verify", "--suite", "smoke", *choice, "--out", tmp_path, "--json")
    assert code == 0, errors
    found = json.loads(output)
    assert [row["id"] for row in found["claims"]] == [
        "P1/zoba/counts", "P1/hf-zoba/counts", "P1/zoba/control-no-centre", "P1/zoba/columns", "P1/zoba/control-outer",
        "P1/hf-zoba/columns", "P1/hf-zoba/control-inner",
    ]  # fmt: skip
    assert found["provenance"]["selection"] == "protocol P1; solver zoba or hf-zoba"
    page = (tmp_path / "report-part" / "index.html").read_text(encoding="utf-8")
    assert "Selected: 7 of its" in page
    assert f"{100 * family_level(CONFIDENCE, 7):.6g} % for each" in page


def test_list_prints_the_claims_and_measures_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)  # a line each where nothing says how wide the terminal is
    code, output, _ = call("verify", "--suite", "smoke", "--list")
    assert code == 0
    assert [line.split()[0] for line in output.splitlines()] == ids(smoke())
    assert "The counter equals the derived evaluations of both levels, exactly." in output.splitlines()[0]
    code, output, _ = call("verify", "--claim", "P2b/zoba/p=d/level", "--list", "--json")
    assert code == 0
    content = json.loads(output)
    assert content["suite"] == "quick"
    assert [row["id"] for row in content["claims"]] == ["P2b/zoba/p=d/level", "P2b/zoba/p=d/control-wrong-level"]
    assert content["claims"][0]["statement"].startswith("E|x1 - x*|^2")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--claim", "P1/zoba/count"), "did you mean 'P1/zoba/counts'"),
        (("--only", "solver"), "KEY=VALUE"),
        (("--only", "solver=zobba"), "did you mean 'zoba'"),
        (("--only", "colour=red"), "known: solver, problem, protocol, origin"),
        (("--claim", "P1/zoba/counts", "--only", "protocol=P2"), "no claim of suite 'smoke' is left"),
    ],
)
def test_a_wrong_choice_is_exit_code_2_and_leaves_nothing(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for more in ((), ("--list",), ("--json",)):
        code, _, errors = call("verify", "--suite", "smoke", *arguments, *more)
        assert code == 2
        assert message in errors
        assert "Traceback" not in errors
    assert not list(tmp_path.iterdir())


def test_the_command_of_a_run_repeats_it(tmp_path):
    choice = {"claims": ["P1/hf-zoba/counts"], "only": {"solver": "hf-zoba"}}
    verify("smoke", seed=3, out=tmp_path, **choice)
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        content = ledger.last_run()["content"]
    said = content["provenance"]["command"]
    assert said == "zoba-bench verify --suite smoke --seed 3 --claim P1/hf-zoba/counts --only solver=hf-zoba"
    assert content["protocols"]["P1"]["tolerance"] == "None: whole numbers must agree."
    code, output, _ = call(*said.split()[1:], "--out", tmp_path, "--no-report", "--json")
    again = json.loads(output)
    assert code == 0
    assert [row["id"] for row in again["claims"]] == [row["id"] for row in content["claims"]]
    assert again["provenance"]["command"] == said


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"problem": "my file.py:problem"}, "zoba-bench verify --problem 'my file.py:problem' --seed 0"),
        ({"solver": "mine.py:Mine"}, "zoba-bench verify --solver mine.py:Mine --seed 0"),
    ],
)
def test_the_command_of_ones_own_problem_or_solver_names_it(chosen, said):
    assert command("own", 0, chosen.get("problem"), chosen.get("solver"), [], {}) == said


def test_provenance_does_not_depend_on_what_else_was_loaded():
    """A repeated run loads less; its report is written anew only if it says something new."""
    code = "from zoba_bench.verification.run.provenance import provenance; import json; print(json.dumps(provenance()))"
    said = [
        subprocess.run(
            [sys.executable, "-P", "-c", first + code], capture_output=True, text=True, check=True, timeout=120
        ).stdout
        for first in ("", "import scipy.linalg; ")
    ]
    assert said[0] == said[1]
