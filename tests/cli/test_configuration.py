"""Settings from a file and from the environment, what wins, what is refused, and what is kept of it."""

import json

import pytest

from zoba_bench.cli import cli, configuration
from zoba_bench.ledger import Ledger

from ..verification.command import call


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings(*arguments):
    """Option -> (value, where it is from), as `config` says."""
    code, output, errors = call("config", *arguments, "--json")
    assert code == 0, errors
    return {row["option"]: (row["value"], row["from"]) for row in json.loads(output)["settings"]}


def test_a_whole_number_may_be_written_as_a_float(folder, monkeypatch):
    (folder / "zoba-bench.toml").write_text("[solve]\nbudget = 2e3\n")
    monkeypatch.setenv("ZOBA_BENCH_SEED", "1e2")
    code, output, errors = call("solve", "reference", "--json")
    assert code == 0, errors
    content = json.loads(output)
    assert content["n_inner"][0] + content["n_outer"][0] <= 2000
    assert content["seed"] == 100


def test_an_option_wins_then_the_environment_then_the_file_then_the_default(folder, monkeypatch):
    def seed(*more):
        arguments = ("solve", "reference", "--max-iterations", "1", "--json", *more)
        code, output, errors = call(*arguments)
        assert code == 0, errors
        content = json.loads(output)
        return content["seed"], content["configuration"]["seed"]["from"]

    assert seed() == (0, "default")
    (folder / "zoba-bench.toml").write_text("seed = 1\n")
    assert seed() == (1, "zoba-bench.toml")
    (folder / "zoba-bench.toml").write_text("seed = 1\n[solve]\nseed = 2\n")
    assert seed() == (2, "zoba-bench.toml")
    monkeypatch.setenv("ZOBA_BENCH_SEED", "3")
    assert seed() == (3, "ZOBA_BENCH_SEED")
    monkeypatch.setenv("ZOBA_BENCH_SOLVE_SEED", "4")
    assert seed() == (4, "ZOBA_BENCH_SOLVE_SEED")
    assert seed("--seed", "5") == (5, "command line")


def test_pyproject_of_a_parent_up_to_the_root_of_the_project(folder, monkeypatch):
    (folder / "pyproject.toml").write_text("[tool.zoba-bench.verify]\njobs = 2\n")
    below = folder / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert settings("verify")["jobs"] == (2, "../../pyproject.toml")
    (folder / "a" / "zoba-bench.toml").write_text("jobs = 3\n")
    assert settings("verify")["jobs"] == (3, "../zoba-bench.toml")
    (folder / "a" / "b" / ".git").mkdir()  # another project begins here
    assert settings("verify")["jobs"] == (1, "default")


def test_without_a_project_parents_are_not_searched(folder, monkeypatch):
    (folder / "zoba-bench.toml").write_text("jobs = 3\n")
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    assert configuration.find_file(folder / "below") is None


def test_a_pyproject_without_the_table_is_passed_over(folder):
    (folder / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert configuration.find_file(folder) is None


def test_another_file_on_request(folder):
    (folder / "zoba-bench.toml").write_text("jobs = 2\n")
    (folder / "other.toml").write_text("jobs = 4\n")
    assert settings("verify", "--config", "other.toml")["jobs"] == (4, "other.toml")


def test_lists_tables_and_flags(folder):
    (folder / "zoba-bench.toml").write_text(
        'quiet = true\n[verify]\nreport = false\nonly = {protocol = "P1"}\nclaim = ["a", "b"]\n'
        "[solve.set]\nl1 = 8\nschedule = 'constant'\n"
    )
    found = settings("verify")
    assert found["quiet"][0] is True
    assert found["report"][0] is False
    assert found["only"][0] == ["protocol=P1"]
    assert found["claim"][0] == ["a", "b"]
    assert settings("solve")["set"][0] == ["l1=8", "schedule=constant"]
    code, output, _ = call("solve", "reference", "--max-iterations", "2", "--no-quiet", "--json")
    assert code == 0
    assert json.loads(output)["n_inner"] == [2 * (4 * 8 + 2)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("jbos = 2", ["zoba-bench.toml", "unknown key 'jbos'", "did you mean 'jobs'", "known: "]),
        ("[verify]\nsute = 'quick'", ["unknown key of [verify] 'sute'", "did you mean 'suite'"]),
        ("[verfy]\njobs = 2", ["unknown key 'verfy'", "did you mean 'verify'"]),
        ("suite = 'quick'", ["unknown key 'suite'"]),  # it means something else for every verb
        ("json = true", ["unknown key 'json'"]),
        ("verify = 3", ["verify must be a table", "got 3"]),
        ("jobs = true", ["jobs must be an integer", "got True"]),
        ("jobs = '2'", ["jobs must be an integer", "got '2'"]),
        ("jobs = 1.5", ["jobs must be an integer", "got 1.5"]),
        ("jobs = 0", ["zoba-bench.toml", "--jobs", "x>=1"]),
        ("[verify]\nclaim = 'P1'", ["verify.claim must be a list", "got 'P1'"]),
        ("[verify]\nreport = 1", ["verify.report must be true or false", "got 1"]),
        ("[solve]\nsolver = 3", ["solve.solver must be a string", "got 3"]),
        ("[solve]\ntolerance = 'small'", ["solve.tolerance must be a number", "got 'small'"]),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(text, words, folder):
    (folder / "zoba-bench.toml").write_text(text)
    code, output, errors = call("verify", "--list")
    assert (code, output) == (2, "")
    assert len(errors.splitlines()) == 1
    for word in words:
        assert word in errors


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ZOBA_BENCH_JBOS", "2", ["unknown environment variable 'ZOBA_BENCH_JBOS'", "did you mean 'ZOBA_BENCH_JOBS'"]),
        ("ZOBA_BENCH_JOBS", "two", ["ZOBA_BENCH_JOBS", "'two'"]),
        ("ZOBA_BENCH_QUIET", "maybe", ["ZOBA_BENCH_QUIET must be true or false", "'maybe'"]),
        ("ZOBA_BENCH_CONFIG", "absent.toml", ["absent.toml"]),
    ],
)
def test_a_wrong_variable_is_refused(name, value, words, monkeypatch):
    monkeypatch.setenv(name, value)
    code, _, errors = call("verify", "--list")
    assert code == 2
    assert len(errors.splitlines()) == 1
    for word in words:
        assert word in errors


def test_variables_that_hold_several_words(monkeypatch):
    monkeypatch.setenv("ZOBA_BENCH_VERIFY_CLAIM", "P1/a 'P2/b c'")
    monkeypatch.setenv("ZOBA_BENCH_VERIFY_REPORT", "no")
    found = settings("verify")
    assert found["claim"] == (["P1/a", "P2/b c"], "ZOBA_BENCH_VERIFY_CLAIM")
    assert found["report"][0] is False


def test_a_run_keeps_the_settings_and_where_they_came_from(folder, monkeypatch):
    (folder / "zoba-bench.toml").write_text("[verify]\nsuite = 'smoke'\n")
    monkeypatch.setenv("ZOBA_BENCH_SEED", "7")
    arguments = ("verify", "--claim", "P1/zoba/counts", "--no-report", "--json")
    code, output, errors = call(*arguments)
    assert code == 0, errors
    told = json.loads(output)["provenance"]["configuration"]
    with Ledger(folder / "zoba-results" / "ledger.sqlite") as ledger:
        kept = ledger.last_run()["content"]["provenance"]["configuration"]
    assert kept == told
    assert kept["suite"] == {"value": "smoke", "from": "zoba-bench.toml"}
    assert kept["seed"] == {"value": 7, "from": "ZOBA_BENCH_SEED"}
    assert kept["claim"] == {"value": ["P1/zoba/counts"], "from": "command line"}
    assert kept["jobs"] == {"value": 1, "from": "default"}
    assert set(kept) == {configuration.key_of(p) for p in cli.commands["verify"].params if p.expose_value}


def test_config_says_what_is_set_and_where(folder):
    (folder / "zoba-bench.toml").write_text("jobs = 2\n")
    code, output, _ = call("config")
    assert code == 0
    assert "zoba-bench.toml" in output
    assert "nothing is set" not in output
    (folder / "zoba-bench.toml").unlink()
    assert "nothing is set" in call("config")[1]
