"""FOM, UFOM and adaptive UFOM (arXiv 2106.02487): x moves along estimates of the gradient of E_T L_out(phi_r).

phi_0 = V(theta), phi_j = phi_{j-1} - alpha grad L_in(theta, phi_{j-1}); g_FO drops all second derivatives, g is exact,
and UFOM takes g_FO + (xi/q)(g - g_FO) with a coin xi of probability q. A bilevel problem without tasks is one task with
a fixed phi_0, L_in = G(., x) and L_out = F.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.problem import BilevelProblem

from .expected import Expected, State, Update, chosen, decay, projected, require_affine_projection, rounding

__all__ = ["FOM", "UFOM", "UFOM_ADAPTIVE"]

#: As released: one task an iteration, gamma_k = 10/(k + 1); of one task r = 10, alpha = 0.1 and gamma = 0.1.
_FOM: dict[str, Any] = {"inner_steps": None, "alpha": None, "batch": 1, "gamma": None, "schedule": "harmonic"}
_UFOM: dict[str, Any] = {**_FOM, "q": 0.1, "gradient": "stored"}
_ADAPTIVE: dict[str, Any] = {**_FOM, "gradient": "stored", "q": 0.05, "q_min": 0.05, "decay": 0.99, "s": 2.0}
#: Outcomes of draws and coins that are enumerated at most.
_OUTCOMES = 4096


class _Task(NamedTuple):
    """phi_r, and the first-order and the exact gradient, of one task."""

    end: Array
    first: Array
    exact: Array


def _tasks(problem: BilevelProblem, o: Mapping[str, Any], start: Array, x: Array) -> tuple[list[_Task], Array]:
    """Every task and its probability."""
    tasks = problem.capabilities.tasks
    if tasks is None:
        r, alpha = (10 if o["inner_steps"] is None else o["inner_steps"]), (0.1 if o["alpha"] is None else o["alpha"])
        phi, tangents = start, np.zeros((problem.d, problem.p))
        for _ in range(r):
            G_zz, G_xz, _ = problem.inner_hessian(phi, x)  # type: ignore[misc]
            tangents = tangents - alpha * (tangents @ G_zz + G_xz)
            phi = phi - alpha * problem.inner_grad_z(phi, x)  # type: ignore[misc]
        first = problem.outer_grad_x(phi, x)  # type: ignore[misc]
        return [_Task(phi, first, first + tangents @ problem.outer_grad_z(phi, x))], np.ones(1)  # type: ignore[misc]
    found = []
    for i in range(tasks.count):
        of = np.array([i])
        theta, units = np.broadcast_to(x, (1, x.size)), np.eye(tasks.q)
        phi = tasks.initial(theta, of)
        # Rows over theta: V', then T_j = T_{j-1} (I - alpha H) - alpha (d_theta d_phi L_in).
        pulled = np.array([tasks.initial_pullback(theta, of, unit[None])[0] for unit in units]).T
        tangents = pulled
        for _ in range(tasks.steps):
            H = np.array([tasks.inner_hvp(phi, theta, of, unit[None])[0] for unit in units]).T
            change = tangents @ H
            if tasks.inner_cross is not None:
                change = change + np.array([tasks.inner_cross(phi, theta, of, unit[None])[0] for unit in units]).T
            tangents = tangents - tasks.step * change
            phi = phi - tasks.step * tasks.inner_grad(phi, theta, of)
        b = tasks.outer_grad_phi(phi, theta, of)[0]
        direct = 0.0 if tasks.outer_grad_theta is None else tasks.outer_grad_theta(phi, theta, of)[0]
        found.append(_Task(phi[0], direct + pulled @ b, direct + tangents @ b))
    return found, np.asarray(tasks.probabilities)


def _step_size(problem: BilevelProblem, o: Mapping[str, Any], k: int) -> float:
    gamma = (0.1 if problem.capabilities.tasks is None else 10.0) if o["gamma"] is None else o["gamma"]
    return float(gamma / (k + 1)) if o["schedule"] == "harmonic" else float(gamma * decay(o["schedule"], k))


def _moved(problem: BilevelProblem, o: Mapping[str, Any], state: State, gradient: Array, found: list[_Task],
           noise: bool) -> Expected:  # fmt: skip
    """The next iterates for a mean gradient; z is phi_r of one task, and tasks leave it."""
    if noise:
        require_affine_projection(problem)
    gamma = _step_size(problem, o, state["k"])
    tasks = problem.capabilities.tasks
    mean = {
        "z": found[0].end if tasks is None else state["z"],
        "v": state["v"],
        "x": projected(problem, state["x"] - gamma * gradient),
        "start": state["start"],
    }
    r = tasks.steps if tasks is not None else (10 if o["inner_steps"] is None else o["inner_steps"])
    sizes = [size for task in found for size in task]
    return Expected(mean, dict.fromkeys(mean, (1 + gamma) * rounding(problem, 4 * r, state["x"], state["z"], *sizes)))


def _fom(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    o = chosen(options, _FOM)
    found, probabilities = _tasks(problem, o, state["start"], state["x"])
    gradient = sum(share * task.first for share, task in zip(probabilities, found, strict=True))
    noise = problem.capabilities.tasks is not None and o["batch"] is not None
    return _moved(problem, o, state, gradient, found, noise)


def _ufom(published: Mapping[str, Any], problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    """E[(xi/q)(g - g_FO)] = g - g_FO: the mean gradient is the exact one, whatever q."""
    o = chosen(options, published)
    found, probabilities = _tasks(problem, o, state["start"], state["x"])
    gradient = sum(share * task.exact for share, task in zip(probabilities, found, strict=True))
    return _moved(problem, o, state, gradient, found, noise=True)


def _adaptive(problem: BilevelProblem, options: Mapping[str, Any], state: State) -> Expected:
    """UFOM's mean, and that of the averages and of the next q over all outcomes of draws and coins."""
    o = chosen(options, _ADAPTIVE)
    right = _ufom(_ADAPTIVE, problem, options, state)
    found, probabilities = _tasks(problem, o, state["start"], state["x"])
    every = problem.capabilities.tasks is None or o["batch"] is None
    n, m = len(found), (len(found) if every else o["batch"])
    draws = [tuple(range(n))] if every else list(itertools.product(range(n), repeat=m))
    if len(draws) * 2**m > _OUTCOMES:
        raise ValueError(f"the mean of q is enumerated, and {len(draws) * 2**m} outcomes of a batch are too many")
    q, total = float(state["q"]), np.zeros(4)
    for drawn in draws:
        of_draw = 1.0 if every else float(np.prod(probabilities[list(drawn)]))
        for coins in itertools.product((0, 1), repeat=m):
            share = of_draw * q ** sum(coins) * (1 - q) ** (m - sum(coins))
            total += share * _learned(
                problem, o, state, [found[i] for i in drawn], probabilities if every else None, coins
            )
    names = ("q", "sum_D2", "sum_V2", "weight")
    bias = {name: 1e-9 * (1 + abs(float(value))) for name, value in zip(names, total, strict=True)}
    return Expected({**right.mean, **dict(zip(names, total, strict=True))}, {**right.bias, **bias})


def _learned(problem: BilevelProblem, o: Mapping[str, Any], state: State, found: list[_Task], shares: Array | None,
             coins: tuple[int, ...]) -> Array:  # fmt: skip
    """q, D^2, V^2 and their weight after the coins: D2 <- .99 D2 + .01 |g_FO - g|^2 at each that is 1, likewise V2.

    With all tasks at once a task enters with n times its probability.
    """
    D2, V2, weight = (float(state[name]) for name in ("sum_D2", "sum_V2", "weight"))
    for i, (task, coin) in enumerate(zip(found, coins, strict=True)):
        if coin:
            enters = (1 - o["decay"]) * (1.0 if shares is None else shares[i] * len(found))
            D2 = o["decay"] * D2 + enters * float(np.sum((task.exact - task.first) ** 2))
            V2 = o["decay"] * V2 + enters * float(np.sum(task.exact**2))
            weight = o["decay"] * weight + 1 - o["decay"]
    q = max(o["q_min"], _best(D2, V2, *_costs(problem, o), o["s"])) if any(coins) else float(state["q"])
    return np.array([q, D2, V2, weight])


def _costs(problem: BilevelProblem, o: Mapping[str, Any]) -> tuple[float, float]:
    """C_det and C_rnd: evaluations of a task's first-order gradient, and what the exact one adds."""
    tasks = problem.capabilities.tasks
    if tasks is None:
        r, n, m = (
            (10 if o["inner_steps"] is None else o["inner_steps"]),
            problem.inner_samples or 1,
            problem.outer_samples or 1,
        )
        # phi_0 is fixed: its Hessian product is not needed, and F_z is asked for by the correction alone.
        added = {"stored": 2 * r - 1, "recomputed": 2 * r - 1 + r * (r - 1) // 2, "forward": problem.d * (2 * r - 1)}
        return r * n + m, m + n * added[o["gradient"]]
    r, crossed = tasks.steps, 0 if tasks.inner_cross is None else tasks.steps
    added = {"stored": r + crossed, "recomputed": r + crossed + r * (r - 1) // 2,
             "forward": problem.d * r + tasks.q * crossed}  # fmt: skip
    return r + 1 + (tasks.outer_grad_theta is not None), added[o["gradient"]]


def _best(D2: float, V2: float, fixed: float, random: float, s: float) -> float:
    """argmin over q in (0, 1] of (C_det + q C_rnd)(V2 + (1/q - 1) D2)^s: a stationary point inside, or 1."""
    if D2 == 0:
        return 0.0
    roots = np.roots([random * (V2 - D2), (1 - s) * random * D2, -s * fixed * D2])
    candidates = [1.0] + [
        float(root.real) for root in np.atleast_1d(roots) if abs(root.imag) < 1e-12 and 0 < root.real < 1
    ]
    return min(candidates, key=lambda q: float(np.log(fixed + q * random) + s * np.log(V2 + (1 / q - 1) * D2)))


def _initial(problem: BilevelProblem, options: Mapping[str, Any], z: Array, v: Array, x: Array) -> dict[str, Array]:
    return {"z": z, "v": v, "x": x, "start": z}


def _initial_adaptive(
    problem: BilevelProblem, options: Mapping[str, Any], z: Array, v: Array, x: Array
) -> dict[str, Array]:
    zero, q = np.zeros(()), np.array(chosen(options, _ADAPTIVE)["q"])
    return {**_initial(problem, options, z, v, x), "q": q, "sum_D2": zero, "sum_V2": zero, "weight": zero}


FOM = Update(_fom, _FOM, _initial)
UFOM = Update(partial(_ufom, _UFOM), _UFOM, _initial)
UFOM_ADAPTIVE = Update(_adaptive, _ADAPTIVE, _initial_adaptive)
