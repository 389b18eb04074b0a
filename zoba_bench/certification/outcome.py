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

    def row(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "problem": self.problem,
            "ok": self.ok,
            "checks": [{"name": c.name, "ok": c.ok, "kind": c.kind, "detail": c.detail} for c in self.checks],
        }
