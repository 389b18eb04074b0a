"""One fixture: every family of the catalogue, at several sizes and parameters."""

from __future__ import annotations

import pytest

from zoba_bench.problem import BilevelProblem

from .support import factory, instances


@pytest.fixture(params=instances(), scope="module")
def problem(request: pytest.FixtureRequest) -> BilevelProblem:
    name, keywords = request.param
    return factory(name)(**keywords)
