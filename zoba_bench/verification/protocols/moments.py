"""P2: mean and second moment of every surrogate at a generic point, on tensor Gauss-Hermite nodes or by Monte Carlo,
against closed-form derivatives and derived moments, up to the remainder that the Hessian's variation allows.

Around a point, G and F equal their quadratic Taylor polynomials up to a remainder that a
Lipschitz constant of the Hessian bounds. Means must equal the closed-form derivatives and
second moments the derived ones, up to this remainder and rounding (tensor Gauss-Hermite
nodes, which are exact for quadratics) or up to these and confidence limits (Monte Carlo).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.contracts import HasNoise, HasSurrogates
from zoba_bench.errors import DerivationError
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.solvers.single_loop import Directions
from zoba_bench.statistics import Limits
from zoba_bench.sweep import Cell
from zoba_bench.verification.claim import Claim, Measurement
from zoba_bench.verification.parameters import COUNT, POSITIVE, PROBLEM, Parameters, table
from zoba_bench.verification.protocols.shared.named import build_problem, build_solver, theorem_with
from zoba_bench.verification.protocols.shared.plan import Plan
from zoba_bench.verification.protocols.shared.runs import met_non_finite

__all__ = [
    "PARAMETERS", "TITLE", "envelopes", "judge", "lipschitz_constant", "measure", "plan", "point", "rounding_bound",
    "targets", "tensor_nodes",
]  # fmt: skip

TITLE = "moments of the surrogates"
TOLERANCE = (
    "1, in units of what is allowed: the remainder of the Taylor polynomial, which a Lipschitz constant of the "
    "Hessian bounds, rounding, and where sampled the limits of the mean."
)
LEAVES_OPEN = "Moments at other points and radii, and anything about a whole run."

_NAMES = ("inner_gradient", "outer_gradient_z", "outer_gradient_x", "hessian_v", "cross_v")

PARAMETERS = Parameters(
    {"problem": PROBLEM, "h": POSITIVE},
    {
        "nodes": COUNT, "replicates": COUNT, "cells": COUNT,
        "batches": table(Parameters(dict.fromkeys(("l1", "l2", "b1", "b2"), COUNT))),
    },
    either=(("nodes",), ("replicates", "cells")),
)  # fmt: skip


def plan(claim: Claim, seed: int) -> Plan:
    """``parameters``: "problem", "h", and "nodes" (a dimension) or "replicates" and "cells", and then
    optionally "batches" (l1, l2, b1, b2)."""
    chosen = claim.parameters
    common = {"problem": chosen["problem"], "solver": claim.solver, "h": chosen["h"]}
    if "nodes" in chosen:
        cells = [
            Cell(
                "zoba_bench.verification.protocols.moments:measure",
                {**common, "nodes": chosen["nodes"]},
                seed,
            )
        ]
    else:
        batches = chosen.get("batches", {"l1": 1, "l2": 1, "b1": 1, "b2": 1})
        cells = [
            Cell(
                "zoba_bench.verification.protocols.moments:measure",
                {**common, "replicates": chosen["replicates"], "block": block, "batches": batches}, seed,
            )
            for block in range(chosen["cells"])
        ]  # fmt: skip
    problem, h = build_problem(chosen["problem"]), chosen["h"]
    z, v, x = point(problem)
    derived: dict[str, float] = {}
    refusal = ""
    # A sampled row of a finite sum has moments of its own, beyond the derived ones of the mean.
    if chosen.get("batches") is None and not problem.stochastic:
        derived, refusal = _derived_moments(claim.solver, problem, z, v, x, h)
    context = {
        "derived": derived, "refusal": refusal, "p": problem.p, "d": problem.d, "size_v": float(np.linalg.norm(v)),
        "target": targets(problem, z, v, x), "rounding": rounding_bound(problem, z, x, h),
        "lipschitz": {
            "inner": lipschitz_constant(problem.inner_hessian, z, x, h),
            "outer": lipschitz_constant(problem.outer_hessian, z, x, h),
        },
    }  # fmt: skip
    return Plan(tuple(cells), context)


def measure(
    rng: np.random.Generator, problem: Mapping[str, Any], solver: str, h: float, nodes: int | None = None,
    replicates: int = 0, block: int = 0, batches: Mapping[str, int] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Mean, second moment, their sampling variances, and remainder envelopes of each surrogate.

    On nodes the directions are the nodes; otherwise they are the solver's own draws.
    """
    built = build_problem(problem)
    options: dict[str, Any] = {"h": h, "eta": h, "l1": 1, "l2": 1, "b1": 1, "b2": 1, **(batches or {})}
    if "h_bar" in type(build_solver(solver, {"l1": 1, "l2": 1})).__dataclass_fields__:
        options["h_bar"] = h
    configuration = build_solver(solver, options)
    z, v, x = point(built)
    p, d = built.p, built.d
    second = configuration.needs_second_directions
    if nodes is not None:
        y, weights = tensor_nodes(nodes, p + d + (p if second else 0))
    else:
        y = np.empty((replicates, 0))
        weights = np.full(replicates, 1.0 / replicates)
    count = len(y)
    oracle = Oracle(built, count)
    tiled = [np.broadcast_to(a, (count, a.size)) for a in (z, v, x)]
    state = configuration.init(oracle, rng, *tiled)
    if nodes is not None:
        w, u, w2 = (part[:, None, None, :] for part in np.split(y, [p, p + d], axis=1))
        samples = (oracle.draw_inner(rng, 1), oracle.draw_outer(rng, 1))
        drawn = Directions(w, u, w, u, w2 if second else None, *samples)
    else:
        drawn = configuration.draw(oracle, rng)
    estimates = configuration.surrogates(state, drawn)
    w, u = drawn.w, drawn.u
    w2 = w if drawn.second_w is None else drawn.second_w
    envelope = envelopes(w[:, 0, 0], u[:, 0, 0], w2[:, 0, 0], v, h)
    found: dict[str, Any] = {"weight": count, **met_non_finite(next(iter(oracle.met.values()), ""))}
    for name in _NAMES:
        estimate = getattr(estimates, name)
        mean = weights @ estimate
        squares = np.vecdot(estimate, estimate)
        moment = float(weights @ squares)
        found[name] = {
            "mean": mean.tolist(),
            "variance": np.maximum(weights @ estimate**2 - mean**2, 0.0).tolist(),
            "second": moment,
            "second_variance": float(max(weights @ squares**2 - moment**2, 0.0)),
            "envelope": float(weights @ envelope[name]),
            "envelope_squared": float(weights @ envelope[name] ** 2),
        }
    return found


def judge(claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float) -> Measurement:
    """Largest deviation of any mean or second moment, in units of what is allowed; at most 1."""
    from scipy.special import stdtrit

    chosen, context = claim.parameters, plan.context
    parts = [results[cell.key] for cell in plan.cells]
    exact = "nodes" in chosen
    count = sum(part["weight"] for part in parts)
    target, lipschitz, rounding = context["target"], context["lipschitz"], context["rounding"]
    tests = 2 * len(_NAMES) * context["p"]
    critical = 0.0 if exact else -float(stdtrit(count - 1.0, (1.0 - level) / (2 * tests)))
    derived, refusal = context["derived"], context["refusal"]
    rows = []
    for name in _NAMES:
        merged = {k: np.mean([np.asarray(part[name][k]) for part in parts], axis=0) for k in parts[0][name]}
        remainder = lipschitz["outer" if name.startswith("outer") else "inner"]
        error = critical * np.sqrt(float(np.sum(merged["variance"])) / count)
        slack = rounding[name] * (1 + context["size_v"]) * (context["p"] + context["d"])
        allowed = remainder * float(merged["envelope"]) + error + slack
        deviation = float(np.linalg.norm(merged["mean"] - target[name]))
        rows.append((deviation / allowed, f"mean of {name}"))
        if name in derived:
            root = np.sqrt(derived[name])
            spread = remainder * np.sqrt(float(merged["envelope_squared"])) + slack
            allowed = (2 * root + spread) * spread + critical * np.sqrt(float(merged["second_variance"]) / count)
            rows.append((abs(float(merged["second"]) - derived[name]) / allowed, f"second moment of {name}"))
    # NaN compares false with everything: it must not hide behind a finite deviation.
    rows = [(ratio if np.isfinite(ratio) else np.inf, name) for ratio, name in rows]
    worst, where = max(rows)
    note = f"largest: {where}; {count} {'nodes' if exact else 'draws'}"
    if refusal:
        note += f"; the derivation refuses: {refusal}"
        worst = max(worst, np.inf)
    return Measurement(0.0, float(worst), Limits(float(worst), float(worst)), note,
                       series={"rows": [[float(r), n] for r, n in rows]})  # fmt: skip


def targets(problem: BilevelProblem, z: Array, v: Array, x: Array) -> dict[str, Array]:
    """The derivatives that the surrogates estimate, in closed form."""
    return {
        "inner_gradient": problem.inner_grad_z(z, x),  # type: ignore[misc]
        "outer_gradient_z": problem.outer_grad_z(z, x),  # type: ignore[misc]
        "outer_gradient_x": problem.outer_grad_x(z, x),  # type: ignore[misc]
        "hessian_v": problem.inner_hvp_zz(z, x, v),  # type: ignore[misc]
        "cross_v": problem.inner_jvp_xz(z, x, v),  # type: ignore[misc]
    }


def point(problem: BilevelProblem) -> tuple[Array, Array, Array]:
    """A generic (z, v, x): off the inner solution, with v neither zero nor v*."""
    rng = np.random.default_rng(20260121)
    x = problem.initial_point(rng)[1] + 0.1 * rng.standard_normal(problem.d)
    assert problem.inner_solution is not None
    z = problem.inner_solution(x) + 0.3 * rng.standard_normal(problem.p)
    return z, rng.standard_normal(problem.p) / np.sqrt(problem.p), x


def tensor_nodes(order: int, dimension: int) -> tuple[Array, Array]:
    """Tensor Gauss-Hermite nodes (n, dimension) and weights (n,) of the standard normal law."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(order)
    weights = weights / weights.sum()
    y = np.array(list(itertools.product(nodes, repeat=dimension)))
    total = np.ones(1)
    for _ in range(dimension):
        total = np.multiply.outer(total, weights).ravel()
    return y, total


def envelopes(w: Array, u: Array, w2: Array, v: Array, h: float) -> dict[str, Array]:
    """|X - X_quadratic| of each surrogate is at most (Lipschitz constant of the Hessian) times this.

    A query displaced by y differs from the Taylor polynomial by at most |y|^3 / 6 times the
    constant. The bounds cover every variant with all radii equal to h.
    """
    n_w, n_u, n_2 = (np.sqrt(np.vecdot(a, a)) for a in (w, u, w2))
    n_v = float(np.linalg.norm(v))
    both_w = (n_w + np.maximum(n_2, n_v)) ** 3 + n_w**3 + np.maximum(n_2, n_v) ** 3
    both_u = (n_u + np.maximum(n_w, n_v)) ** 3 + n_u**3 + np.maximum(n_w, n_v) ** 3
    direction = np.maximum(np.maximum(n_w, n_2), 1.0)
    return {
        "inner_gradient": h**2 * n_w**4 / 6,
        "outer_gradient_z": h**2 * n_w**4 / 6,
        "outer_gradient_x": h**2 * n_u**4 / 6,
        "hessian_v": h * both_w / 6 * (n_w * direction + 1.0) * max(n_v, 1.0),
        "cross_v": h * both_u / 6 * np.maximum(n_w * n_v, 1.0) * n_u,
    }


def lipschitz_constant(hessian: Any, z: Array, x: Array, h: float) -> float:
    """Twice the sampled Lipschitz constant of a Hessian over the ball that the queries reach."""
    rng = np.random.default_rng(0)

    def full(shift_z: Array, shift_x: Array) -> Array:
        zz, xz, xx = hessian(z + shift_z, x + shift_x)
        return np.block([[zz, xz.T], [xz, xx]])

    largest, centre = 0.0, full(np.zeros_like(z), np.zeros_like(x))
    for _ in range(24):
        y = rng.standard_normal(z.size + x.size)
        y *= 6 * h * np.sqrt(y.size) * rng.random() / np.linalg.norm(y)
        change = np.linalg.norm(full(y[: z.size], y[z.size :]) - centre, 2) / np.linalg.norm(y)
        largest = max(largest, float(change))
    return 2.0 * largest


def rounding_bound(problem: BilevelProblem, z: Array, x: Array, h: float) -> dict[str, float]:
    """Bound on the rounding error of each coefficient: a few units in the last place of the values."""
    g = abs(float(problem.inner(z, x))) + 1.0
    f = abs(float(problem.outer(z, x))) + 1.0
    unit = 64 * np.finfo(float).eps * np.sqrt(problem.p + problem.d)
    first_g, first_f, second_g = unit * g / h, unit * f / h, unit * g / h**2
    return dict(zip(_NAMES, (first_g, first_f, first_f, second_g, second_g), strict=True))


def _derived_moments(
    solver: str, problem: BilevelProblem, z: Array, v: Array, x: Array, h: float
) -> tuple[dict[str, float], str]:
    """Derived second moments by field, or none of them and why the derivation refuses."""
    blocks = theorem_with(solver, HasNoise).blocks_at(problem, x, z=z, v=v)
    values = {}
    try:
        for surrogate in theorem_with(solver, HasSurrogates).surrogates.values():
            kind = surrogate.name.split()[0]
            field = dict(zip(("D_z", "f_z", "f_x", "Hv", "Cv"), _NAMES, strict=True))[kind]
            values[field] = surrogate.second_moment_value(blocks, v=v, h=h, eta=h, h_bar=h)
    except DerivationError as error:
        return {}, str(error)
    return values, ""
