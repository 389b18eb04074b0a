"""Options of a solver that are of another kind than their defaults."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

import zoba_bench as zb
from zoba_bench.registry import entry, list_solvers, make_solver
from zoba_bench.solvers.hf_zoba import HfZoba

from ..verification.command import call


@dataclass(frozen=True)
class Loose(HfZoba):
    """One that checks nothing of its own option, as most of users do."""

    beta: float = 0.1
    passes: int = 2
    often: bool = False
    word: str = "a"
    either: float | str = 0.5

    def __post_init__(self):
        super().__post_init__()
        if self.passes > 10**6:
            raise ValueError("too much")


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("beta", "high", "a number, as its default 0.1 is; got 'high'"),
        ("beta", None, "a number, as its default 0.1 is; got None"),
        ("beta", True, "a number, as its default 0.1 is; got True"),
        ("passes", 1.5, "an integer, as its default 2 is; got 1.5"),
        ("passes", "3", "an integer, as its default 2 is; got '3'"),  # raised by the class: '>' of a text
        ("often", 1, "true or false, as its default False is; got 1"),
        ("word", 3, "a text, as its default 'a' is; got 3"),
    ],
)
def test_another_kind_is_named_with_option_value_and_what_is_wanted(name, value, wanted):
    with pytest.raises(TypeError) as error:
        make_solver(Loose, **{name: value})
    assert str(error.value) == f"option {name} of solver Loose must be {wanted}"
    with pytest.raises(TypeError, match=f"option {name} of"):
        zb.solve("reference", Loose, max_iterations=1, **{name: value})


def test_what_is_of_the_kind_is_taken():
    made = make_solver(Loose, beta=1, passes=1e2, often=True, word="b", either="c")
    assert (made.beta, made.passes, type(made.passes), made.often, made.word, made.either) == (
        1, 100, int, True, "b", "c",
    )  # fmt: skip


def test_what_the_class_says_of_an_option_comes_first():
    with pytest.raises(ValueError, match="rho must be a positive finite number, got 'high'"):
        make_solver(Loose, rho="high")


@pytest.mark.parametrize("name", list_solvers())
def test_every_solver_takes_its_own_defaults_and_no_text_for_a_number(name):
    defaults = {option: getattr(make_solver(name), option) for option in entry("solvers", name).option_names()}
    make_solver(name, **defaults)
    for option, value in defaults.items():
        if type(value) in (int, float):
            with pytest.raises((TypeError, ValueError), match=f"{option} .*must be .*got 'high'"):
                make_solver(name, **{option: "high"})


def test_the_command_line_says_it_in_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(
        "from dataclasses import dataclass\nfrom zoba_bench.solvers.hf_zoba import HfZoba\n\n"
        "@dataclass(frozen=True)\nclass Mine(HfZoba):\n    beta: float = 0.1\n"
    )
    code, output, errors = call("solve", "reference", "--solver", "mine.py:Mine", "--set", "beta=high")
    assert (code, output) == (2, "")
    assert errors == (
        "zoba-bench: error: option beta of solver 'mine.py:Mine' must be a number, as its default 0.1 is; got 'high'\n"
    )
