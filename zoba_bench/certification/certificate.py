"""One check of a certificate, and the certificate of a problem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["KINDS", "Certificate", "Check"]

#: How a check knows: a symbolic proof; an exact or rounding-level computation on the instance; the
#: largest value over sampled points, which is no bound; a statement that nothing here verifies.
KINDS = ("proved", "computed", "sampled", "stated")


@dataclass(frozen=True)
class Check:
    """One statement about a problem.

    Attributes
    ----------
    name : what is checked.
    ok : whether it holds.
    kind : one of :data:`KINDS`.
    detail : residuals, or what fails.
    """

    name: str
    ok: bool
    kind: str
    detail: str = ""


@dataclass(frozen=True)
class Certificate:
    """All checks of one problem."""

    problem: str
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing fails."""
        return all(check.ok for check in self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that fail."""
        return tuple(check for check in self.checks if not check.ok)

    @property
    def counts(self) -> dict[str, int]:
        """How many of the checks that hold are of each kind."""
        return {kind: sum(check.kind == kind and check.ok for check in self.checks) for kind in KINDS}

    def lines(self, whole: bool = False) -> list[str]:
        """As text: one line with what fails, or ``whole`` with every check."""
        mark = {True: "ok  ", False: "FAIL"}
        counts = ", ".join(f"{number} {kind}" for kind, number in self.counts.items() if number)
        if not whole:
            failed = "; ".join(f"{check.name}: {check.detail}" for check in self.failed)
            return [f"{mark[self.ok]}  {self.problem}: {counts}{f'; FAILS {failed}' if failed else ''}"]
        checks = [f"      {mark[c.ok]}  {c.kind:<8}  {c.name}: {c.detail}".rstrip(": ") for c in self.checks]
        return [f"{mark[self.ok]}  {self.problem}: {counts}", *checks]

    def row(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "problem": self.problem,
            "ok": self.ok,
            "counts": self.counts,
            "checks": [{"name": c.name, "ok": c.ok, "kind": c.kind, "detail": c.detail} for c in self.checks],
        }
