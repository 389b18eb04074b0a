"""What protocols measured, kept in the ledger: the same results are not judged again by the same code.

A measurement is kept as JSON under its claim, the level of its limits, the checksums of the rows of its cells, and a
fingerprint of all code that predictions are derived with. Numbers come back with the same bits and types, as those of
:mod:`zoba_bench.verification.run.plans`. What JSON cannot hold so is judged every time, and so is a claim on a problem
in a file whose content is not part of the claim.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from zoba_bench.ledger import Ledger
from zoba_bench.statistics import Limits
from zoba_bench.sweep import fingerprint, plan_fingerprint
from zoba_bench.verification.checking import protocol_of
from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.protocols.shared.plan import Plan
from zoba_bench.verification.run.plans import claim_content, decoded, encoded

__all__ = ["Judgements"]

_KIND = "judgement"
_LIMITS = ("limits", "bend")


class Judgements:
    """Measurements of a run.

    Parameters
    ----------
    ledger : Ledger
    fresh : bool
        Judge everything anew, and replace what is kept.
    """

    def __init__(self, ledger: Ledger, fresh: bool = False) -> None:
        self._ledger, self._fresh = ledger, fresh
        self._new: dict[str, Any] = {}

    def judge(self, claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
        """The protocol's ``judge``, or what it returned for the same results.

        Raises
        ------
        ArithmeticError, ValueError
            Where the protocol cannot judge these results; that is never kept.
        """
        key = self._key(claim, plan, level)
        if key is not None and not self._fresh:
            found = self._ledger.text(_KIND, key, plan_fingerprint())
            if found is not None:
                return _read(found)
        made: Measurement = protocol_of(claim).judge(claim, plan, results, level)
        if key is not None:
            with contextlib.suppress(TypeError):
                self._new[key] = _written(made)
        return made

    def keep(self) -> None:
        """Store what was judged since the last time, in one transaction."""
        mark = plan_fingerprint()
        self._ledger.put_texts([(_KIND, key, mark, content, 0.0) for key, content in self._new.items()])
        self._new.clear()

    def _key(self, claim: Claim, plan: Plan, level: float) -> str | None:
        about = claim_content(claim)
        rows = [self._ledger.checksum_of(cell.key, fingerprint(cell.task)) for cell in plan.cells]
        if about is None or None in rows:
            return None
        content = json.dumps([about, level, [cell.key for cell in plan.cells], rows], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:32]


def _written(made: Measurement) -> dict[str, Any]:
    values = {each.name: getattr(made, each.name) for each in fields(made)}
    values["series"] = dict(made.series)
    values |= {name: None if (of := values[name]) is None else [of.low, of.high] for name in _LIMITS}
    return {name: encoded(value) for name, value in values.items()}


def _read(content: Mapping[str, Any]) -> Measurement:
    values: dict[str, Any] = {name: decoded(value) for name, value in content.items()}
    values |= {name: None if values[name] is None else Limits(*values[name]) for name in _LIMITS}
    return Measurement(**values)
