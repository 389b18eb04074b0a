"""What ``minimize`` returns: an ``OptimizeResult`` of scipy's, with what bilevel problems have beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import OptimizeResult

from zoba_bench.arrays import Array
from zoba_bench.frames import data_frame
from zoba_bench.json_values import strict_json
from zoba_bench.result import Status

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["MinimizeResult", "result_of"]


class MinimizeResult(OptimizeResult):  # type: ignore[misc]  # scipy has no types here
    """The best point of one run. Items are attributes, too.

    Attributes
    ----------
    x : (d,) array
    z : (p,) array
        z*(x), as far as it was found.
    v : (p,) array
        The adjoint v*(x), with G_zz v* = -F_z.
    success : bool
        Whether the run converged.
    status : int
        A :class:`zoba_bench.Status`.
    message : str
    fun : float
        Psi(x), as measured; NaN where nothing was.
    jac : (d,) array or None
        The hypergradient at x, as measured.
    error_bound : float
        Predicted distance of x to a solution, in ``x_scale`` where that was given; NaN where it is unknown.
    nfev, nit : int
        Evaluations of both functions, those included that a checkpoint already had; iterations.
    counts : dict
        "inner" and "outer": evaluations of each function; "repeated" and "skipped" where errors asked for it;
        "resumed", evaluations that a checkpoint already had.
    history : dict of lists
        "iteration", "evaluations", "value" (Psi), "gradient_norm" and "predicted_distance".
    method : str
    """

    @property
    def n_inner(self) -> int:
        """Evaluations of G."""
        return int(self["counts"]["inner"])

    @property
    def n_outer(self) -> int:
        """Evaluations of F."""
        return int(self["counts"]["outer"])

    @property
    def solver(self) -> str:
        """The method's name, as :class:`zoba_bench.Result` calls it."""
        return str(self["method"])

    @property
    def estimate(self) -> float:
        """Norm of the measured hypergradient."""
        return float("nan") if self["jac"] is None else float(np.linalg.norm(self["jac"]))

    def __repr__(self) -> str:
        shown = OptimizeResult({name: value for name, value in self.items() if name != "history"})
        return str(repr(shown))

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON can hold it: lists for arrays, None for NaN and infinities."""
        found: dict[str, Any] = strict_json(self)
        return found

    def to_json(self) -> str:
        """:meth:`to_dict` as text."""
        return json.dumps(self.to_dict())

    def to_dataframe(self) -> pd.DataFrame:
        """The history as a pandas table, a row an iteration; needs the extra ``pandas``."""
        history = self["history"]
        return data_frame([dict(zip(history, row, strict=True)) for row in zip(*history.values(), strict=True)])

    def plot(self) -> Figure:
        """A picture of the run: Psi, the hypergradient and the evaluations. ``.savefig("run.png")`` writes it."""
        from zoba_bench.minimization.picture import draw

        return draw(self["history"], self["method"])


def result_of(
    *, x: Array, z: Array, v: Array, status: Status, message: str, fun: float, jac: Array | None, error_bound: float,
    nit: int, counts: Mapping[str, int], history: Mapping[str, list[Any]], method: str,
) -> MinimizeResult:  # fmt: skip
    """A result of plain types, in arrays of its own."""
    return MinimizeResult(
        x=x.copy(), z=z.copy(), v=v.copy(), success=status is Status.CONVERGED, status=int(status), message=message,
        fun=float(fun), jac=None if jac is None else jac.copy(), error_bound=float(error_bound),
        nfev=int(counts["inner"] + counts["outer"]), nit=int(nit), counts={k: int(n) for k, n in counts.items()},
        history={name: [_plain(value) for value in column] for name, column in history.items()}, method=method,
    )  # fmt: skip


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
