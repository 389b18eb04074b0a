"""Whether a state may be given another number k: what a solver does late in a run is seen so, without the run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from zoba_bench.oracle import Oracle
from zoba_bench.verification.declarations import start
from zoba_bench.verification.protocols.shared.named import build_problem, build_solver
from zoba_bench.verification.protocols.whole_step import parts as parts_of
from zoba_bench.verification.suites.own_solver.parts import Parts, Spec, pilot_rng

__all__ = ["FAR_ON", "RUN", "beside_k"]

#: Iterations that a run comes to.
RUN = 51
#: Numbers that the state at the end of such a run is given.
FAR_ON = (100, 400, 1000)


def beside_k(parts: Parts, spec: Spec) -> list[str]:
    """What a state remembers beside k and real arrays: counters, which another number k would contradict.

    Real arrays are read by the declarations, so that a step from them is predicted at any k.
    """
    problem = build_problem(spec)
    state = build_solver(parts.solver, parts.options).init(
        Oracle(problem, 1), pilot_rng(), *(a[None] for a in start(problem))
    )
    if not is_dataclass(state) or "k" not in {field.name for field in fields(state)}:
        return ["no k"]
    return sorted(_others(state))


def _others(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, (Oracle, np.random.Generator)) or value is None or name in ("k", "estimate", "bases"):
        return
    if isinstance(value, np.ndarray):
        if value.dtype != np.float64 or not value.ndim:
            yield name
        return
    inner = parts_of(value)
    if isinstance(value, tuple):
        inner = [(str(number), part) for number, part in enumerate(value)]
    elif not inner and not isinstance(value, dict):
        yield name
    for part, each in inner:
        yield from _others(each, f"{name}.{part}" if name else str(part))
