"""What a newcomer reads on asv's page: every benchmark says what it measures, and in which unit."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
NAME = "asv_suite_of_zoba_bench"  # the folder is not installed; its own name might be somebody else's
KINDS = ("time_", "timeraw_", "track_", "mem_", "peakmem_")


def suite():
    if NAME not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            NAME, FOLDER / "__init__.py", submodule_search_locations=[str(FOLDER)]
        )
        sys.modules[NAME] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[NAME])
    for file in sorted(FOLDER.glob("bench_*.py")):
        module = importlib.import_module(f"{NAME}.{file.stem}")
        for kind in vars(module).values():
            if isinstance(kind, type) and kind.__module__ == module.__name__:
                for name, function in vars(kind).items():
                    if name.startswith(KINDS):
                        yield pytest.param(kind, function, id=f"{file.stem}.{kind.__name__}.{name}")


SUITE = list(suite())


@pytest.mark.parametrize(("kind", "function"), SUITE)
def test_a_benchmark_says_what_it_measures_and_in_which_unit(kind, function):
    assert len(function.pretty_name.split()) >= 4
    assert "_" not in function.pretty_name.replace("zoba_bench", "").replace("quad_general", "")
    assert function.unit in ("evaluations", "seconds", "bytes", "ratio", "microseconds")
    assert len(getattr(kind, "param_names", ())) == len(getattr(kind, "params", ()))
    if function.__name__.startswith("track_"):  # others are versions of their code, which no number depends on
        assert function.version.isdecimal()


def test_no_two_benchmarks_have_one_name():
    names = [parameters.values[1].pretty_name for parameters in SUITE]
    assert len(names) >= 8
    assert len(set(names)) == len(names)


def test_asv_can_import_every_file_of_the_folder_without_extras():
    """It does so before it runs anything, in an environment without them; one that fails ends all of it."""
    blocked = ("jax", "jaxlib", "numba", "optuna", "nevergrad", "cma", "pybobyqa", "distributed", "benchopt")
    code = f"""
import importlib, pkgutil, sys
sys.modules.update(dict.fromkeys({blocked!r}))
sys.path.insert(0, {str(FOLDER.parent)!r})
import benchmarks
for found in pkgutil.walk_packages(benchmarks.__path__, "benchmarks."):
    importlib.import_module(found.name)
    print(found.name)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=FOLDER.parents[1])
    assert done.returncode == 0, done.stderr[-2000:]
    assert {"benchmarks.jax_loop", "benchmarks.minimize.methods"} <= set(done.stdout.split())
