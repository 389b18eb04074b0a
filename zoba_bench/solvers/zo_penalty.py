"""The zeroth-order penalty method: two inner sequences, and a hypergradient without second differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from zoba_bench.arrays import Array, Samples
from zoba_bench.directions import gaussian
from zoba_bench.estimators import average, forward_difference, penalised_difference
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.solvers.base import Solver, State, sqrt_decay, step_range
from zoba_bench.validation import check_choice, check_count, check_passes, check_positive

__all__ = ["ZoPenalty", "penalty_slope"]


def penalty_slope(f_y: Any, g_y: Any, g_z: Any, lam: Any) -> Any:
    """Slope in x of F(y, x) + lambda (G(y, x) - G(z, x)) from those of its terms."""
    return f_y + penalised_difference(g_y, g_z, lam)


@dataclass(frozen=True)
class ZoPenalty(Solver):
    """The penalty method with two-point surrogates for all gradients.

    Parameters
    ----------
    lam : float
        The penalty lambda of F(y, x) + lambda (G(y, x) - min G(., x)).
    T_b : int
        Steps of the inner loop.
    l : int
        Directions of the outer step.
    alpha, beta : float
        Steps of x, and of z and y.
    schedule : {"inverse-sqrt", "constant"}
        alpha divided by sqrt(k + 1) and beta by the root of the inner counter, or both constant.
    h, eta : float, float or None
        Smoothing radii of z and y, and of x; ``eta=None`` makes it equal to ``h``.

    Problem class: smooth F, smooth G strongly convex in z with lambda mu > m_zz; values only, exact or of single
    samples. In the limit x is stationary for the penalty function; the error of its gradient is
    at most (m_xz L_zz + L_xz m_zz) |v*| / (lambda mu - m_zz).
    Assumptions: lambda mu > m_zz and |v*| <= R, F and G quadratic, for error and moments (theorem "zo-penalty"); for
    the published complexity Lipschitz derivatives up to the second of G (recalled).
    Cost: 4 T_b + 2 (l + 1) evaluations of G and 2 T_b + l + 1 of F an iteration.
    Error, moments and counts: derived, ``zoba-bench derive zo-penalty``.
    Rate: O((p + d) / eps^2) evaluations for |grad Psi|^2 <= eps (published, quoted).
    Source: arXiv 2510.03646 (second method), abstract; the iteration is that of the first-order method of
    arXiv 2301.10945, with defaults from released code (solvers/opt_zmdsba.py in Akatsuki96/benchmark_bilevel).
    Deviations from it: the penalty term has the sign of the gradient, not the opposite one; both slopes of f are
    taken at y, not at z; a difference of f has both its values at the same point y.

    A state's v is lambda (y - z), which tends to the adjoint v*; so y = z + v / lambda needs no room of its own, and a
    run starts from y_0 = z_0 + v_0 / lambda.
    """

    lam: float = 10.0
    T_b: int = 5
    l: int = 25
    alpha: float = 2.5e-3
    beta: float = 1e-4
    schedule: str = "inverse-sqrt"
    h: float = 1e-3
    eta: float | None = None

    name: ClassVar[str] = "zo-penalty"
    rate: ClassVar[str] = "derived in part"
    tolerance_quantity: ClassVar[str] = "norm of the surrogate gradient of the penalty function in x"
    cost_options: ClassVar[tuple[str, ...]] = ("l", "T_b")
    loop_options: ClassVar[tuple[str, ...]] = ("T_b",)

    def __post_init__(self) -> None:
        check_passes("T_b", self.T_b)
        check_count("l", self.l)
        for name in ("lam", "alpha", "beta", "h"):
            check_positive(name, getattr(self, name))
        if self.eta is not None:
            check_positive("eta", self.eta)
        check_choice("schedule", self.schedule, ("inverse-sqrt", "constant"))

    def stable_steps(self, problem: BilevelProblem) -> Iterator[tuple[str, float, float, str]]:
        """Ranges of stability in mean square: second moments are p + 2 and 1 + (d + 1)/l times the squared mean."""
        c = problem.constants
        curvature = None if c.L_zz is None or c.m_zz is None else c.L_zz + c.m_zz / self.lam
        yield from step_range("beta", self.beta, curvature, "2 / ((p + 2)(L_zz + m_zz / lam))", problem.p + 2)
        noise = 1 + (problem.d + 1) / self.l
        yield from step_range("alpha", self.alpha, c.L_Psi, "2 / ((1 + (d + 1) / l) L_Psi)", noise)

    def init(self, oracle: Oracle, rng: np.random.Generator, z: Array, v: Array, x: Array) -> State:
        """State at iteration 0 from iterates z, v (R, p) and x (R, d)."""
        return State(z=z, v=v, x=x, k=0, oracle=oracle, rng=rng)

    def step(self, state: State) -> State:
        """One outer iteration: T_b steps of z and y, then the step of x."""
        oracle, rng = state.oracle, state.rng
        z, y, x = state.z, state.z + state.v / self.lam, state.x[:, None, None, :]
        for t in range(self.T_b):
            # z <- z - beta_t g_z(z), y <- y - beta_t (f_z(y) / lambda + g_z(y)): one direction, one sample of each.
            xi, zeta = oracle.draw_inner(rng, 1), oracle.draw_outer(rng, 1)
            w = gaussian(rng, (oracle.replicates, 1, 1), oracle.p)
            slope_z = self._along_w(oracle.inner, z, x, w, xi)
            slope_y = self._along_w(oracle.outer, y, x, w, zeta) / self.lam + self._along_w(oracle.inner, y, x, w, xi)
            beta = self.beta * sqrt_decay(self.schedule, t)
            z, y = z - beta * average(slope_z, w), y - beta * average(slope_y, w)
        # x <- x - alpha_k (f_x(y) + lambda (g_x(y) - g_x(z))): the same directions, and the same sample of g, in all.
        xi, zeta = oracle.draw_inner(rng, 1), oracle.draw_outer(rng, 1)
        u = gaussian(rng, (oracle.replicates, 1, self.l), oracle.d)
        f_y = self._along_u(oracle.outer, y, x, u, zeta)
        g_y, g_z = self._along_u(oracle.inner, y, x, u, xi), self._along_u(oracle.inner, z, x, u, xi)
        d_x = average(self.outer_slope(f_y, g_y, g_z), u)
        x_next = oracle.project_x(state.x - self.alpha * sqrt_decay(self.schedule, state.k) * d_x)
        return State(z, self.lam * (y - z), x_next, state.k + 1, oracle, rng, np.sqrt(np.vecdot(d_x, d_x)))

    def outer_slope(self, f_y: Array, g_y: Array, g_z: Array) -> Array:
        """Slopes of the penalty function along directions of x, from those of its terms."""
        return np.asarray(penalty_slope(f_y, g_y, g_z, self.lam))

    def _along_w(self, query: Callable[..., Array], z: Array, x: Array, w: Array, sample: Samples | None) -> Array:
        """Slope of a level along directions of z, shape (R, 1, 1)."""
        z = z[:, None, None, :]
        return np.asarray(forward_difference(query(z + self.h * w, x, sample), query(z, x, sample), self.h))

    def _along_u(self, query: Callable[..., Array], z: Array, x: Array, u: Array, sample: Samples | None) -> Array:
        """Slopes of a level along directions of x, shape (R, 1, l)."""
        z = z[:, None, None, :]
        eta = self.h if self.eta is None else self.eta
        return np.asarray(forward_difference(query(z, x + eta * u, sample), query(z, x, sample), eta))
