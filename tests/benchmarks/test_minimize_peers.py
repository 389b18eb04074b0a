"""The referee of ``python -m benchmarks.minimize``: it counts right, its x* are right, and nobody is believed."""

from __future__ import annotations

import importlib
import importlib.util
import json
import math
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

FOLDER = Path(__file__).parents[2] / "benchmarks" / "minimize"
NAME = "benchmark_of_minimize"  # the folder is not installed; its own name might be somebody else's


def load(module: str):
    if NAME not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            NAME, FOLDER / "__init__.py", submodule_search_locations=[str(FOLDER)]
        )
        sys.modules[NAME] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[NAME])
    return importlib.import_module(f"{NAME}.{module}")


classes, methods, problems, race = load("classes"), load("methods"), load("problems"), load("race")
referee, scores, white_box = load("referee"), load("scores"), load("white_box")
Counter, Report, Run, judge = referee.Counter, referee.Report, referee.Run, referee.judge


@pytest.fixture
def instance():
    return problems.smooth(np.random.default_rng(0), 3, 2, quadratic=True)


def task_of(counter):
    return counter.task(np.random.default_rng(0))


# ---- counting


def test_each_value_counts_once_and_a_hit_is_the_first_value_near_the_solution(instance):
    counter = Counter(instance, 100)
    task = task_of(counter)
    far = instance.minimizer + 5.0
    for _ in range(4):
        task.inner(task.z0, far)
    task.outer(task.z0, far)
    task.inner(task.z0, instance.minimizer + np.array([0.0, 0.5]))  # the sixth value, within 1
    for _ in range(3):
        task.outer(task.z0, instance.minimizer)  # the seventh is within all accuracies
    run = judge(counter, Report(instance.minimizer, True, "done"))
    assert (run.evaluations, run.hits) == (9, [7, 7, 7, 7, 6])
    assert (run.error, run.remark, run.wrong) == (0.0, "", False)


def test_distances_are_in_natural_units(instance):
    big = problems.scaled(instance, x=1e6)
    counter = Counter(big, 10)
    task_of(counter).outer(big.z0, big.minimizer + np.array([5e3, 0.0]))
    run = judge(counter, Report(big.minimizer + np.array([5e3, 0.0]), True, ""))
    assert run.error == pytest.approx(5e-3, rel=1e-9)
    assert run.hits[0] == 1


def test_the_budget_holds_even_for_a_method_that_catches_the_error(instance):
    counter = Counter(instance, 7)
    task = task_of(counter)
    got = 0
    for _ in range(50):
        try:
            task.inner(task.z0, task.x0)
            got += 1
        except referee.OutOfBudgetError:
            pass
    assert (got, counter.spent) == (7, 7)


def test_the_functions_take_one_point_and_leave_it_alone(instance):
    task = task_of(Counter(instance, 10))
    with pytest.raises(ValueError, match="one point a call"):
        task.inner(np.zeros((4, 3)), np.zeros((4, 2)))
    held = task.x0
    task.outer(task.z0, held)
    np.testing.assert_array_equal(held, instance.x0)


# ---- what is not believed


def after_one_value(instance, report):
    counter = Counter(instance, 10)
    task_of(counter).outer(instance.z0, instance.x0)
    return judge(counter, report)


def test_success_far_from_the_solution_is_wrong(instance):
    run = after_one_value(instance, Report(instance.minimizer + np.array([0.02, 0.0]), True, "converged"))
    assert run.wrong
    assert "claims success at a distance of 0.02" in run.remark


def test_failure_far_from_the_solution_is_honest(instance):
    run = after_one_value(instance, Report(instance.minimizer + 1.0, False, "stopped"))
    assert (run.wrong, run.remark) == (False, "")


def test_a_count_of_its_own_is_compared(instance):
    run = after_one_value(instance, Report(instance.minimizer, True, "", claimed=0))
    assert run.evaluations == 1
    assert run.remark == "claims 0 evaluations, used 1"


def test_a_point_without_any_value_does_not_count(instance):
    run = judge(Counter(instance, 10), Report(instance.minimizer, True, "converged"))
    assert run.error == math.inf
    assert run.wrong


@pytest.mark.parametrize("x", [[np.nan, 0.0], [0.0], None, "x", [[0.0, 0.0]]])
def test_what_is_no_point_does_not_count(instance, x):
    run = after_one_value(instance, Report(x, True, "converged"))
    assert run.error == math.inf
    assert run.wrong


def test_no_value_is_given_after_the_report(instance):
    counter = Counter(instance, 10)
    task = task_of(counter)
    task.outer(task.z0, task.x0)
    judge(counter, Report(task.x0, False, ""))
    with pytest.raises(referee.OutOfBudgetError):
        task.outer(task.z0, task.x0)


def test_a_task_does_not_know_the_solution(instance):
    known = vars(task_of(Counter(instance, 10)))
    assert not any(
        np.array_equal(value, instance.minimizer) for value in known.values() if isinstance(value, np.ndarray)
    )


def test_a_method_that_raises_has_a_result(monkeypatch):
    def broken(task):
        task.outer(task.z0, task.x0)
        raise ArithmeticError("no")

    monkeypatch.setitem(methods.METHODS, "broken", methods.Method(broken))
    run = race.run_one(classes.CLASSES["quadratic 2,2"], 0, 0, "broken", 100)
    assert (run.evaluations, run.success, run.status) == (1, False, "raised ArithmeticError")


# ---- x*


def outer_value(problem, x, z):
    """Psi(x) from values of the problem alone, and the z at which it was taken."""
    found = minimize(lambda a: problem.inner(a, x), z, method="BFGS", options={"gtol": 1e-9}, jac="3-point")
    return problem.outer(found.x, x), found.x


SMOOTH = ["quadratic 2,2", "nonquadratic 3,1", "nonquadratic 5,5", "quadratic 5,5, condition 1e4"]


@pytest.mark.parametrize("name", SMOOTH)
def test_the_solution_is_stationary_by_differences_of_values(name):
    """Central differences of Psi with h = 1e-2 have an error of h^2 M3 / 6, below 1e-3 for third derivatives up to 60.

    Psi curves by more than 0.05 and, as F does, by about 1 in x: a solution off by 0.1 is refused.
    """
    problem = classes.CLASSES[name].problem(0, 0)

    def gradient(x):
        h = 1e-2
        values = [
            [outer_value(problem, x + sign * h * e, problem.inner_minimizer)[0] for sign in (1, -1)]
            for e in np.eye(len(x))
        ]
        return np.array([up - down for up, down in values]) / (2 * h)

    assert np.linalg.norm(gradient(problem.minimizer)) < 2e-3
    off = problem.minimizer + 0.1 / np.sqrt(len(problem.x0))
    assert np.linalg.norm(gradient(off)) > 0.05 * 0.1


@pytest.mark.parametrize("name", [name for name in classes.CLASSES if classes.CLASSES[name].group == "kinks"])
def test_no_value_is_below_that_at_the_solution_of_a_problem_with_kinks(name):
    problem = classes.CLASSES[name].problem(0, 0)
    rng = np.random.default_rng(1)
    least = problem.outer(problem.inner_minimizer, problem.minimizer)
    assert outer_value(problem, problem.minimizer, problem.inner_minimizer)[0] == pytest.approx(least, abs=1e-6)

    def lowest(x, size):
        shifts = rng.standard_normal((12, len(x)))
        shifts *= size / np.linalg.norm(shifts, axis=1, keepdims=True)
        return min(outer_value(problem, x + s, problem.inner_minimizer)[0] for s in shifts)

    # Psi curves by 1 or more, or has a slope of 0.5 or more in each coordinate: 0.1 away it is higher by 5e-3.
    assert lowest(problem.minimizer, 0.1) > least + 4e-3
    off = problem.minimizer + 0.2 / np.sqrt(5)
    assert lowest(off, 0.1) < outer_value(problem, off, problem.inner_minimizer)[0]


@pytest.mark.parametrize("quadratic", [True, False])
def test_newton_from_elsewhere_ends_at_the_constructed_solution(quadratic):
    problem = problems.smooth(np.random.default_rng(3), 6, 4, quadratic=quadratic)
    F, G = (f.__closure__[0].cell_contents for f in (problem.outer, problem.inner))
    found, z = white_box.minimiser(F, G, problem.x0, problem.z0)
    assert np.linalg.norm(found - problem.minimizer) <= 1e-12 * (1 + np.linalg.norm(found)) * 10
    np.testing.assert_allclose(z, problem.inner_minimizer, atol=1e-11)


def test_exact_derivatives_agree_with_differences():
    ridge = load("ridge")
    rng = np.random.default_rng(4)
    Q = rng.standard_normal((4, 4))
    f = ridge.Ridge(Q + Q.T, rng.standard_normal(4), rng.standard_normal((3, 4)), rng.standard_normal(3), np.ones(3))
    w, u, h = rng.standard_normal(4), rng.standard_normal(4), 1e-4
    # Truncation h^2 times third (fourth, fifth) derivatives over 6, which are below 1e3 here, so 2e-6.
    assert (f.value(w + h * u) - f.value(w - h * u)) / (2 * h) == pytest.approx(f.gradient(w) @ u, abs=2e-6)
    np.testing.assert_allclose((f.gradient(w + h * u) - f.gradient(w - h * u)) / (2 * h), f.hessian(w) @ u, atol=2e-6)
    np.testing.assert_allclose((f.hessian(w + h * u) - f.hessian(w - h * u)) / (2 * h), f.third(w, u), atol=2e-6)


# ---- problems and their values


def test_all_methods_get_the_same_problem_and_the_same_noise():
    kind = classes.CLASSES["nonquadratic 5,5, noise 1e-03 in F and G"]
    one, two, other = kind.problem(0, 0), kind.problem(0, 0), kind.problem(0, 1)
    values = [[p.outer(p.z0, p.x0) for _ in range(3)] for p in (one, two)]
    assert values[0] == values[1]
    assert len(set(values[0])) == 3
    assert not np.array_equal(one.minimizer, other.minimizer)


def test_rounded_values_have_six_digits_and_offsets_are_there():
    digits = classes.CLASSES["quadratic 5,5, 6 digits"].problem(0, 0)
    value = digits.outer(digits.z0, digits.x0)
    assert value == float(f"{value:.5e}")
    shifted = classes.CLASSES["quadratic 5,5, F + 1e9"].problem(0, 0)
    assert abs(shifted.outer(shifted.z0, shifted.x0) - 1e9) < 1e4


def test_every_size_and_change_that_the_list_promises_is_there():
    groups = {c.group for c in classes.CLASSES.values()}
    assert groups == {"size", "condition", "units", "start", "kinks", "noise", "digits", "offset"}
    sizes = {(c.p, c.d) for c in classes.CLASSES.values() if c.group == "size"}
    assert sizes == {(2, 2), (3, 1), (5, 5), (20, 20), (50, 10), (10, 50), (100, 100), (200, 5)}
    assert set(classes.QUICK) <= set(classes.CLASSES)


# ---- scores


def run(evaluations, error, hits=(None,) * 5, status="converged"):
    return Run(evaluations, list(hits), error, True, status)


def test_ratios_are_to_the_best_of_the_peers():
    runs = {
        "zb.minimize": run(100, 1e-3), "fd-implicit": run(400, 1e-3, [300, 300, 300, 300, 10]),
        "py-bobyqa": run(500, 1e-3, [200, 200, 200, 200, 10]),
    }  # fmt: skip
    found = scores.score(runs, start_error=2.0)
    assert (found.to_hit, found.to_end, found.first_peer) == (0.5, 0.25, "fd-implicit")


def test_a_peer_that_ended_elsewhere_or_was_stopped_is_no_end():
    runs = {"zb.minimize": run(100, 1e-3), "fd-implicit": run(10, 1.0), "py-bobyqa": run(50, 1e-3, status="budget")}
    assert scores.score(runs, start_error=2.0).to_end == 0.0


def test_the_own_failure_is_infinite_where_a_peer_got_there():
    runs = {"zb.minimize": run(100, 0.5), "fd-implicit": run(400, 1e-3, [300] * 5)}
    found = scores.score(runs, start_error=2.0)
    assert found.to_hit == found.to_end == math.inf


def test_where_nobody_reaches_the_accuracy_the_best_end_sets_it():
    runs = {"zb.minimize": run(100, 0.05), "fd-implicit": run(400, 0.2, [None, None, None, 300, 10])}
    found = scores.score(runs, start_error=2.0)
    assert (found.accuracy, found.to_hit, found.to_end) == (0.1, 0.0, 0.0)
    runs["zb.minimize"] = run(100, 2.0)
    assert scores.score(runs, start_error=2.0).to_end == math.inf


def test_a_start_at_the_solution_has_no_first_value():
    runs = {"zb.minimize": run(100, 0.0), "fd-implicit": run(50, 0.0, [1] * 5)}
    found = scores.score(runs, start_error=0.0)
    assert (found.to_hit, found.to_end) == (None, 2.0)


def test_a_class_of_which_half_fails_has_failed():
    good = {"zb.minimize": run(10, 0.0), "fd-implicit": run(100, 0.0, [100] * 5)}
    bad = {"zb.minimize": run(10, 5.0), "fd-implicit": run(100, 0.0, [100] * 5)}
    assert scores.class_score("c", [good, bad], [2.0, 2.0]).to_end == math.inf
    assert not scores.class_score("c", [good, bad], [2.0, 2.0]).holds
    assert scores.class_score("c", [good, good, bad], [2.0] * 3).to_end == pytest.approx(0.1)


def test_a_peer_leaves_a_class_after_two_problems_in_which_it_was_first_in_nothing():
    names = ["zb.minimize", "quick", "early", "exact", "slow"]
    one = {
        "zb.minimize": run(1, 0.0), "quick": run(100, 5e-3, [90] * 5), "early": run(500, 0.1, [10] * 5),
        "exact": run(400, 1e-9, [300] * 5), "slow": run(300, 6e-3, [200] * 5),
    }  # fmt: skip
    assert race.still_in(names, [one]) == names
    assert race.still_in(names, [one, one, {}]) == ["zb.minimize", "quick", "early", "exact"]
    none = {"zb.minimize": run(1, 0.0), "quick": run(100, 3.0), "slow": run(100, 2.0)}
    assert race.still_in(names, [none, none]) == ["zb.minimize", "slow"]


# ---- the command


def test_the_command_writes_json_and_its_own_count_is_the_referees(capsys):
    arguments = ["--classes", "quadratic 3,1", "--problems", "1", "--methods", "fd-implicit", "--json", "--fresh"]
    assert load("__main__").main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    by_method = {r["method"]: r for r in found["runs"]}
    assert set(by_method) == {"zb.minimize", "fd-implicit"}
    assert by_method["zb.minimize"]["remark"] == ""
    assert by_method["fd-implicit"]["error"] < 1e-2
    assert found["classes"][0]["problems"] == 1


def test_the_page_says_the_command_and_every_class_that_is_above(tmp_path, capsys):
    to = tmp_path / "page.md"
    arguments = ["--classes", "quadratic 3,1", "--problems", "1", "--methods", "fd-implicit", "--page", str(to)]
    assert load("__main__").main([*arguments, "--fresh"]) == 0
    text = to.read_text()
    assert (
        f"python -m benchmarks.minimize --classes 'quadratic 3,1' --problems 1 --methods fd-implicit --page {to} "
        "--fresh" in text
    )
    assert "\n| quadratic 3,1 | 1 |" in text
    bad = scores.class_score("a bad class", [{"zb.minimize": run(10, 5.0), "fd-implicit": run(9, 0.0, [9] * 5)}], [2.0])
    text = load("page").page([bad], {}, ["zb.minimize", "fd-implicit"], ["cma-es"], "x")
    assert "Classes above 1.0 by (a) or (b): a bad class." in text
    assert "further from x* than asked: a bad class (1 of 1)." in text
    assert "**no**" in text
    assert "cma-es: not run" in text


def test_a_peer_that_is_not_installed_is_skipped_with_a_line(capsys, monkeypatch):
    monkeypatch.setitem(methods.METHODS, "py-bobyqa", methods.Method(lambda task: None, "no_such_package"))
    arguments = ["--classes", "quadratic 3,1", "--problems", "1", "--methods", "py-bobyqa", "--fresh"]
    assert load("__main__").main(arguments) == 0
    out, err = capsys.readouterr()
    assert "skipped py-bobyqa: no_such_package is not installed" in err
    assert "| py-bobyqa |" not in out


# ---- stored runs


def count_runs(monkeypatch):
    """How often a method is run, by name."""
    ran = []
    for name in ("zb.minimize", "fd-implicit"):
        method = methods.METHODS[name]

        def run_it(task, name=name, method=method):
            ran.append(name)
            return method.run(task)

        monkeypatch.setitem(methods.METHODS, name, methods.Method(run_it))
    return ran


def test_a_command_that_was_ended_goes_on(tmp_path, capsys, monkeypatch):
    ran, file = count_runs(monkeypatch), tmp_path / "runs.jsonl"
    arguments = ["--classes", "quadratic 3,1", "--methods", "fd-implicit", "--json", "--store", str(file)]
    main = load("__main__").main
    main([*arguments, "--problems", "2"])
    capsys.readouterr()
    assert len(ran) == 4
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[:3]) + "\n" + lines[3][:40])  # the process was ended while it wrote
    main([*arguments, "--problems", "3"])
    out, err = capsys.readouterr()
    assert len(ran) == 4 + 3  # one that was cut, and those of the third problem
    assert "[1 of 1," in err
    assert "3 new runs, 3 stored]" in err
    stored = json.loads(out)
    main([*arguments, "--problems", "3", "--fresh"])
    fresh = json.loads(capsys.readouterr().out)
    assert len(ran) == 7 + 6
    assert (stored["runs"], stored["classes"]) == (fresh["runs"], fresh["classes"])


def test_runs_of_other_sources_are_not_taken(tmp_path, monkeypatch):
    stored = load("stored")
    store = stored.Store(tmp_path / "runs.jsonl")
    made = run(7, 0.5)
    store.add(store.key("c", 0, 0, "fd-implicit", 100), made)
    again = stored.Store(tmp_path / "runs.jsonl")
    assert again.find(again.key("c", 0, 0, "fd-implicit", 100)) == made
    assert again.find(again.key("c", 0, 0, "fd-implicit", 99)) is None
    assert again.find(again.key("c", 0, 1, "fd-implicit", 100)) is None
    monkeypatch.setattr(stored, "fingerprint", lambda method: "other")
    assert again.find(again.key("c", 0, 0, "fd-implicit", 100)) is None


def test_the_fingerprint_of_a_peer_does_not_depend_on_minimize_and_its_own_does(tmp_path, monkeypatch):
    stored = load("stored")
    before = {name: stored.fingerprint(name) for name in ("zb.minimize", "fd-implicit")}
    package = tmp_path / "zoba_bench"
    for name in stored._OWN_SOURCES:
        source = Path(stored.zoba_bench.__file__).parent / name
        target = package / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    (package / "minimization" / "implicit" / "method.py").write_text("# another method")
    monkeypatch.setattr(stored.zoba_bench, "__file__", str(package / "__init__.py"))
    stored.fingerprint.cache_clear()
    after = {name: stored.fingerprint(name) for name in before}
    stored.fingerprint.cache_clear()
    assert after["fd-implicit"] == before["fd-implicit"]
    assert after["zb.minimize"] != before["zb.minimize"]
