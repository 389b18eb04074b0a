"""Ledgers for tests: rows that are made, not run."""

from __future__ import annotations

from zoba_bench.ledger import Ledger

NEW, OLD = "a" * 32, "b" * 32
ORIGIN = {
    "zoba_bench": "0.1.0", "commit": "c0ffee", "python": "3.12", "numpy": "2.1", "scipy": "1.14",
    "blas": ["openblas 0.3.29 SkylakeX"], "processor": "a processor",
}  # fmt: skip
#: An escape sequence that clears a terminal, and a character that reverses the writing.
NASTY = "\x1b[2J\u202e"


def put(ledger, key, *, solver="zoba", problem="quad_sum", code=NEW, result=None, task="m:trajectory", seconds=0.5):
    ledger.put(
        key=key, fingerprint=code, task=task, seed=3, seconds=seconds, origin=ORIGIN,
        parameters={"solver": solver, "problem": {"name": problem, "p": 2}, "options": {"l1": 4}},
        result={"final": [1.0, 0.5, 0.25], "nit": 7} if result is None else result,
    )  # fmt: skip


def fail(ledger, key, *, code=NEW, solver="zoba", status="raised"):
    ledger.put_failure(
        key=key, fingerprint=code, task="m:trajectory", parameters={"solver": solver, "problem": "reference"}, seed=3,
        status=status, exception="ZeroDivisionError", message="ZeroDivisionError: planted", traceback="line 1",
        origin=ORIGIN,
    )  # fmt: skip


def claim(name, verdict="consistent", measured=1.0, half=0.1, **more):
    """A row of a verdict, as a run stores it."""
    return {
        "id": name, "statement": f"{name} holds", "origin": "derived", "source": "", "relation": "equal",
        "solver": "zoba", "problem": "reference", "protocol": "P2b", "predicted": 1.0, "measured": measured,
        "limits": [measured - half, measured + half], "tolerance": 0.2, "allowed": [0.8, 1.2], "verdict": verdict,
        "expected": "consistent", "reason": f"measured {measured}", "level": 0.99,
        "series": {"x": [1.0, 2.0], "log_measured": [0.0, measured], "log_half_width": [half, half], "quantity": "d"},
        **more,
    }  # fmt: skip


def run(claims, code=NEW, failed=()):
    """The content of a run of claims."""
    provenance = {"fingerprint": code, "zoba_bench": "0.1.0", "commit": "c0ffee"}
    return {"suite": "quick", "claims": list(claims), "provenance": provenance, "failed": list(failed), "seconds": 2.0}


def pair(solver, median, spread=0.1, failed=0, **more):
    """A row of a comparison."""
    quartiles = [None, None] if median is None else [median * (1 - spread), median * (1 + spread)]
    return {
        "problem": "reference", "solver": solver, "metric": "stationarity", "loops": "single", "oracle": "values",
        "options": {"l1": 4}, "start": 10.0, "median": median, "quartiles": quartiles, "failed": failed,
        "evaluations": [0, 50, 100], "curve": [10.0, 1.0, median], "seconds": 0.5, "rounding": 1e-20, **more,
    }  # fmt: skip


def compared(*rows):
    """The content of a comparison."""
    return {"comparison": "compare", "seed": 0, "rows": list(rows), "rivals": [], "left_out": {}, "settings": {}}


def damage(ledger, table, where):
    """Change a row behind the ledger's back."""
    column = {"cells": "result", "runs": "content", "failures": "message"}[table]
    ledger._db.execute(f"UPDATE {table} SET {column} = '{{\"x\": 1}}' WHERE {where}")


def whole(path):
    """A ledger with something of each kind."""
    with Ledger(path) as ledger:
        put(ledger, "k1")
        put(ledger, "k2", solver="hf-zoba", problem="reference", seconds=1.5)
        put(ledger, "k3", code=OLD)
        put(ledger, "k4", task="m:digests", solver=NASTY)
        fail(ledger, "k5")
        put(ledger, "k6")
        damage(ledger, "cells", "key = 'k6'")
        ledger.put_text("plan", "a", OLD, {"cells": []}, 0.5)
        ledger.put_text("plan", "b", NEW, {"cells": []}, 0.5)
        ledger.add_run("quick", 0, run([claim("P2b/zoba"), claim("P6/zoba", "violated", 2.0)]))
        ledger.add_run("compare", 1, compared(pair("zoba", 0.5), pair("hf-zoba", None, failed=2)))
    return path
