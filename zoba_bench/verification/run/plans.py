"""Plans of claims, kept in the ledger: what was derived once is not derived again by the same code.

A plan is kept as JSON under its claim, the seed, the look and a fingerprint of all code that predictions are derived
with. Numbers come back with the same bits and types: numpy's are written by their bytes. A plan that JSON cannot hold
so is not kept, and neither is one on a problem in a file whose content is not part of the claim.

``ahead`` derives what is missing before the first plan is asked for. With several processes all claims about one
theorem are derived in one of them, which derives that theorem once.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from zoba_bench.errors import DerivationError
from zoba_bench.ledger import Ledger
from zoba_bench.problem.file import is_file
from zoba_bench.processes import Failure, Runner
from zoba_bench.sweep import Cell, CellError, plan_fingerprint
from zoba_bench.verification.claim import Claim
from zoba_bench.verification.protocols import USUAL_SECONDS
from zoba_bench.verification.protocols.shared.named import right_solver
from zoba_bench.verification.protocols.shared.plan import Plan
from zoba_bench.verification.run.looks import looks_at, plan_claim
from zoba_bench.verification.run.provenance import rendered

__all__ = ["Plans", "claim_content", "decoded", "encoded"]

_TAG = "__"  # opens the one key of what is no plain JSON
#: CPU-seconds of the first plan about a theorem that was never derived.
_THEOREM = 4.0


class Plans:
    """Plans of a run.

    Parameters
    ----------
    ledger : Ledger
    fresh : bool
        Derive all of them, and replace those that are kept.

    Attributes
    ----------
    derived, kept : int
        How many were derived now, and how many were found.
    seconds : float
        CPU-seconds of those that were derived.
    """

    def __init__(self, ledger: Ledger, fresh: bool = False) -> None:
        self._ledger, self._fresh = ledger, fresh
        self._new: set[str] = set()
        self.derived = self.kept = 0
        self.seconds = 0.0

    def plan(self, claim: Claim, seed: int, look: int = 0) -> Plan:
        """What one look at the claim needs, derived or found; see :func:`zoba_bench.verification.run.looks.plan_claim`.

        Raises
        ------
        DerivationError
            If the derivation refuses, now or when it was kept.
        ValueError
            For a claim that cannot be measured; that is never kept.
        """
        key = _key(claim, seed, look)
        mark = plan_fingerprint()
        if key is not None and (not self._fresh or key in self._new):
            found = self._ledger.text("plan", key, mark)
            if found is not None:
                self.derived += key in self._new
                self.kept += key not in self._new
                if "refused" in found:
                    raise DerivationError(found["refused"])
                return _read(found)
        made, content, seconds = _derived(claim, seed, look)
        self.derived += 1
        self.seconds += seconds
        if key is not None and content is not None:
            self._ledger.put_text("plan", key, mark, content, seconds)
        if isinstance(made, DerivationError):
            raise made
        return made

    def ahead(
        self,
        claims: Iterable[Claim],
        seed: int,
        workers: Runner | None,
        derivations: Mapping[str, str],
        begin: Callable[[dict[str, tuple[int, float]]], Callable[[int, str], None]] | None = None,
    ) -> None:
        """Derive, and keep, what :meth:`plan` will be asked for and does not find.

        Parameters
        ----------
        claims : in several processes every look of them is planned, since predictions serve all looks.
        seed : of the run.
        workers : the processes; where there are fewer than two, this one derives, and renders nothing.
        derivations : to be rendered by the processes that derive them, with the fingerprint of their code.
        begin : callable(expected), optional
            Told how many claims about each theorem are derived and in about how many CPU-seconds; what it returns is
            told how many more are done, about which theorem.
        """
        mark = plan_fingerprint()
        alone = workers is None or workers.number == 1
        groups: dict[str, _Group] = {}
        for claim in claims:
            for look in range(1 if alone else looks_at(claim)):
                key = _key(claim, seed, look)
                if key is not None and (self._fresh or not self._ledger.holds_text("plan", key, mark)):
                    name = right_solver(claim.solver)
                    groups.setdefault(name, _Group(seed)).wanted.append((key, claim, look))
        for name, code in derivations.items():
            if not alone and not self._ledger.holds_text("derivation", name, code):
                groups.setdefault(name, _Group(seed)).render = name
        if not groups:
            return
        follow = None if begin is None else begin({name: self._expected(group) for name, group in groups.items()})
        for name, number, outcome in _in_processes(groups, workers):
            if not isinstance(outcome, Failure):  # else this process derives them and meets the error itself
                plans, shown, ran_by = outcome
                if ran_by != mark:
                    raise CellError("a source was edited during the run; start again (finished cells are kept)")
                rows = [("plan", key, mark, content, seconds) for key, content, seconds in plans]
                rows += [("derivation", each, derivations[each], *what) for each, what in shown.items()]
                self._ledger.put_texts(rows)
                self._new |= {key for key, _, _ in plans}
                self.seconds += sum(seconds for _, _, seconds in plans)
            if follow is not None:
                follow(number, name)

    def _expected(self, group: _Group) -> tuple[int, float]:
        """How many plans a group has, and in about how many CPU-seconds they are derived: as they were under other
        code, or as is usual."""
        seconds, first = 0.0, 0.0
        for key, claim, _ in group.wanted:
            before = self._ledger.text_seconds("plan", key)
            if before is None and claim.protocol in USUAL_SECONDS:
                first = _THEOREM
            seconds += USUAL_SECONDS.get(claim.protocol, 0.0) if before is None else before
        return len(group.wanted), seconds + first


@dataclass
class _Group:
    """What one process derives: looks at claims about one theorem, by key, and perhaps the theorem for the report."""

    seed: int
    wanted: list[tuple[str, Claim, int]] = field(default_factory=list)
    render: str | None = None


_Rendered = tuple[dict[str, Any], float]
_Outcome = tuple[list[tuple[str, dict[str, Any], float]], dict[str, _Rendered], str]


def _in_processes(
    groups: Mapping[str, _Group], workers: Runner | None
) -> Iterator[tuple[str, int, _Outcome | Failure]]:  # fmt: skip
    """Name of a group, number of its plans, and what became of them: by groups, or plan by plan in this process."""
    longest_first = sorted(groups.items(), key=lambda item: -len(item[1].wanted))
    if workers is None or workers.number == 1 or len(groups) < 2:  # this process derives one as fast
        for name, group in longest_first:
            for one in group.wanted:
                yield name, 1, _derived_group(_Group(group.seed, [one]))
        return
    calls = ((group,) for _, group in longest_first)
    for index, outcome in workers.run(f"{__name__}:_derived_group", calls):
        name, group = longest_first[index]
        yield name, len(group.wanted), outcome


def _derived_group(group: _Group) -> _Outcome:
    """Contents of plans by key with their CPU-seconds, what is rendered by name, and the code that did it.

    What cannot be kept is left out, and so is what fails: who asks for it will see the error.
    """
    plans = []
    with threadpool_limits(limits=1):
        for key, claim, look in group.wanted:
            try:
                _, content, seconds = _derived(claim, group.seed, look)
            except Exception:
                continue
            if content is not None:
                plans.append((key, content, seconds))
        shown = {} if group.render is None else {group.render: rendered(group.render)}
    return plans, shown, plan_fingerprint()


def _derived(
    claim: Claim, seed: int, look: int
) -> tuple[Plan | DerivationError, dict[str, Any] | None, float]:  # fmt: skip
    """A plan or its refusal, the same as JSON (None where that is not exact), and CPU-seconds."""
    start = time.process_time()
    made: Plan | DerivationError
    try:
        made = plan_claim(claim, seed, look)
        content = _written(made)
    except DerivationError as error:
        made, content = error, {"refused": str(error)}
    return made, content, time.process_time() - start


def _key(claim: Claim, seed: int, look: int) -> str | None:
    """Of everything that a plan follows from beside code; None where a file is named whose content is not among it."""
    about = claim_content(claim)
    if about is None:
        return None
    return hashlib.sha256(json.dumps([about, seed, look], sort_keys=True).encode()).hexdigest()[:32]


def claim_content(claim: Claim) -> Any:
    """The claim as JSON; None where it has none, or where a file is named whose content is not among it."""
    if not _hashed(claim.parameters):
        return None
    try:
        return encoded({field.name: getattr(claim, field.name) for field in fields(claim)})
    except TypeError:
        return None


def _hashed(value: Any) -> bool:
    """Whether every problem in a file that parameters name has the hash of its content beside its name."""
    if isinstance(value, Mapping):
        if is_file(value.get("name")) and "file_hash" not in value:
            return False
        return all(map(_hashed, value.values()))
    return all(map(_hashed, value)) if isinstance(value, (list, tuple)) else True


def _written(plan: Plan) -> dict[str, Any] | None:
    """The plan as JSON, or None where that is not exact."""
    try:
        cells = [[cell.task, encoded(cell.parameters), cell.seed] for cell in plan.cells]
        return {"cells": cells, "context": encoded(plan.context)}
    except TypeError:
        return None


def _read(content: Mapping[str, Any]) -> Plan:
    cells = tuple(Cell(task, decoded(parameters), seed) for task, parameters, seed in content["cells"])
    return Plan(cells, decoded(content["context"]))


def encoded(value: Any) -> Any:
    """A value as JSON from which :func:`decoded` makes the same one, bits and types.

    Raises
    ------
    TypeError
        For a value of another kind than numbers, strings, lists, tuples, tables and numpy's numbers and arrays.
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value) is list:
        return [encoded(part) for part in value]
    if type(value) is tuple:
        return {f"{_TAG}tuple": [encoded(part) for part in value]}
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "biuf":
        array = np.ascontiguousarray(value)
        what = "array" if isinstance(value, np.ndarray) else "number"
        return {f"{_TAG}{what}": [array.dtype.str, list(np.shape(value)), array.tobytes().hex()]}
    if type(value) is dict and all(type(key) is str and not key.startswith(_TAG) for key in value):
        return {key: encoded(part) for key, part in value.items()}
    raise TypeError(f"no exact JSON for {type(value).__name__}")


def decoded(value: Any) -> Any:
    """What :func:`encoded` was given."""
    if isinstance(value, list):
        return [decoded(part) for part in value]
    if not isinstance(value, dict):
        return value
    tag = next(iter(value), "")
    if not tag.startswith(_TAG):
        return {key: decoded(part) for key, part in value.items()}
    if tag == f"{_TAG}tuple":
        return tuple(decoded(part) for part in value[tag])
    dtype, shape, data = value[tag]
    array = np.frombuffer(bytes.fromhex(data), dtype=dtype).reshape(shape).copy()
    return array if tag == f"{_TAG}array" else array[()]
