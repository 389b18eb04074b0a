"""What runs of a solver reach (P13): what declared orders allow, and a measurement alone where nothing is declared."""

from __future__ import annotations

from collections.abc import Mapping

from zoba_bench.verification.protocols.shared.named import build_problem, build_solver
from zoba_bench.verification.suites.own_solver.parts import Parts, Spec

__all__ = ["add_reached"]

#: Where runs are followed to stationarity.
_RUNS: tuple[Spec, ...] = (
    {"name": "reference", "p": 4, "d": 4},
    {"name": "logistic_bregman", "p": 6, "d": 4},
    {"name": "xdep_curvature", "p": 3, "d": 5},
    {"name": "quad_sum", "p": 4, "d": 5, "n_inner": 16, "n_outer": 16},
    {"name": "two_task"},
)
_MOST_RUNS = 3
#: The family on which a declared order is judged, its distances and constants being free of p and d.
_LINED: tuple[Spec, ...] = _RUNS[:1]
_LINES: dict[str, tuple[Spec, ...]] = {
    "p": tuple({"name": "reference", "p": size, "d": 4} for size in (4, 8, 16)),
    "d": tuple({"name": "reference", "p": 4, "d": size} for size in (4, 8, 16)),
}
_SHARES = (0.5, 0.35, 0.25, 0.18, 0.125, 0.09, 0.06)
#: How far an order may lie above the declared one: finite runs are not in the limit.
_ORDER_TOLERANCE = 0.15


def add_reached(parts: Parts) -> None:
    """P13: what declared orders allow, and a measurement without a verdict where nothing is declared."""
    configured = build_solver(parts.solver, parts.options)
    orders = dict(getattr(configured, "declared_orders", {}))
    for along, order in orders.items():
        if along not in ("1/eps", "p", "d") or isinstance(order, bool) or not isinstance(order, (int, float)):
            raise ValueError(f"declared_orders of {parts.title} must map '1/eps', 'p' or 'd' to numbers, got {orders}")
    final = getattr(configured, "declared_reduction", None)
    common = {
        "options": parts.options, "max_iterations": 2000, "replicates": 16, "groups": 8, "shares": list(_SHARES),
    }  # fmt: skip
    chosen = [spec for spec in parts.fitting(_RUNS) if build_problem(spec).hypergradient is not None][:_MOST_RUNS]
    if not chosen:
        parts.left_out["P13"] = "no problem with a known hypergradient fits the solver"
        return
    for spec in chosen:
        parameters = {**common, "problems": [spec], "quantity": "final"}
        statement = "|grad Psi|^2 at the end of a run over that at its start."
        if final is None:
            parts.add(f"P13/final-{spec['name']}", statement, "none", 0.0, parameters, spec["name"])
        else:
            parts.add(
                f"P13/final-{spec['name']}", statement, "at_most", 0.0, {**parameters, "declared": float(final)},
                spec["name"], negative=("a thousandth of what is declared", {"declared": float(final) / 1000}),
            )  # fmt: skip
        # A declared order is of the limit of small eps, from which a run on another family may be far.
        _order(
            parts, f"order-eps-{spec['name']}", "1/eps", orders if spec in _LINED else {},
            {**common, "problems": [spec]}, spec["name"],
        )  # fmt: skip
    for along, specs in _LINES.items():
        line = parts.fitting(specs)
        if len(line) == len(specs):
            _order(parts, f"order-{along}", along, orders, {**common, "problems": line, "stop": True}, "reference")


def _order(parts: Parts, what: str, along: str, orders: Mapping[str, float], parameters: Spec, problem: str) -> None:
    parameters = {**parameters, "quantity": "order", "along": along}
    statement = f"The evaluations until the running mean of |grad Psi|^2 is at most eps grow with this power of {along}"
    if along not in orders:
        parts.add(f"P13/{what}", f"{statement}.", "none", 0.0, parameters, problem)
        return
    order = float(orders[along])
    parts.add(
        f"P13/{what}", f"{statement} at most: {order:g}.", "at_most", _ORDER_TOLERANCE,
        {**parameters, "declared": order}, problem,
        one_less=("an order less than declared", {"declared": order - 1}),
    )  # fmt: skip
