"""P6c claims: plans to eps are sufficient, cost what is derived, and have the order that is certified."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from zoba_bench.verification.claim import Claim

__all__ = ["quick_claims", "standard_claims"]


@dataclass(frozen=True)
class _Setting:
    """Plans of one solver.

    Attributes
    ----------
    sizes, accuracies : (p, d), and eps.
    orders : what n(eps) is dominated by; "published" is the order that the theorems quote.
    fewer : an order with one power fewer, refused with the constant of the last of ``orders``.
    replicates : of the run.
    sharper : the plan for eps is claimed for eps over this by a control; with few replicates the limits are wide.
    less : how many times the counted evaluations are claimed by the control of the count.
    """

    solver: str
    sizes: tuple[tuple[int, int], ...]
    accuracies: tuple[float, ...]
    orders: tuple[str, ...]
    fewer: str
    replicates: int
    sharper: int = 8
    less: int = 2
    options: dict[str, Any] = field(default_factory=dict)

    def claims(self) -> list[Claim]:
        """All claims, each after its first use followed by its controls."""
        made: list[Claim] = []
        for p, d in self.sizes:
            for eps in self.accuracies:
                made += self._run(p, d, eps)
            made += [self._order(p, d, number) for number in range(len(self.orders)) if self._holds(p, d, number)]
        return [*made, *self._controls()]

    def _key(self, what: str, p: int, d: int, eps: float | None = None) -> str:
        return f"P6c/{self.solver}/{what}/{p}-{d}" + ("" if eps is None else f"/{eps:g}")

    def _run(self, p: int, d: int, eps: float) -> list[Claim]:
        words = f"eps = {eps:g} on the reference problem with p = {p}, d = {d}"
        mean = f"Run as the theorem plans it for {words}, the mean of |grad Psi|^2 over the run is at most eps."
        count = f"Run as the theorem plans it for {words}, the counter is at most the derived n(eps)."
        accurate, fewer, counted = (control.id for control in self._controls()[:3])
        return [
            self._claim(self._key("mean", p, d, eps), mean, "mean", p, d, eps, (accurate, fewer)),
            self._claim(self._key("count", p, d, eps), count, "count", p, d, eps, (counted,)),
        ]

    def _order(self, p: int, d: int, number: int) -> Claim:
        order = self.orders[number]
        words = "times the order published for ZOBA" if order == "published" else order
        statement = (
            f"At p = {p}, d = {d} the derived n(eps) is at most C {words} with the constant C of the dominance "
            "certificate."
        )
        key = self._key(f"order-{number}", p, d)
        return self._claim(key, statement, "order", p, d, 1.0, (self._controls()[3].id,), order=order)

    def _holds(self, p: int, d: int, number: int) -> bool:
        """One radius has the published order for p >= d only."""
        return self.solver != "zoba" or number != len(self.orders) - 1 or p >= d

    def _controls(self) -> list[Claim]:
        (p, d), eps = self.sizes[0], self.accuracies[0]
        wide = 512
        mean = self._key("mean", p, d, eps)
        fewer = 1000 if self.solver.startswith("zoba") else 0
        return [
            self._claim(
                f"{mean}/control-accuracy", f"Control: the plan for eps reaches eps / {self.sharper}.", "mean", p, d,
                eps, (), wrong={"accuracy": self.sharper},
            ),
            self._claim(
                f"{mean}/control-directions", "Control: a thousandth of the planned directions is enough.", "mean", p,
                d, eps, (), wrong={"directions": fewer},
            ) if fewer else self._claim(
                f"{mean}/control-iterations", "Control: a hundredth of the planned iterations is enough.", "mean", p, d,
                eps, (), wrong={"iterations": 100},
            ),
            self._claim(
                self._key("count", p, d, eps) + "/control-count",
                f"Control: the counter is at most 1/{self.less} of the derived n(eps).", "count", p, d, eps, (),
                wrong={"count": self.less},
            ),
            self._claim(
                self._key("order", wide, wide) + "/control-power",
                f"Control: at p = d = {wide} it is at most C {self.fewer} with the same C.", "order", wide, wide, 1.0,
                (), order=self.orders[-1], wrong={"order": self.fewer},
            ),
        ]  # fmt: skip

    def _claim(
        self, key: str, words: str, quantity: str, p: int, d: int, eps: float, controls: tuple[str, ...], **more: Any
    ) -> Claim:
        run = {} if quantity == "order" else {"replicates": self.replicates, "options": self.options}
        parameters = {
            "problem": {"name": "reference", "p": p, "d": d}, "eps": eps, "quantity": quantity, **run, **more,
        }  # fmt: skip
        return Claim(
            key, words, "P6c", self.solver, "reference", "at_most", 0.0, parameters,
            origin="derived" if controls else "control", controls=controls,
        )  # fmt: skip


_SMALL = ((2, 2), (4, 4), (2, 8))
_SETTINGS = (
    _Setting("zoba", _SMALL, (1.0, 0.7), ("(d + p)*(d**2 + p**2)/eps**2", "published"), "p*(d + p)/eps**2", 4, 16),
    _Setting("zoba-tuned", _SMALL, (1.0, 0.7), ("p*(d**2 + p**2)/eps**2", "published"), "p*(d + p)/eps**2", 4, 16),
    _Setting("zoba-mixed", _SMALL, (1.0, 0.7), ("p*(d + p)/eps**2", "published"), "(d + p)/eps**2", 4, 16),
    _Setting("hf-zoba", _SMALL, (1.0, 0.7), ("(d + p)/eps**2", "published"), "1/eps**2", 8,
             options={"outer_directions": "independent"}),
    _Setting("hf-zoba-shared", ((2, 2), (2, 8), (8, 8)), (0.25, 0.0625), ("(d + p)/eps", "published"), "1/eps", 8,
             less=4),
)  # fmt: skip


def standard_claims() -> list[Claim]:
    """P6c: every claim with its controls."""
    return [claim for setting in _SETTINGS for claim in setting.claims()]


def quick_claims() -> list[Claim]:
    """P6c: the plans of HF-ZOBA at p = d = 2 alone, in a few seconds."""
    known = {claim.id: claim for claim in standard_claims()}
    few = [
        claim
        for claim in known.values()
        if claim.solver in ("hf-zoba", "hf-zoba-shared") and claim.controls and claim.id.split("/")[3] == "2-2"
    ]
    wanted = dict.fromkeys(name for claim in few for name in (claim.id, *claim.controls))
    return [known[name] for name in wanted]
