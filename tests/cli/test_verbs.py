"""The command line: output, exit codes, bad input, interruption."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from fractions import Fraction

import click
import pytest

from zoba_bench.cli import cli
from zoba_bench.ledger import Ledger

from ..verification.command import call


def test_list_names_every_problem_and_solver():
    code, output, _ = call("list")
    assert code == 0
    for name in ("quad_general", "diabetes_ridge", "zoba", "hf-zoba-shared"):
        assert name in output


def test_list_says_how_to_install_what_is_missing(monkeypatch):
    monkeypatch.setattr(
        "zoba_bench.registry.missing_requirements",
        lambda name: {"sklearn": "data"} if "diabetes" in name else {},
    )
    code, output, _ = call("list", "--json")
    assert code == 0
    missing = {row["name"]: row["missing"] for row in json.loads(output)["problems"]}
    assert missing["diabetes_ridge"] == 'needs pip install "zoba-bench[data]"'


@pytest.mark.parametrize("name", ["reference", "logistic_bregman", "diabetes_ridge", "hf-zoba"])
def test_info_is_strict_json(name):
    code, output, _ = call("info", name, "--json")
    assert code == 0
    assert json.loads(output, parse_constant=lambda c: pytest.fail(f"not JSON: {c}"))["name"] == name


def test_solve_prints_json_and_nothing_else():
    code, output, _ = call(
        "solve", "reference", "--solver", "hf-zoba-shared", "--max-iterations", 300, "--replicates", 2,
        "--set", "l1=8", "--set", "rho=0.3", "--json",
    )  # fmt: skip
    content = json.loads(output)
    assert code == 0
    assert content["status"] == ["max_iterations"] * 2
    assert content["n_inner"] == [300 * (4 * 8 + 2)] * 2


def test_a_corrupt_ledger_is_refused_and_kept(tmp_path):
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"not a ledger" * 1000)
    before = path.read_bytes()
    code, _, errors = call("verify", "--suite", "smoke", "--out", tmp_path)
    assert code == 2
    assert "left as it is" in errors
    assert path.read_bytes() == before


def test_an_unwritable_place_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    code, _, errors = call("verify", "--suite", "smoke", "--out", tmp_path / "file" / "below")
    assert code == 2
    assert "choose another --out" in errors


def test_a_report_without_a_ledger_is_refused(tmp_path):
    code, _, errors = call("report", "--out", tmp_path)
    assert code == 2
    assert "verify" in errors


def test_verify_prints_the_matrix_the_verdicts_and_where_the_report_is(tmp_path):
    chosen = ("--claim", "P1/zoba/counts", "--claim", "P2/zoba/diabetes_ridge", "--claim", "P2s/zoba/reference")
    of_all = tmp_path / "report" / "index.html"
    of_all.parent.mkdir()
    of_all.write_text("the report of all claims")
    code, output, errors = call("verify", "--suite", "smoke", *chosen, "--out", tmp_path)
    assert code == 0, output + errors
    assert re.match(r"(\d+) of \1 verdicts as expected \(suite smoke, seed 0\); report: ", output.splitlines()[-1])
    assert "P1/zoba/counts" in (tmp_path / "report-part" / "protocol-P1.html").read_text()
    assert of_all.read_text() == "the report of all claims"
    few = ("--only", "protocol=P1", "--only", "solver=zoba")
    code, output, _ = call("verify", "--suite", "smoke", *few, "--out", tmp_path, "--no-report", "--json")
    content = json.loads(output, parse_constant=lambda c: pytest.fail(f"not JSON: {c}"))
    assert code == 0
    assert {"claims", "suite", "seed", "provenance", "failed"} == set(content)
    assert content["failed"] == []
    assert {c["verdict"] for c in content["claims"]} == {"consistent", "violated"}


def test_derive_exports_a_certificate_and_verifies_it(tmp_path):
    path = tmp_path / "cert.json"
    assert call("derive", "soba", "--export", str(path), "--eps", "1/100", "--constant", "L_Psi=1/3")[0] == 0
    given = json.loads(path.read_text())["given"]
    assert Fraction(given["constants"]["L_Psi"]) > Fraction(1, 3)  # outward
    assert Fraction(given["eps"]) < Fraction(1, 100)
    code, output, _ = call("derive", "--verify", str(path))
    assert code == 0
    assert "ok   count from the constants" in output
    path.write_text(path.read_text().replace('"K": "', '"K": "1'))
    code, output, _ = call("derive", "--verify", str(path))
    assert (code, output.count("\n")) == (1, 1)
    assert output.startswith("FAIL ValueError: checksum")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["estimators", "--export", "cert.json"], "no certificate"),
        (["soba", "--export", "cert.json", "--constant", "L_zy=1"], "L_zz"),
        (["soba", "--export", "cert.json", "--constant", "L_zz=large"], "must be a number"),
        (["soba", "--export", "cert.json", "--constant", "H=1"], "quadratic G"),
    ],
)
def test_what_has_no_certificate_is_refused_by_name(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, errors = call("derive", *words)
    assert code == 2
    assert said in errors
    assert not (tmp_path / "cert.json").exists()


def test_a_derivation_that_ends_in_an_error_is_a_failed_one(monkeypatch):
    def broken(name):
        raise KeyError("s_z0")

    monkeypatch.setattr("zoba_bench.registry.theorem", broken)
    code, output, _ = call("derive", "hozog", "--check")
    assert code == 1
    assert "FAIL  hozog: the derivation ended with KeyError: 's_z0'" in output
    monkeypatch.undo()
    assert call("derive", "hozogg", "--check")[0] == 2


def test_derive_prints_the_steps_and_checks_them():
    code, output, _ = call("derive", "hf-zoba-shared")
    assert code == 0
    assert "Assumptions" in output
    code, output, _ = call("derive", "hf-zoba-shared", "--check")
    assert code == 0
    assert "FAIL" not in output


def test_the_version_is_printed():
    import zoba_bench

    code, output, _ = call("--version")
    assert code == 0
    assert zoba_bench.__version__ in output


SLOW = """
import signal
import sys
from zoba_bench import cli
from zoba_bench.verification.run import verify
from zoba_bench.verification.suites import quick
from zoba_bench.verification.suite import Suite

def suite():
    # Nothing is derived for these, and together their cells take many seconds.
    chosen = [c for c in quick.quick().claims if c.protocol == "P10"]
    return Suite("slow", "", tuple(chosen))

verify.entry = lambda kind, name: suite
if __name__ == "__main__":
    # A test run in the background hands an ignored SIGINT on to its children; here it is a terminal's.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    out, jobs = sys.argv[1:]
    sys.argv = ["zoba-bench", "verify", "--suite", "slow", "--out", out, "--jobs", jobs, "--no-report"]
    cli.main()
"""


@pytest.fixture
def slow_run(tmp_path):
    """A verify in a process of its own that has finished at least one cell and not all."""
    script = tmp_path / "slow.py"
    script.write_text(SLOW)

    def start(jobs):
        out = tmp_path / f"out-{jobs}"
        process = subprocess.Popen(
            [sys.executable, str(script), str(out), str(jobs)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            if _finished(out / "ledger.sqlite"):
                return process, out / "ledger.sqlite"
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)  # its processes would hold the pipes open
        output, errors = process.communicate()
        pytest.fail(f"no cell finished within a minute (exit {process.returncode}): {output} {errors}")

    return start


def _finished(path):
    if not path.exists():
        return 0
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
            count = db.execute("SELECT count(*) FROM cells").fetchone()[0]
        db.close()
    except sqlite3.OperationalError:
        return 0
    return count


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_exits_with_130_and_keeps_the_finished_cells(slow_run, jobs):
    process, path = slow_run(jobs)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    last = errors.splitlines()[-1]
    assert re.search(r"error: interrupted while measuring, \d+ of \d+ cells done; what is finished is kept in", last)
    assert f"out-{jobs}/ledger.sqlite; to go on: zoba-bench verify --suite slow --out" in last
    assert "Traceback" not in errors
    with Ledger(path) as ledger:
        assert ledger.count() >= 1


def test_sigkill_loses_only_the_cells_in_flight(slow_run):
    process, path = slow_run(1)
    before = _finished(path)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    with Ledger(path) as ledger:
        assert ledger.count() >= before >= 1


def integers(command, prefix=""):
    """Every parameter of a command and of those below it whose value is a whole number."""
    for name, below in getattr(command, "commands", {}).items():
        yield from integers(below, f"{prefix}{name} ")
    for param in command.params:
        if isinstance(param.type, click.types.IntParamType):
            yield f"{prefix}{param.name}", param


@pytest.mark.parametrize(
    ("name", "param"), list(integers(cli)), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_whole_number_may_be_written_as_a_float(name, param):
    """zb.solve took budget=1e5, the command line did not."""
    for text in ("1e5", "100000", "100000.0", "1_00000", "+1E5"):
        value = param.type.convert(text, param, None)
        assert (value, type(value)) == (100_000, int)
    for text in ("1.5", "1e-1", "nan", "inf", "many", ""):
        with pytest.raises(click.BadParameter, match="is no integer, as 100000 or 1e5"):
            param.type.convert(text, param, None)


def test_a_budget_as_a_float_is_that_budget():
    found = [call("solve", "reference", "--budget", text, "--json") for text in ("2e3", "2000")]
    assert found[0] == found[1]
    assert found[0][0] == 0
