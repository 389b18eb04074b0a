"""Where a staged run has been: its places, the best of them, and what is handed back."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.minimization.outcome import Outcome
from zoba_bench.minimization.probe import Curvature, Point, Probe
from zoba_bench.minimization.tuning import Prediction, unit_root
from zoba_bench.result import Status

__all__ = ["Course", "Iterates", "Place"]


Iterates = tuple[Array, Array, Array]

_ROW = ("iteration", "evaluations", "value", "gradient_norm", "predicted_distance")


class Place(NamedTuple):
    """What is known at the current iterates; ``fresh`` if the curvature was measured there.

    ``value`` is F + v'G_z and ``measured`` is F alone, both at z + a: the first is nearer to Psi, unless v is wrong.
    """

    point: Point
    curvature: Curvature
    prediction: Prediction
    value: float
    measured: float
    fresh: bool

    def size(self, a: Array) -> float:
        """Norm of a vector like z in the metric |G_zz|: half its square is a value of G."""
        return float(np.linalg.norm(np.linalg.solve(unit_root(self.curvature.A), a)))

    def doubt(self, probe: Probe, target: float) -> float:
        """How far ``measured`` may be from Psi here: noise, what z is off, and what x may be off within the target."""
        off = abs(float(self.point.outer_z @ self.prediction.a))
        return 2 * probe.noise_outer + off + float(np.linalg.norm(self.prediction.gradient)) * target


@dataclass
class Course:
    """What is noted along a run.

    Attributes
    ----------
    rows : iteration, evaluations, Psi, norm of the hypergradient and predicted distance, a stage each.
    caveats : what the message says beside how the run ended.
    value : F where no place was measured: at the start, or at the end of a plain run.
    last : the place at the current iterates.
    best : the one with the smallest Psi among those at which z was near z*(x), and its doubt.
    inner_convex : whether G_zz was positive definite where it was last measured.
    bound : what differences confirm of the distance to a solution at the end; NaN where nothing.
    """

    rows: list[tuple[int, int, float, float, float]] = field(default_factory=list)
    caveats: list[str] = field(default_factory=list)
    value: float = math.nan
    last: Place | None = None
    best: tuple[Place, float] | None = None
    inner_convex: bool = True
    bound: float = math.nan

    def seen(self, place: Place, doubt: float) -> None:
        """Keep the place if its Psi is the smallest."""
        if math.isfinite(place.measured) and (self.best is None or place.measured < self.best[0].measured):
            self.best = place, doubt

    def _bound(self, place: Place | None) -> float:
        if not math.isnan(self.bound):
            return self.bound
        return math.nan if place is None else place.prediction.distance

    def outcome(self, status: Status, message: str, iterates: Iterates, nit: int, doubt: float) -> Outcome:
        """The best point so far; ``doubt`` is that of the last place."""
        place, best = self.last, self.best
        z, v, x = iterates
        if place is not None and best is not None and not place.measured <= best[0].measured + best[1] + doubt:
            ended = f"Psi = {place.measured:.6g}, above the best point seen, {best[0].measured:.6g}, which is returned"
            message = f"{message}; the run was at {ended}" if message else ""
            if status is Status.CONVERGED:
                status, message = Status.STOPPED, f"stopped where the local model promises a solution, at {ended}"
            place = best[0]
            z, v, x = place.point.z, place.point.v, place.point.x
        notes = [message, *self.caveats] if message else list(self.caveats)
        if not self.inner_convex:
            notes.append("inner is not strongly convex in z there")
        columns = [list(column) for column in zip(*self.rows, strict=True)] or [[] for _ in _ROW]
        return Outcome(
            x=x, z=z, v=v, status=status, message="; ".join(notes), nit=nit,
            fun=self.value if place is None else place.measured,
            jac=np.full(len(x), np.nan) if place is None else place.prediction.gradient,
            error_bound=self._bound(place),
            history=dict(zip(_ROW, columns, strict=True)),
        )  # fmt: skip
