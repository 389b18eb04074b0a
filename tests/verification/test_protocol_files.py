"""A protocol is described in one place, its file: tables, ledger, report and documentation take it from there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import zoba_bench
from zoba_bench.ledger import Ledger
from zoba_bench.report.figures import draw_summary
from zoba_bench.report.pages import pages
from zoba_bench.verification.claim import Claim
from zoba_bench.verification.parameters import Parameters
from zoba_bench.verification.protocols import PROTOCOLS, load_protocol, titles
from zoba_bench.verification.run.verify import verify
from zoba_bench.verification.suite import Suite

ENGINE = Path(zoba_bench.__file__).parent
DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_protocols_file_says_what_it_is_and_what_it_takes(name):
    protocol = load_protocol(name)
    assert protocol.__doc__.startswith(f"{name}: ")
    assert protocol.TITLE.strip()
    # What the report says of every claim of it, once.
    assert protocol.TOLERANCE.endswith(".")
    assert protocol.LEAVES_OPEN.endswith(".")
    assert isinstance(protocol.PARAMETERS, Parameters)
    # What each parameter means; one that is required is not left out.
    for parameter in protocol.PARAMETERS.required:
        assert f'"{parameter}"' in protocol.plan.__doc__, parameter


def test_no_two_protocols_share_a_title_or_a_file():
    assert len(set(titles(PROTOCOLS).values())) == len(set(PROTOCOLS.values())) == len(PROTOCOLS)


def test_a_name_that_is_no_protocol_has_no_title():
    assert titles(["P1", "P2x"]) == {"P1": "evaluation counts"}


def test_neither_run_nor_report_nor_command_line_knows_a_protocol_by_name():
    files = [
        *ENGINE.glob("verification/run/*.py"),
        *ENGINE.glob("report/*.py"),
        *ENGINE.glob("cli/*.py"),
    ]
    sources = {file: file.read_text(encoding="utf-8") for file in files if file.suffix == ".py"}
    assert len(sources) > 10
    quoted = re.compile(f"[\"'](?:[a-z]+-)?(?:{'|'.join(PROTOCOLS)})[\"']")
    assert {file.name: quoted.findall(source) for file, source in sources.items() if quoted.search(source)} == {}


# The documentation.


def tables(*arguments, docs=DOCS):
    command = [sys.executable, str(docs / "protocol_tables.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_documentations_tables_are_those_of_the_files():
    done = tables("--check")
    assert done.returncode == 0, done.stderr


def test_a_page_with_an_old_table_is_seen_and_written_anew(tmp_path):
    text = (DOCS / "explanation" / "verification.md").read_text(encoding="utf-8")
    for script in ("protocol_tables.py", "page_tables.py"):
        (tmp_path / script).write_bytes((DOCS / script).read_bytes())
    copy = tmp_path / "explanation" / "verification.md"
    copy.parent.mkdir()
    copy.write_text(text.replace("| P1 | evaluation counts |", "| P1 | counts |", 1), encoding="utf-8")
    done = tables("--check", docs=tmp_path)
    assert (done.returncode, "out of date" in done.stderr) == (1, True)
    assert tables("--write", docs=tmp_path).returncode == 0
    assert copy.read_text(encoding="utf-8") == text


# A protocol of one's own: its file and its line in the table.

OWN = '''"""PX: three numbers, against a line."""

import math

from zoba_bench.statistics import Estimate
from zoba_bench.sweep import Cell
from zoba_bench.verification.parameters import NUMBER, Parameters
from zoba_bench.verification.protocols.shared.lines import line_measurement
from zoba_bench.verification.protocols.shared.plan import Plan

TITLE = "three numbers"
SUMMARY = {"along": "n", "title": "Numbers on a line"}
RESTS_ON_THEOREM = __RESTS__
PARAMETERS = Parameters({"slope": NUMBER})


def plan(claim, seed):
    return Plan((Cell("own_protocol:numbers", {}, seed),))


def numbers(rng):
    return {"values": [2.0, 4.0, 8.0]}


def judge(claim, plan, results, level):
    values = results[plan.cells[0].key]["values"]
    logs = [Estimate(math.log(value), 1e-3, 10.0) for value in values]
    slope = claim.parameters["slope"]
    return line_measurement("slope", [1.0, 2.0, 4.0], logs, values, level, slope=slope, xlabel="n", ylabel="number")
'''
CLAIM = Claim("PX/zoba/line", "On a line.", "PX", "zoba", "reference", "equal", 0.1, {"slope": 1.0}, controls=("PX/c",))
WRONG = Claim("PX/c", "Control: steep.", "PX", "zoba", "reference", "equal", 0.1, {"slope": 3.0}, origin="control")


@pytest.mark.parametrize("rests_on_theorem", [True, False])
def test_a_protocol_is_added_by_its_file_and_one_line(rests_on_theorem, tmp_path, monkeypatch):
    (tmp_path / "own_protocol.py").write_text(OWN.replace("__RESTS__", str(rests_on_theorem)))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_protocol", raising=False)
    monkeypatch.setitem(PROTOCOLS, "PX", "own_protocol")
    monkeypatch.setattr(
        "zoba_bench.verification.run.verify.entry", lambda kind, name: lambda: Suite("own", "", (CLAIM, WRONG))
    )
    derived = []
    monkeypatch.setattr("zoba_bench.verification.run.verify.derivations", lambda solvers: derived.append(solvers) or {})
    found = {verdict.claim.id: verdict.verdict for verdict in verify("own", out=tmp_path)}
    assert found == {"PX/zoba/line": "consistent", "PX/c": "violated"}
    assert derived == [{"zoba"} if rests_on_theorem else set()]
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        run = ledger.last_run()
    assert {row["title"] for row in run["content"]["claims"]} == {"three numbers"}
    assert "<h1>PX three numbers</h1>" in pages(run)["protocol-PX.html"]
    assert draw_summary(run["content"]).axes[0].get_title(loc="left") == "Numbers on a line"
