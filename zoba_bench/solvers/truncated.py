"""An inner loop of r gradient steps as one program: tasks of a distribution, or a bilevel problem as one task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array
from zoba_bench.oracle import Oracle
from zoba_bench.problem.capabilities import Tasks

__all__ = ["GRADIENTS", "Program", "gradients", "one_task", "several_tasks"]


#: Ways to the exact gradient: the adjoint along the stored path, tangents, the adjoint along a path computed anew.
GRADIENTS = ("stored", "forward", "recomputed")


@dataclass(frozen=True, eq=False)
class Program:
    """phi_0 = V(theta), phi_j = phi_{j-1} - alpha grad_phi L_in(theta, phi_{j-1}), L_out(theta, phi_r).

    Of m tasks a replicate: phi has shape (R, m, 1, q), theta (R, 1, 1, d). All functions of phi ask the oracle, one
    evaluation a point; None stands for a derivative that is zero.

    Attributes
    ----------
    weights : (m,) array, of the tasks in their mean
    steps, alpha : number r and size of the inner steps
    start : phi_0
    inner_grad, outer_grad_phi : callable(phi) -> (R, m, 1, q)
    inner_hvp : callable(phi, v) -> the shape of v, (R, m, 1, q) or for tangents (R, m, d, q)
    inner_cross : callable(phi, v) -> (R, m, 1, d), the derivative of <inner_grad, v> in theta
    inner_mixed : callable(phi) -> (R, m, d, q), the derivatives of inner_grad in the components of theta
    mixed_queries : evaluations of ``inner_mixed`` at a point
    outer_grad_theta : callable(phi) -> (R, m, 1, d)
    pullback : callable(v) -> (R, m, l, d), V' v for v of shape (R, m, l, q); it is not counted
    inner_cost, outer_cost : evaluations of a query of each level, the number of samples of a mean
    """

    oracle: Oracle
    weights: Array
    steps: int
    alpha: float
    start: Array
    inner_grad: Callable[[Array], Array]
    inner_hvp: Callable[[Array, Array], Array]
    inner_cross: Callable[[Array, Array], Array] | None
    inner_mixed: Callable[[Array], Array] | None
    mixed_queries: int
    outer_grad_phi: Callable[[Array], Array]
    outer_grad_theta: Callable[[Array], Array] | None
    pullback: Callable[[Array], Array] | None
    inner_cost: int = 1
    outer_cost: int = 1

    def costs(self, how: str) -> tuple[int, int]:
        """Evaluations of a task's first-order gradient, and what the exact one adds to them."""
        r, constant = self.steps, self.pullback is None
        inner, outer = self.inner_cost, self.outer_cost
        first = r * inner + ((not constant) + (self.outer_grad_theta is not None)) * outer
        # A constant phi_0 has no tangent, and its adjoint is of no use; only the correction asks for grad_phi L_out.
        products, mixed = r - constant, r if self.inner_cross is not None else 0
        if how == "forward":
            added = self.oracle.d * products + mixed * self.mixed_queries
        else:
            added = products + mixed + (r * (r - 1) // 2 if how == "recomputed" else 0)
        return first, constant * outer + added * inner


def several_tasks(oracle: Oracle, tasks: Tasks, theta: Array, task: NDArray[np.int64], weights: Array) -> Program:
    """The program of tasks, indices (R, m), at theta (R, d)."""
    q, d, index = tasks.q, oracle.d, task[..., None]
    at = theta[:, None, None, :]
    cross, direct = tasks.inner_cross, tasks.outer_grad_theta

    def asks(name: str, function: Callable[..., Array], size: int, each: int = 1) -> Callable[..., Array]:
        def ordered(phi: Array, theta: Array, *rest: Array) -> Array:
            return function(phi, theta, rest[-1], *rest[:-1])  # the oracle hands the task over last

        return lambda phi, *v: oracle.evaluate(name, ordered, (phi, at, *v), index, size, each)

    inner_cross = None if cross is None else asks("inner_jvp_xz", cross, d)
    units = np.eye(q)[None, None]
    return Program(
        oracle=oracle,
        weights=weights,
        steps=tasks.steps,
        alpha=tasks.step,
        start=oracle.evaluate("inner_grad_z", tasks.initial, (at,), index, q, each=0),
        inner_grad=asks("inner_grad_z", tasks.inner_grad, q),
        inner_hvp=asks("inner_hvp_zz", tasks.inner_hvp, q),
        inner_cross=inner_cross,
        inner_mixed=None if inner_cross is None else lambda phi: inner_cross(phi, units).swapaxes(-1, -2),
        mixed_queries=q,
        outer_grad_phi=asks("outer_grad_z", tasks.outer_grad_phi, q),
        outer_grad_theta=None if direct is None else asks("outer_grad_x", direct, d),
        pullback=lambda v: oracle.evaluate(
            "outer_grad_x", lambda v, theta, of: tasks.initial_pullback(theta, of, v), (v, at), index, d, each=0
        ),
    )


def one_task(oracle: Oracle, start: Array, theta: Array, steps: int, alpha: float) -> Program:
    """The program of L_in = G(., x), L_out = F from phi_0 = start (R, p), which does not depend on x."""
    at, units = theta[:, None, None, :], np.eye(oracle.d)[None, None]
    return Program(
        oracle=oracle,
        weights=np.ones(1),
        steps=steps,
        alpha=alpha,
        start=start[:, None, None, :],
        inner_grad=lambda phi: oracle.inner_grad_z(phi, at),
        inner_hvp=lambda phi, v: oracle.inner_hvp_zz(phi, at, v),
        inner_cross=lambda phi, v: oracle.inner_jvp_xz(phi, at, v),
        inner_mixed=lambda phi: oracle.inner_jvp_zx(phi, at, units),
        mixed_queries=oracle.d,
        outer_grad_phi=lambda phi: oracle.outer_grad_z(phi, at),
        outer_grad_theta=lambda phi: oracle.outer_grad_x(phi, at),
        pullback=None,
        inner_cost=oracle.inner_samples or 1,
        outer_cost=oracle.outer_samples or 1,
    )


def gradients(program: Program, how: str = "stored", coins: NDArray[np.bool_] | None = None) -> tuple[Array, ...]:
    """Gradients of the tasks' L_out(phi_r) in theta.

    Parameters
    ----------
    how : one of ``GRADIENTS``; they differ in what they cost.
    coins : (R, m) bool array or None
        Tasks whose exact gradient is asked for; the others cost no more than their first-order gradient.

    Returns
    -------
    phi_r (R, m, q), first-order gradient (R, m, d), exact minus first-order gradient (R, m, d), zero without a coin
    """
    oracle, alpha = program.oracle, program.alpha
    points = np.zeros(program.start.shape[:2], dtype=bool) if coins is None else coins
    exact = coins is not None and (oracle.dry or bool(points.any()))
    phi, path = program.start, []
    tangents = _first_tangents(program, points) if exact and how == "forward" else None
    for _ in range(program.steps):
        if exact and how == "stored":
            path.append(phi)
        elif exact and how == "forward":
            with oracle.only(points):
                tangents = _next_tangents(program, phi, tangents)
        phi = phi - alpha * program.inner_grad(phi)
    # g_FO = grad_theta L_out + V' b_r, where b_r = grad_phi L_out.
    rest = np.zeros((*points.shape, 1, oracle.d))
    first = rest if program.outer_grad_theta is None else program.outer_grad_theta(phi)
    b = None
    if program.pullback is not None:
        b = program.outer_grad_phi(phi)
        first = first + program.pullback(b)
    if exact:
        with oracle.only(points):
            b = program.outer_grad_phi(phi) if b is None else b
            rest = _backward(program, b, path) if tangents is None else _along(program, tangents, b)
    return phi[:, :, 0], first[:, :, 0], rest[:, :, 0]


def _backward(program: Program, last: Array, path: list[Array]) -> Array:
    """What the adjoint adds: b_{j-1} = b_j - alpha H(phi_{j-1}) b_j, c += -alpha (d_theta d_phi L_in) b_j, j = r..1."""
    b, c = last, np.zeros(())
    for j in range(program.steps, 0, -1):
        phi = path[j - 1] if path else _again(program, j - 1)
        if program.inner_cross is not None:
            c = c - program.alpha * program.inner_cross(phi, b)
        if j > 1 or program.pullback is not None:
            b = b - program.alpha * program.inner_hvp(phi, b)
    return c if program.pullback is None else c + program.pullback(b - last)


def _again(program: Program, j: int) -> Array:
    """phi_j from phi_0, for an adjoint that keeps no path."""
    phi = program.start
    for _ in range(j):
        phi = phi - program.alpha * program.inner_grad(phi)
    return phi


def _first_tangents(program: Program, points: NDArray[np.bool_]) -> Array | None:
    """V' as rows over the components of theta, (R, m, d, q)."""
    if program.pullback is None:
        return None
    q = program.start.shape[-1]
    with program.oracle.only(points):
        return program.pullback(np.broadcast_to(np.eye(q), (*points.shape, q, q))).swapaxes(-1, -2)


def _next_tangents(program: Program, phi: Array, tangents: Array | None) -> Array:
    """Tangents of phi - alpha grad_phi L_in(theta, phi)."""
    change = None if tangents is None else program.inner_hvp(phi, tangents)
    if program.inner_mixed is not None:
        mixed = program.inner_mixed(phi)
        change = mixed if change is None else change + mixed
    assert change is not None  # either phi_0 or L_in depends on theta
    return -program.alpha * change if tangents is None else tangents - program.alpha * change


def _along(program: Program, tangents: Array, b: Array) -> Array:
    """What the tangents add: their products with b_r, without the first-order part V' b_r."""
    total: Array = np.vecdot(tangents, b)[:, :, None, :]
    return total if program.pullback is None else total - program.pullback(b)
