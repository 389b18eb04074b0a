"""Suites and comparisons that take no time, under the names of those that do."""

from dataclasses import replace

import pytest

from zoba_bench.registry import entry
from zoba_bench.verification.run import verify
from zoba_bench.verification.suite import Suite

_NOTHING_DERIVED = ("P10/soba/default", "P10/control:soba-gauss-seidel/default")


def small_suite():
    """One claim with its control, for which nothing is derived."""
    quick = entry("claims", "quick")()
    claims = tuple(claim for claim in quick.claims if claim.id in _NOTHING_DERIVED)
    return Suite("small", "One claim and its control.", claims)


@pytest.fixture
def small(monkeypatch):
    """Every suite that `verify` is asked for is the small one, and every comparison is short."""
    from zoba_bench.comparison import pairs

    suite = small_suite()
    monkeypatch.setattr(verify, "entry", lambda kind, name: lambda: replace(suite, name=name))
    monkeypatch.setattr(verify, "derivations", lambda solvers: {})  # for the report
    short = {
        "problems": [{"name": "reference", "p": 2, "d": 2}], "sizes": ["small"], "budget_per_dimension": 750,
        "gradient_cost": "one", "tuning_share": 0.5, "finalists": 2,
        "tuning_instances": 1, "tuning_replicates": 2, "instances": 1, "replicates": 2,
    }  # fmt: skip
    monkeypatch.setattr(pairs, "SUITES", {"compare": short, "compare-small": short})
    grids = {name: pairs.GRIDS[name] for name in ("hf-zoba", "zmdsba")}
    short_grids = {name: replace(entry, options=entry.options[:2]) for name, entry in grids.items()}
    monkeypatch.setattr(pairs, "GRIDS", short_grids)
    return suite
