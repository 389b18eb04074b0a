"""The code under which rows of a ledger are found again; under all other, no run of this code finds them."""

from __future__ import annotations

from zoba_bench.sweep import fingerprint, plan_fingerprint
from zoba_bench.verification.run.provenance import DERIVING

__all__ = ["current_code"]


def current_code(table: str, name: str) -> str:
    """The fingerprint under which this code finds rows of a task, or of a kind of what is derived.

    Parameters
    ----------
    table : {"cells", "failures", "texts"}
    name : str
        The task, or the kind.
    """
    if table in ("cells", "failures"):
        return fingerprint(name)
    return plan_fingerprint() if name in ("plan", "judgement") else fingerprint(DERIVING)
