"""``python -m benchmarks.scaling`` on a clock of its own: a linear cost is found linear, a quadratic one is not."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from .support import module

scaling, scaling_page = module("scaling"), module("scaling_page")


class Planted:
    """Runs that take what they are told to, up to two parts in a thousand, on a clock that they move themselves."""

    def __init__(self, sizes, own):
        self.now, rng = 0.0, np.random.default_rng(0)

        def case(size):
            def spend(seconds):
                self.now += made.iterations * seconds * rng.uniform(0.998, 1.002)

            made = SimpleNamespace(
                iterations=1, solve=lambda: spend(own(size) + 1e-7 * size), floor=lambda: spend(1e-7 * size)
            )
            return made

        line = scaling.Line(sizes, {"p": 1})
        whole, apart = scaling.measured([case(n) for n in sizes], 9, clock=lambda: self.now)
        self.fit = scaling.fitted("d", line, whole, apart)


SIZES = (64, 128, 256, 512, 1024, 2048)


def test_a_linear_cost_has_exponent_one_and_its_slope():
    fit = Planted(SIZES, lambda n: 2e-6 + 4e-7 * n).fit
    assert fit.exponent.low < 1 < fit.exponent.high + 0.02  # the fixed part takes a little
    assert fit.exponent.high - fit.exponent.low < 0.1
    assert fit.own_exponent.low < 1 < fit.own_exponent.high + 0.02
    assert fit.each.low < 0.5 < fit.each.high  # microseconds: draws and oracle have a share
    assert fit.fixed == pytest.approx(2, abs=1)
    assert fit.off < 0.05


def test_a_quadratic_own_part_is_seen_where_the_whole_is_still_linear():
    fit = Planted(SIZES, lambda n: 1e-9 * n + 1e-11 * n**2).fit
    assert fit.exponent.high < 1.2
    assert fit.own_exponent.low > 1.5


def test_a_run_that_fails_is_an_error():
    broken = SimpleNamespace(iterations=1, solve=lambda: False, solver=SimpleNamespace(name="zoba"), problem="p")
    with pytest.raises(RuntimeError, match="zoba failed on 'p'"):
        scaling.measured([broken], 2)


def test_page_and_picture_show_every_line():
    fit = Planted(SIZES, lambda n: 1e-6 * n).fit
    text = scaling_page.page({"zoba": [fit, fit]}, 9, "the command")
    assert text.count("| zoba | d | 64, 2048 | p = 1 |") == 2
    assert "the command" in text
    assert scaling_page.draw({"zoba": [fit, fit]}).startswith(b"\x89PNG")
