"""What the README prints must be what the project says."""

import re
import runpy
from pathlib import Path

from zoba_bench.registry import list_solvers
from zoba_bench.verification.suites.quick import quick

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = (ROOT / "docs" / "measured" / "results.md").read_text(encoding="utf-8")
SOLVERS = (ROOT / "docs" / "reference" / "solvers.md").read_text(encoding="utf-8")


def test_it_is_short():
    assert len(README.splitlines()) <= 150


def test_the_verdict_table_lists_the_claims_of_the_suite():
    listed = set(re.findall(r"^\| `(P[^`]+)` \|", RESULTS, flags=re.MULTILINE))
    shown = ("P2b/", "P4a/", "P4b/", "P6/", "P6b/")
    assert listed == {c.id for c in quick().claims if c.origin != "control" and c.id.startswith(shown)}


def test_the_table_of_findings_shows_claims_of_the_main_command():
    rows = runpy.run_path(str(ROOT / "docs" / "findings_table.py"))["ROWS"]
    shown = [name for _, ids in rows for name in ids]
    assert re.findall(r"^\| [^|`]*\| `(P[^`]+)` \|", README, flags=re.MULTILINE) == shown
    assert set(shown) <= {claim.id for claim in quick().claims}


def test_the_table_of_solvers_names_them_all():
    assert sorted(re.findall(r"^\| `([a-z0-9-]+)` \|", SOLVERS, flags=re.MULTILINE)) == list_solvers()


def test_what_is_refused_of_a_users_solver_has_a_place_to_look_at():
    page = (ROOT / "docs" / "how_to" / "own_solver.md").read_text(encoding="utf-8")
    verdict = (ROOT / "docs" / "how_to" / "reading_a_verdict.md").read_text(encoding="utf-8")
    rows = page.partition("### Where to look")[2].partition("\n## ")[0]
    folder = ROOT / "zoba_bench" / "verification" / "suites" / "own_solver"
    used = {name for file in folder.glob("*.py") for name in re.findall(r'"(P\d+\w?)/', file.read_text("utf-8"))}
    assert used >= {"P1d", "P8", "P10", "P11", "P12", "P13"}
    assert not {name for name in used if not re.search(rf"^\| {name} ", rows, flags=re.MULTILINE)}
    assert "own_solver.md#where-to-look" in verdict


def test_the_listing_has_the_columns_that_a_user_gets():
    """In a pipe a row is as wide as the longest id needs; README showed a narrower table, and a pipe three lines."""
    listing = README.partition("```text\n")[2].partition("```")[0].splitlines()
    head = listing[0]
    claims = {claim.id: claim for claim in quick().claims}
    first, second = len("violated (expected)") + 2, max(map(len, claims)) + 2
    assert (head[:first].rstrip(), head[first : first + second].rstrip()) == ("verdict", "claim")
    rows = [line for line in listing if line.startswith(("consistent", "violated"))]
    assert len(rows) >= 3
    for line in rows:
        verdict, name = line[:first].rstrip(), line[first : first + second].rstrip()
        assert claims[name].expected == verdict.removesuffix(" (expected)")
        assert head[first + second :].startswith("allowed")
        assert re.match(r"\d", line[first + second :])
        assert re.match(r"\d\S* \[", line[head.index("measured") :])


def test_the_table_of_orders_is_that_of_the_page():
    """The page's are compared with what is derived, in the tests of the theorems."""
    page = (ROOT / "docs" / "explanation" / "theory.md").read_text(encoding="utf-8")
    derived = dict(re.findall(r"^\| `([a-z-]+)` \| [^|]+ \| (O\(.+\)) \|$", page, flags=re.MULTILINE))
    shown = re.findall(r"^\| `([a-z-]+)`[^|]* \| (O\(.+\)) \| (O\(.+\)) \| (O\(.+\)) \|$", README, flags=re.MULTILINE)
    assert [name for name, *_ in shown] == ["zoba", "zoba-tuned", "zoba-mixed", "hf-zoba", "hf-zoba-shared"]
    for name, *orders in shown:
        assert orders == [derived[name], derived[f"{name}-samples"], derived[f"{name}-fixed"]], name
