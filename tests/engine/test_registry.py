"""Names to objects through entry points, with helpful errors."""

from __future__ import annotations

import ast
import dataclasses
import json
import sys
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import zoba_bench
from zoba_bench import contracts, registry
from zoba_bench.cli import cli
from zoba_bench.problem import BilevelProblem, Card, Constants
from zoba_bench.solvers.single_loop import SingleLoop


class Point:
    """An entry point of a distribution that offers one mapping."""

    def __init__(self, distribution: str | None, mapping: dict[str, str]) -> None:
        self.name = "entry"
        self.dist = None if distribution is None else types.SimpleNamespace(name=distribution)
        self._mapping = mapping

    def load(self) -> dict[str, str]:
        return self._mapping


@pytest.fixture
def offer(monkeypatch) -> Callable[..., None]:
    """Replace what is installed: offer("problems", Point(...), ...)."""
    groups: dict[str, list[Point]] = {}
    monkeypatch.setattr(registry, "entry_points", lambda group: groups.get(group, []))

    def add(kind: str, *points: Point) -> None:
        groups[f"zoba_bench.{kind}"] = list(points)
        forget()

    def forget() -> None:
        registry._mapping.cache_clear()
        registry._offers.cache_clear()

    forget()
    yield add
    forget()


@pytest.fixture
def plugin(monkeypatch) -> types.ModuleType:
    """A module of a third party, with one problem, one solver and one theorem."""
    module = types.ModuleType("their_plugin")

    def bowl(p: int = 2, d: int = 3, *, seed: int = 0, width: float = 1.0) -> BilevelProblem:
        def total(z, x):
            return z.sum(axis=-1) + x.sum(axis=-1)

        return BilevelProblem.from_functions(total, total, p, d, name="bowl", parameters={"width": width, "seed": seed})

    def plain(p: int = 1, d: int = 1) -> BilevelProblem:
        problem = bowl(p, d)
        return dataclasses.replace(problem, constants=Constants(mu=1.0, L_zz=2.0, sampled=("L_zz",)))

    class Descent(SingleLoop):
        name = "descent"

        def surrogates(self, state, directions):
            raise NotImplementedError

    module.bowl, module.plain, module.Descent = bowl, plain, Descent
    module.theorem = lambda: types.SimpleNamespace(
        **{**dict.fromkeys(contracts.members(contracts.Theorem), str), "name": "proved"}
    )
    monkeypatch.setitem(sys.modules, "their_plugin", module)
    return module


@pytest.fixture
def installed(offer, plugin):
    offer("problems", Point("theirs", {"bowl": "their_plugin:bowl", "plain": "their_plugin:plain"}))
    offer("solvers", Point("theirs", {"descent": "their_plugin:Descent"}))
    offer("theorems", Point("theirs", {"descent": "their_plugin:theorem"}))
    return plugin


# What a third party offers.


def test_third_party_names_are_listed(installed):
    assert registry.list_problems() == ["bowl", "plain"]
    assert registry.list_solvers() == ["descent"]
    assert registry.list_theorems() == ["descent"]


def test_names_of_several_distributions_are_merged_and_sorted(offer):
    offer("problems", Point("b", {"zeta": "m:z"}), Point("a", {"alpha": "m:a"}))
    assert registry.list_problems() == ["alpha", "zeta"]


def test_third_party_problem_is_built_with_its_parameters(installed):
    problem = registry.load_problem("bowl", 4, np.int64(5), seed=3, width=2.0)
    assert (problem.p, problem.d, problem.parameters) == (4, 5, {"width": 2.0, "seed": 3})


def test_dimensions_left_out_are_the_familys(installed):
    problem = registry.load_problem("bowl")
    assert (problem.p, problem.d) == (2, 3)


def test_third_party_solver_is_configured_with_its_options(installed):
    assert registry.make_solver("descent", l1=7).l1 == 7


def test_third_party_theorem_is_called(installed):
    assert registry.theorem("descent").name == "proved"


def test_third_party_solver_that_lacks_a_member_is_refused_by_name(installed, plugin):
    plugin.Descent.check = None
    with pytest.raises(TypeError, match=r"solver 'descent' has no check, .* see zoba_bench.contracts.Solver"):
        registry.make_solver("descent")
    plugin.Descent = type("Descent", (), {})
    with pytest.raises(TypeError, match=r"solver 'descent' has no option_names"):
        registry.make_solver("descent")


def test_third_party_theorem_that_lacks_a_member_is_refused_by_name(installed, plugin):
    plugin.theorem = lambda: "proved"
    with pytest.raises(TypeError, match=r"theorem 'descent' has no check, complexity, .* see zoba_bench.contracts.Th"):
        registry.theorem("descent")


def test_sources_are_the_modules_behind_the_names(installed):
    assert registry.sources("problems") == ["their_plugin"]


def test_built_in_solvers_are_found_through_entry_points():
    assert {"zoba", "zoba-tuned", "zoba-mixed", "hf-zoba", "hf-zoba-shared"} <= set(registry.list_solvers())


# How it is shown.


def shown_output(*arguments: str) -> str:
    """Standard output alone."""
    return CliRunner().invoke(cli, arguments, catch_exceptions=False).stdout


def shown(*arguments: str) -> str:
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_a_constant_that_is_only_sampled_is_shown_as_such(installed):
    lines = {line.split()[0]: " ".join(line.split()) for line in shown("info", "plain").splitlines() if line.strip()}
    assert lines["L_zz"] == "L_zz 2 sampled: no bound uses it"
    assert lines["mu"] == "mu 1"
    content = json.loads(shown("info", "plain", "--json"))
    assert content["sampled"] == ["L_zz"]
    assert content["constants"]["L_zz"] == 2.0


def carded(group: str) -> Card:
    return Card(
        summary=f"One of {group}.", source="", assumptions={}, quadratic_inner=True, psi_convexity="convex",
        dimensions="any", group=group,
    )  # fmt: skip


def test_problems_are_listed_by_group_and_those_of_no_group_last(installed):
    installed.bowl.card = carded("zwei")
    installed.other = lambda p=1, d=1: installed.bowl(p, d)
    installed.other.card = carded("eins")
    registry._mapping("problems")["other"] = ("their_plugin:other", "theirs")
    assert registry.problem_groups() == {"eins": ["other"], "zwei": ["bowl"], "": ["plain"]}
    lines = [line.strip() for line in shown("list").splitlines()]
    first = lines.index("eins")
    assert [line.split()[0] for line in lines[first : first + 6]] == ["eins", "other", "zwei", "bowl", "of", "plain"]
    rows = {row["name"]: row for row in json.loads(shown("list", "--json"))["problems"]}
    assert (rows["bowl"]["group"], rows["other"]["group"], "group" in rows["plain"]) == ("zwei", "eins", False)


def test_a_group_is_listed_alone(installed):
    installed.bowl.card = carded("zwei")
    assert registry.list_problems(group="zwei") == zoba_bench.list_problems(group="zwei") == ["bowl"]
    assert registry.list_problems(group="zwei", smooth=False) == []
    assert [row["name"] for row in json.loads(shown("list", "--json", "--group", "zwei"))["problems"]] == ["bowl"]


def test_an_unknown_group_gets_the_list_of_known_ones(installed):
    installed.bowl.card = carded("zwei")
    for group in ("drei", ""):
        with pytest.raises(registry.UnknownNameError, match=f"unknown group '{group}'; .*known: zwei"):
            registry.list_problems(group=group)
    result = CliRunner().invoke(cli, ["list", "--group", "drei"])
    assert isinstance(result.exception, registry.UnknownNameError)


def test_every_built_in_problem_is_of_the_group_of_its_folder():
    groups = registry.problem_groups()
    assert "" not in groups
    for group, members in groups.items():
        modules = {registry._mapping("problems")[name][0].partition(":")[0] for name in members}
        assert all(module.startswith(f"zoba_bench.problems.{group}.") for module in modules)
        assert registry.list_problems(group=group) == members


# Unknown names and options.


@pytest.mark.parametrize(
    ("ask", "kind", "wrong", "right"),
    [
        (registry.load_problem, "problem", "bowll", "bowl"),
        (registry.make_solver, "solver", "decsent", "descent"),
        (registry.theorem, "theorem", "Descent", "descent"),
    ],
)
def test_unknown_name_suggests_the_nearest(installed, ask, kind, wrong, right):
    with pytest.raises(registry.UnknownNameError, match=f"unknown {kind} '{wrong}'; did you mean '{right}'") as error:
        ask(wrong)
    assert isinstance(error.value, ValueError)


@pytest.mark.parametrize(("wrong", "right"), [("hfzoba", "hf-zoba"), ("zoba_tuned", "zoba-tuned")])
def test_unknown_built_in_solver_suggests_the_nearest(wrong, right):
    with pytest.raises(registry.UnknownNameError, match=f"did you mean '{right}'"):
        registry.make_solver(wrong)


def test_name_like_no_other_gets_the_whole_list(installed):
    with pytest.raises(registry.UnknownNameError, match="unknown problem '###'; known: bowl, plain"):
        registry.load_problem("###")


def test_name_that_is_not_a_string_is_unknown(installed):
    with pytest.raises(registry.UnknownNameError, match="unknown problem 3"):
        registry.load_problem(3)


def test_unknown_parameter_of_a_problem_names_the_nearest(installed):
    with pytest.raises(TypeError, match="problem 'bowl' has no option 'widht'; did you mean 'width'"):
        registry.load_problem("bowl", widht=2.0)


def test_unknown_option_of_a_solver_names_the_nearest():
    with pytest.raises(TypeError, match="solver 'zoba' has no option 'gama'; did you mean 'gamma'") as error:
        registry.make_solver("zoba", gama=0.1)
    assert "l1" in str(error.value)
    assert "schedule" in str(error.value)


def test_option_of_another_solver_is_unknown():
    with pytest.raises(TypeError, match="solver 'zoba' has no option 'h_bar'"):
        registry.make_solver("zoba", h_bar=0.1)


def test_seed_of_a_family_without_random_data_is_refused(installed):
    with pytest.raises(TypeError, match="problem 'plain' has no option 'seed'"):
        registry.load_problem("plain", seed=1)


# Values.


@pytest.mark.parametrize("value", [0, -1, 2.5, 2.0, True, "3"])
@pytest.mark.parametrize("name", ["p", "d"])
def test_dimension_that_is_not_a_positive_integer_is_refused(installed, name, value):
    with pytest.raises(ValueError, match=f"{name} must be a positive integer, got {value!r}"):
        registry.load_problem("bowl", **{name: value})


@pytest.mark.parametrize("value", [-1, 0.5, True, "0"])
def test_seed_that_is_not_a_non_negative_integer_is_refused(installed, value):
    with pytest.raises(ValueError, match=f"seed must be a non-negative integer, got {value!r}"):
        registry.load_problem("bowl", seed=value)


# Conflicts and broken offers.


def test_name_offered_twice_belongs_to_nobody_and_the_other_names_are_there(offer):
    offer("problems", Point("first-dist", {"bowl": "a:b", "cup": "a:c"}), Point("second-dist", {"bowl": "c:d"}))
    both = r"problem 'bowl' .*both 'first-dist' and 'second-dist'"
    with pytest.warns(registry.PluginWarning, match=f"plug-in 'second-dist' .*{both}"):
        assert registry.list_problems() == ["cup"]
    with pytest.raises(registry.RegistryError, match=both):
        registry.entry("problems", "bowl")


def test_a_plug_in_takes_no_name_of_this_distribution(offer):
    offer("solvers", Point("theirs", {"zoba": "c:d"}), Point("zoba-bench", {"zoba": "a:b"}))
    with pytest.warns(registry.PluginWarning, match=r"plug-in 'theirs' .*that of 'zoba-bench' is used"):
        assert registry._mapping("solvers") == {"zoba": ("a:b", "zoba-bench")}


class Broken(Point):
    """An entry point whose load does what a plug-in should not."""

    def __init__(self, error) -> None:
        super().__init__("broken-dist", {})
        self._error = error

    def load(self):
        if isinstance(self._error, BaseException):
            raise self._error
        return self._error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ImportError("no module named x"), "ImportError: no module named x"),
        (AttributeError("has no PROBLEMS"), "AttributeError: has no PROBLEMS"),
        (SystemExit(0), "SystemExit: 0"),
        (ZeroDivisionError("at import\nof it"), "ZeroDivisionError: at import of it"),
        (["bowl"], "TypeError: its entry point is list, not a mapping"),
        ({"bowl": 3}, "TypeError: its entry 'bowl': 3 is no name"),
        ({"bowl": "no colon"}, "TypeError: its entry 'bowl': 'no colon' is no name"),
    ],
)
def test_a_broken_plug_in_is_named_in_one_line_and_the_others_work(offer, plugin, error, words):
    offer("problems", Broken(error), Point("theirs", {"bowl": "their_plugin:bowl"}))
    with pytest.warns(registry.PluginWarning) as met:
        assert registry.load_problem("bowl").p == 2
    (message,) = [str(one.message) for one in met]
    assert message.startswith(f"plug-in 'broken-dist' (problems): {words}")
    assert "\n" not in message
    rows = {row["distribution"]: row for row in registry.plugins() if row["kind"] == "problems"}
    assert (rows["theirs"]["names"], rows["theirs"]["problems"]) == (1, [])
    assert (rows["broken-dist"]["names"], len(rows["broken-dist"]["problems"])) == (0, 1)


def test_an_entry_that_cannot_be_loaded_breaks_no_list(offer, plugin, monkeypatch, tmp_path):
    (tmp_path / "ends_at_import.py").write_text("import sys; sys.exit(0)")
    monkeypatch.syspath_prepend(tmp_path)
    plugin.number = 3
    offer("problems", Point("theirs", {
        "bowl": "their_plugin:bowl", "gone": "no_such_module:x", "lost": "their_plugin:nothing",
        "ends": "ends_at_import:x", "number": "their_plugin:number",
    }))  # fmt: skip
    assert registry.problem_groups() == {"": ["bowl", "ends", "gone", "lost", "number"]}
    assert registry.list_problems(smooth=True) == []
    rows = {row["name"]: row for row in json.loads(shown_output("list", "--json"))["problems"]}
    assert {name for name, row in rows.items() if row["missing"] == "cannot be loaded"} == set(rows) - {"bowl"}
    (row,) = registry.plugins()
    assert row["names"] == 1
    assert len(row["problems"]) == 4
    for name, words in (("ends", "SystemExit: 0"), ("number", "it is int"), ("lost", "AttributeError")):
        with pytest.raises(registry.RegistryError, match=f"problem '{name}' of 'theirs' .* cannot be loaded: {words}"):
            registry.load_problem(name)


def test_a_factory_that_returns_no_problem_is_refused_by_name(offer, plugin):
    plugin.bowl = lambda: 3
    offer("problems", Point("theirs", {"bowl": "their_plugin:bowl"}))
    with pytest.raises(TypeError, match="problem 'bowl' of 'theirs' is int, not a BilevelProblem"):
        registry.load_problem("bowl")


def test_same_name_in_two_kinds_is_no_conflict(offer):
    offer("solvers", Point("a", {"zoba": "a:b"}))
    offer("theorems", Point("b", {"zoba": "c:d"}))
    assert registry.list_solvers() == registry.list_theorems() == ["zoba"]


def test_offer_without_a_distribution_is_named_by_its_entry(offer):
    offer("problems", Point(None, {"bowl": "a:b"}), Point("other", {"bowl": "c:d"}))
    with pytest.warns(registry.PluginWarning, match="both 'entry' and 'other'"):
        registry.list_problems()


@pytest.mark.parametrize("target", ["no_such_module_here:thing", "math:no_such_attribute"])
def test_offer_that_cannot_be_loaded_names_its_distribution(offer, target):
    offer("problems", Point("theirs", {"bowl": target}))
    with pytest.raises(registry.RegistryError, match=f"problem 'bowl' of 'theirs' \\({target}\\) cannot be loaded"):
        registry.load_problem("bowl")


def test_broken_offer_does_not_hide_the_others(offer, plugin):
    offer("problems", Point("theirs", {"broken": "no_such_module_here:x", "bowl": "their_plugin:bowl"}))
    assert registry.load_problem("bowl").name == "bowl"


def test_missing_requirement_is_reported_with_its_extra(installed):
    installed.bowl.card = Card(
        summary="", source="", assumptions={}, quadratic_inner=True, psi_convexity="convex", dimensions="any",
        requires={"no_such_module_here": "data", "numpy": "nothing"},
    )  # fmt: skip
    assert registry.missing_requirements("bowl") == {"no_such_module_here": "data"}
    assert registry.missing_requirements("plain") == {}


# The engine finds the catalogue and the derivations as it finds anybody's.


def engine_files() -> list[Path]:
    # Installed, the catalogue and the derivations lie inside the engine's folder.
    root = Path(zoba_bench.__file__).parent
    mapped = {"problems", "theory"}
    return sorted(path for path in root.rglob("*.py") if path.relative_to(root).parts[0] not in mapped)


def imported(path: Path) -> set[str]:
    """Dotted names that a file imports, relative ones resolved, and those given to import_module."""
    root = Path(zoba_bench.__file__).parent
    package = ["zoba_bench", *path.relative_to(root).parent.parts]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in (
            "import_module", "__import__",
        ):  # fmt: skip
            found |= {a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)}
    return found


def test_engine_never_imports_the_catalogue_or_the_derivations():
    files = engine_files()
    assert len(files) > 10
    wrong = {
        f"{path.name}: {name}"
        for path in files
        for name in imported(path)
        if name.startswith(("zoba_bench.problems", "zoba_bench.theory"))
    }
    assert not wrong


def test_scan_for_imports_sees_every_form(tmp_path, monkeypatch):
    """Negative control of the test above."""
    root = tmp_path / "zoba_bench"
    (root / "sub").mkdir(parents=True)
    monkeypatch.setattr(zoba_bench, "__file__", str(root / "__init__.py"))
    lines = [
        "import zoba_bench.theory.single_loop.zoba",
        "from zoba_bench import theory",
        "from zoba_bench.theory import x",
        "from .. import theory",
        "from ..theory import x",
        "import importlib\nimportlib.import_module('zoba_bench.theory')",
    ]
    for number, line in enumerate(lines):
        path = root / "sub" / f"f{number}.py"
        path.write_text(line)
        assert any(name.startswith("zoba_bench.theory") for name in imported(path)), line
