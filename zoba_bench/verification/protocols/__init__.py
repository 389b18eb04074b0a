"""The protocols: name -> module. A protocol is one way to measure a claim, and its file is named by what it measures.

Read them in the order of the table below: the checker itself, one direction and one step, whole runs, determinism and
proofs. ``shared/`` holds what several of them use.

The file of a protocol says everything that there is to say of it:

- the first paragraph of its docstring: what is measured, against what;
- ``TITLE``: that in a few words, for tables and figures;
- ``TOLERANCE`` and ``LEAVES_OPEN``: where the tolerance of its claims comes from, and what a verdict does not show;
- ``PARAMETERS``: what its claims' parameters may be; the docstring of ``plan`` says what they mean;
- ``plan(claim, seed)``: the cells that one claim needs, with its predictions;
- ``judge(claim, plan, results, level)``: the measurement, from the cells' results;
- the functions that run in its cells; their names stand in :mod:`zoba_bench.tasks`.

Where it applies the file also declares

- ``SIMULATED = True``: no solver runs on a problem, so that a claim needs neither;
- ``RESTS_ON_THEOREM = False``: the report shows no derivation on account of its claims;
- ``SUMMARY``: {"along": an axis, "title": of a panel}, the lines that the report's summary figure shows;
- ``WORK``: the work of cells that :func:`zoba_bench.verification.run.cost.work_of` cannot read off their parameters.

A new protocol is a file here, a file of the same name in ``claims/`` and one line below. ``python
docs/protocol_tables.py --write`` puts it into the documentation.
"""

import importlib
import inspect
from collections.abc import Iterable
from typing import Any

__all__ = ["PROTOCOLS", "USUAL_SECONDS", "descriptions", "load_protocol", "titles"]

PROTOCOLS: dict[str, str] = {
    "P0": "zoba_bench.verification.protocols.error_rates",
    "P1": "zoba_bench.verification.protocols.counts",
    "P1d": "zoba_bench.verification.protocols.declared_counts",
    "P2": "zoba_bench.verification.protocols.moments",
    "P2s": "zoba_bench.verification.protocols.mean_step",
    "P2b": "zoba_bench.verification.protocols.one_step",
    "P3": "zoba_bench.verification.protocols.inequalities",
    "P4a": "zoba_bench.verification.protocols.horizon",
    "P4b": "zoba_bench.verification.protocols.transient",
    "P5": "zoba_bench.verification.protocols.bounds",
    "P6": "zoba_bench.verification.protocols.complexity",
    "P6b": "zoba_bench.verification.protocols.floors",
    "P6c": "zoba_bench.verification.protocols.planned",
    "P6d": "zoba_bench.verification.protocols.registry",
    "P7": "zoba_bench.verification.protocols.accuracy",
    "P7b": "zoba_bench.verification.protocols.mean_run",
    "P8": "zoba_bench.verification.protocols.determinism",
    "P9": "zoba_bench.verification.protocols.proofs",
    "P10": "zoba_bench.verification.protocols.whole_step",
    "P11": "zoba_bench.verification.protocols.independence",
    "P12": "zoba_bench.verification.protocols.conduct",
    "P13": "zoba_bench.verification.protocols.reached",
    "P14": "zoba_bench.verification.protocols.settings",
}

#: CPU-seconds of a plan that was never derived, by protocol (others take next to nothing): what runs of the suites
#: quick and standard took, for want of anything better.
USUAL_SECONDS = {
    "P1": 0.02, "P2b": 0.6, "P3": 0.16, "P4a": 0.3, "P5": 0.1, "P6": 1.0, "P6b": 0.2, "P6c": 0.25, "P6d": 0.6,
    "P7": 0.5,
}  # fmt: skip


def load_protocol(name: str) -> Any:
    """The module of a protocol; KeyError if there is none of that name."""
    return importlib.import_module(PROTOCOLS[name])


def descriptions(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """What the report says once of each of these protocols: how it measures, and what its verdicts rest on."""
    found = {}
    for name in names:
        protocol = load_protocol(name)
        about = inspect.cleandoc(protocol.__doc__ or "").removeprefix(f"{name}: ")
        texts = {"tolerance": getattr(protocol, "TOLERANCE", ""), "leaves_open": getattr(protocol, "LEAVES_OPEN", "")}
        found[name] = {"about": about, **texts}
    return found


def titles(names: Iterable[str]) -> dict[str, str]:
    """Titles by name, of those that are protocols."""
    return {name: load_protocol(name).TITLE for name in names if name in PROTOCOLS}
