"""What a run of R replicates returns."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array
from zoba_bench.frames import data_frame
from zoba_bench.json_values import strict_json
from zoba_bench.result.printing import printed, together
from zoba_bench.result.status import Status

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["Result"]


@dataclass(frozen=True, repr=False)
class Result:
    """Result of a run of R replicates, which prints as scipy's ``OptimizeResult`` does.

    A single run (of ``minimize``) has no replicate axis: scalars for arrays (R,), one message.

    Attributes
    ----------
    x : (R, d) array; z, v : (R, p) arrays
        Last finite iterates.
    fun : (R,) array or None
        Of :func:`zoba_bench.solve`: Psi(x) where the problem declares it, outside the counter; else F(z, x), counted,
        and NaN where the budget had no room for it.
    success : (R,) bool array
        Whether the run reached what it was for: CONVERGED, or BUDGET where a budget was given and no tolerance.
        False for every other end, and so where the iterations were used up.
    failed : (R,) bool array
        DIVERGED or NON_FINITE.
    status : (R,) int array of :class:`Status`.
    message : list of str, one a replicate: what happened, and what to try with this solver.
    nit : (R,) int array, iterations.
    n_inner, n_outer : (R,) int arrays, evaluations of G and F; ``nfev`` is their sum.
    counts : dict of (R,) int arrays
        Everything that was queried: "inner", "outer", derivatives by the names of the problem's attributes, "prox",
        "projection" and "communication" (rounds).
    mean_stationarity : (R,) array or None
        Mean of |grad Psi(x_k)|^2 over k = 0 ... nit-1, whatever ``record_every`` was;
        None where the problem has no closed-form hypergradient or recording was off.
    history : dict of arrays
        "iteration" (n,), and where known "stationarity", "gap", "distance" (n, R).
    estimate : (R,) array or None
        Norm of the last surrogate hypergradient; NaN where it could not be computed.
    tolerance : float
        What ``estimate`` was to fall to; 0 where the run had no such aim.
    non_finite : str
        "inner returned NaN at z = ..., x = ...": where a function of the problem first returned a value that is not
        finite, in any replicate; empty if none did, or only where the iterates had left.
    travelled : (R,) array or None
        |x - x0| of :func:`zoba_bench.solve`.
    tuning : str
        What ``solve(tune=True)`` chose, and the evaluations it took.
    advice : str
        What to change where the default options of a solver left most of the way on a problem of one's own.
    """

    x: Array
    z: Array
    v: Array
    status: NDArray[np.int64]
    nit: NDArray[np.int64]
    n_inner: NDArray[np.int64]
    n_outer: NDArray[np.int64]
    mean_stationarity: Array | None = None
    history: dict[str, NDArray[Any]] = field(default_factory=dict)
    estimate: Array | None = None
    problem: str = ""
    solver: str = ""
    message: list[str] = field(default_factory=list)
    counts: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    non_finite: str = ""
    travelled: Array | None = None
    advice: str = ""
    tuning: str = ""
    fun: Array | None = None
    tolerance: float = 0.0

    @property
    def nfev(self) -> NDArray[np.int64]:
        """Evaluations of both levels, per replicate."""
        return self.n_inner + self.n_outer

    @property
    def success(self) -> NDArray[np.bool_]:
        """Whether each replicate reached what the run was for: its tolerance, or else the end of its budget."""
        aims = (Status.CONVERGED,) if self.tolerance > 0 else (Status.CONVERGED, Status.BUDGET)
        return np.isin(self.status, aims)

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Whether each replicate diverged, met values that are not finite, or saw rounding alone."""
        return np.isin(self.status, (Status.DIVERGED, Status.NON_FINITE, Status.UNRESOLVED))

    def __repr__(self) -> str:
        alone = np.ndim(self.x) == 2 and len(self.x) == 1
        last = {name: rows[-1] for name, rows in self.history.items() if name != "iteration" and len(rows)}
        queries = {name: n for name, n in self.counts.items() if name not in ("inner", "outer") and np.any(n)}
        items = {
            "message": together(self.message), "success": self.success, "status": np.asarray(self.status),
            "fun": self.fun, "x": self.x, "nit": self.nit, "nfev": self.nfev, "n_inner": self.n_inner,
            "n_outer": self.n_outer, "z": self.z, "v": self.v, "estimate": self.estimate, "travelled": self.travelled,
        }  # fmt: skip
        words = {"solver": self.solver, "problem": self.problem, "tuning": self.tuning, "advice": self.advice}
        return printed({**items, **last, **queries, **words}, alone)

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON can hold it: lists of Python's numbers for arrays, None for NaN and infinities."""
        plain = {each.name: getattr(self, each.name) for each in fields(self)}
        found: dict[str, Any] = strict_json({**plain, "nfev": self.nfev, "success": self.success})
        return found

    def to_json(self) -> str:
        """:meth:`to_dict` as text."""
        return json.dumps(self.to_dict(), allow_nan=False)

    def to_dataframe(self, what: Literal["replicates", "history"] = "replicates") -> pd.DataFrame:
        """A pandas table; needs the extra ``pandas``.

        Parameters
        ----------
        what : {"replicates", "history"}
            A row a replicate, with its end, counts and x ("x[0]", ...); or a row a recorded iterate and replicate.
        """
        if what == "history":
            return data_frame(_history_rows(self))
        if what != "replicates":
            raise ValueError(f"what must be 'replicates' or 'history', got {what!r}")
        return data_frame(_replicate_rows(self))

    def plot(self) -> Figure:
        """A picture of what was recorded along the run; ``.savefig("run.png")`` writes it."""
        from zoba_bench.result.picture import draw

        counts = np.atleast_1d(self.nit), np.atleast_1d(self.nfev)
        return draw(self.history, *counts, f"{self.solver} on {self.problem}")


def _replicate_rows(result: Result) -> list[dict[str, Any]]:
    columns: dict[str, Any] = {
        "solver": result.solver, "problem": result.problem, "success": result.success,
        "status": [Status(s).label for s in np.atleast_1d(result.status)], "message": result.message or "",
        "nit": result.nit, "nfev": result.nfev, "n_inner": result.n_inner, "n_outer": result.n_outer,
        "fun": result.fun, "estimate": result.estimate, "mean_stationarity": result.mean_stationarity,
        "travelled": result.travelled,
    }  # fmt: skip
    x = np.atleast_2d(result.x)
    columns |= {f"x[{i}]": x[:, i] for i in range(x.shape[1])}
    given = {name: column for name, column in columns.items() if column is not None}
    return [{"replicate": r, **{name: _entry(column, r) for name, column in given.items()}} for r in range(len(x))]


def _entry(column: Any, replicate: int) -> Any:
    """What a column has for a replicate; one value for all is everyone's."""
    return column if isinstance(column, str) or np.ndim(column) == 0 else column[replicate]


def _history_rows(result: Result) -> list[dict[str, Any]]:
    iterations = result.history.get("iteration")
    if iterations is None:
        return []
    measured = {name: rows for name, rows in result.history.items() if name != "iteration"}
    return [
        {"replicate": r, "iteration": k, **{name: rows[n, r] for name, rows in measured.items()}}
        for r in range(len(np.atleast_2d(result.x)))
        for n, k in enumerate(iterations)
    ]
