"""A small run's content, written by hand: every relation, verdict and gap that a report may meet."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoba_bench.ledger import Ledger
from zoba_bench.report.html import write_report

SIZES = [4.0, 8.0, 16.0]
TITLES = {
    "P1": "evaluation counts", "P2": "moments of the surrogates", "P2b": "one-step law", "P4a": "noise over a horizon",
    "P5": "explicit bound",
}  # fmt: skip
SUMMARIES = {"P2b": {"along": "d", "title": "Variance of one step from the solution"}}


def series(exponent: float, level: float = 1.0, missing: int = 0) -> dict[str, Any]:
    """A line that follows ``level x^exponent`` exactly, derived as a power ``missing`` fewer."""
    x = np.array(SIZES)
    return {
        "x": SIZES,
        "xlabel": "d",
        "ylabel": "E|x1 - x*|^2 / gamma^2",
        "predicted": (x ** (exponent - missing)).tolist(),
        "log_measured": (np.log(level) + exponent * np.log(x)).tolist(),
        "log_half_width": [0.1, 0.05, 0.02],
    }


def row(identifier: str, **changes: Any) -> dict[str, Any]:
    """A claim's row."""
    protocol, solver, *_, last = identifier.split("/")
    row = {
        "id": identifier,
        "statement": f"The statement of {identifier}.",
        "origin": "derived",
        "relation": "equal",
        "solver": solver,
        "problem": "reference",
        "predicted": 0.0,
        "measured": 0.0,
        "limits": [-0.01, 0.01],
        "verdict": "consistent",
        "expected": "consistent",
        "reason": "measured and allowed",
        "protocol": protocol,
        "title": TITLES[protocol],
        "summary": SUMMARIES.get(protocol, {}),
        "tolerance": 0.1,
        "controls": [],
        "series": {},
    } | changes
    about = {"exponent": "slope", "slope": "slope", "level": "ratio"}.get(last, "residual")
    row["series"] = {"quantity": about, **row["series"]} if "x" in row["series"] else row["series"]
    return row


def control(identifier: str, **changes: Any) -> dict[str, Any]:
    """A control's row, with the verdict that it must get."""
    return row(identifier, **{"origin": "control", "verdict": "violated", "expected": "violated", **changes})


MOMENTS = {"relation": "at_most", "tolerance": 1.0, "problem": "quad"}

_LONG = "<mrow>" + "<mo>+</mo>".join(f"<msup><mi>p</mi><mn>{k}</mn></msup>" for k in range(60)) + "</mrow>"

CONTENT: dict[str, Any] = {
    "suite": "tiny",
    "description": "By hand.",
    "seed": 7,
    "claims": [
        row("P1/zoba/counts", relation="exact", tolerance=0.0, limits=[0.0, 0.0], problem="all"),
        row("P2/zoba/quad", **MOMENTS, measured=0.2, limits=[0.2, 0.2], series={"rows": [[0.2, "mean"]]}),
        row(
            "P2/hf-zoba/quad",
            **MOMENTS,
            measured=None,
            limits=[None, None],
            verdict="inconclusive",
            reason="the derivation refuses: step 3",
            series={"rows": [[None, "mean"]]},
        ),
        control(
            "P2/control:wrong/quad",
            **MOMENTS,
            measured=1e8,
            limits=[1e8, 1e8],
            series={"rows": [[1e8, "mean"]]},
        ),
        row("P2b/zoba/d/residual", series=series(3.0)),
        row(
            "P2b/zoba/d/exponent",
            predicted=3.0,
            measured=3.0,
            limits=[2.9, 3.1],
            controls=["P2b/zoba/d/control-missing-power"],
            series=series(3.0),
        ),
        control("P2b/zoba/d/control-missing-power", measured=1.0, limits=[0.9, 1.1], series=series(3.0, missing=1)),
        row(
            "P4a/zoba/published",
            predicted=1.0,
            measured=2.5,
            limits=[2.4, 2.6],
            verdict="violated",
            expected="violated",
            origin="published",
            source="arXiv 2601.21836, abstract",
            series=series(2.5) | {"quantity": "slope"},
        ),
        row(
            "P4a/zoba/level",
            predicted=1.0,
            measured=1.05,
            limits=[1.0, 1.1],
            tolerance=0.2,
            series=series(-0.5, level=1.05),
        ),
        row(
            "P5/zoba/bound",
            relation="at_most",
            predicted=2.0,
            measured=None,
            limits=None,
            verdict="inconclusive",
            reason="no mean is finite",
        ),
    ],
    "matrix": {"P1": {"all": ["zoba"]}, "P2": {"quad": ["zoba", "hf-zoba"]}, "P2b": {"reference": ["zoba"]}},
    "left_out": {"pictures": 'pip install "zoba-bench[data]"'},
    "confidence": 0.99,
    "level": 0.999,
    "seconds": 12.3,
    "provenance": {
        "zoba_bench": "0.1.0",
        "fingerprint": "abc",
        "commit": "c0ffee",
        "cpus": 2,
        "blas": "openblas 0.3",
        "command": "zoba-bench verify --suite tiny --seed 7 --only protocol=P2b --claim P2/zoba/quad",
    },
    "protocols": {
        "P2b": {
            "about": "E|x1 - x*|^2 of one step, over d.\n\nAt the solution the mean step vanishes.",
            "tolerance": "All of it for the data.",
            "leaves_open": "The limit of large d.",
        },
    },
    "derivations": {
        "zoba": {
            "title": "A theorem",
            "assumptions": ["A1: mu > 0 & L < oo"],
            "steps": [
                {
                    "name": "mean",
                    "statement": "E X < 1",
                    "mathml": "<mi>X</mi>",
                    "justification": "Isserlis",
                    "ok": True,
                }
            ],
            "complexity": {
                "n": " + ".join(f"{k}*L_xx**2*p**{k}/eps**2" for k in range(1, 60)),
                "per_direction": {"text": "p + ...", "mathml": _LONG},
                "order": "p^3",
                "mathml": "<msup><mi>p</mi><mn>3</mn></msup>",
            },
        },
        "hf-zoba": {"refused": "step 'mean' fails"},
    },
}


RUN = {"id": 1, "suite": "tiny", "seed": 7, "created": "2026-01-21T00:00:00+00:00", "content": CONTENT}


@pytest.fixture(scope="session")
def report(tmp_path_factory) -> Path:
    """The folder with the report of this run; the tests only read it."""
    folder = tmp_path_factory.mktemp("report")
    with Ledger(folder / "ledger.sqlite") as opened:
        opened.add_run("tiny", 7, CONTENT)
        return write_report(opened, folder).parent


@pytest.fixture
def content() -> dict[str, Any]:
    """The content, free to change."""
    return copy.deepcopy(CONTENT)


@pytest.fixture
def ledger(tmp_path, content):
    """A ledger with this content as its last run."""
    with Ledger(tmp_path / "ledger.sqlite") as opened:
        opened.add_run("tiny", 7, content)
        yield opened
