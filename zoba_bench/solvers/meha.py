"""MEHA: a single loop on the penalised gap to the Moreau envelope of the lower level."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.resolution import note
from zoba_bench.solvers.base import Solver, State, norms, step_range
from zoba_bench.validation import check_positive

__all__ = ["Meha", "MehaState"]


@dataclass(frozen=True, eq=False, kw_only=True)
class MehaState(State):
    """Iterates x, z (the paper's y) and theta; v = c_k (z - theta), which estimates v* where there is one."""

    theta: Array


@dataclass(frozen=True)
class Meha(Solver):
    """MEHA: one proximal step of theta, one step of x, one proximal step of z on F/c_k + G - v_gamma.

    v_gamma(z, x) = min over theta in Z of G(theta, x) + |theta - z|^2 / (2 gamma) is the Moreau envelope of G = f + g,
    f smooth, g with a proximal map (g = 0 where the problem declares no such split). G need be neither strongly
    convex nor smooth, and no second derivative is asked for. Where G has samples, gradients are those of the mean.
    Problem class: smooth F, f; g weakly convex, gamma below 1/(2 rho) for a rho-weakly convex G.
    Assumptions: F bounded below, Lipschitz gradients of F and f, gamma rho_2 < 1 for the weak convexity rho_2 of f in
    z, small steps (theorem "meha", with g = 0); g with a proximal map that is Lipschitz in x (recalled).
    Cost: F_z and F_x once, G_z (that of f) and G_x twice, and two proximal maps (projections onto Z where g = 0) an
    iteration, one projection onto X.
    Rate: min over k < K of the residual of c_k (F/c_k + G - v_gamma) is O(K^(power - 1/2)) for g = 0 and small steps
    (derived here, theorem "meha", with constants); the same for g (quoted).
    Bias: at c_k = c the limit is off the solution by O(1/c), with strongly convex G; it vanishes as c_k grows.
    Source: arXiv 2405.09927 through its follow-ups and public code (github.com/vis-opt-group/MEHA); the paper's text
    was not available.
    Deviations: the order theta, x, z and F/c_k are the paper's; scripts of the code multiply F by c_k instead. gamma,
    c and power are those of the code's merely convex example; its steps (0.012, 0.1, 0.009) make theta
    slower than z, with which the paper's iteration diverges there (see ``stable_steps``): all steps are 0.1 here.

    Parameters
    ----------
    alpha, beta, eta : float
        Steps of x, z and theta. Where G is merely convex, beta must be below eta / (1 - eta/gamma).
    gamma : float
        Parameter of the Moreau envelope.
    c, power : float
        Penalty c_k = c (k + 1)^power, 0 <= power < 1/2. With a non-convex G the lower-level point that is found
        depends on c.
    """

    alpha: float = 0.1
    beta: float = 0.1
    eta: float = 0.1
    gamma: float = 5.0
    c: float = 0.6
    power: float = 0.49

    name: ClassVar[str] = "meha"
    rate: ClassVar[str] = "derived in part"
    tolerance_quantity: ClassVar[str] = "norm of c_k times the direction of x"
    needs: ClassVar[tuple[str, ...]] = ("outer_grad_z", "outer_grad_x")
    keeps_z: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for name in ("alpha", "beta", "eta", "gamma", "c"):
            check_positive(name, getattr(self, name))
        check_positive("power", self.power, zero=True)
        if self.power >= 0.5:
            raise ValueError(f"power must be below 1/2, or the residual need not vanish, got {self.power!r}")

    def lacking(self, problem: BilevelProblem) -> list[str]:
        """Beside the gradients of F: those of G, or of the parts of a split one."""
        missing = super().lacking(problem)
        owner = problem.capabilities if problem.capabilities.inner_prox is not None else problem
        prefix = "inner_smooth" if owner is problem.capabilities else "inner"
        for name in (f"{prefix}_grad_z", f"{prefix}_grad_x"):
            if getattr(owner, name) is None:
                missing.append(f"{name}, which {problem.name} does not declare")
        return missing

    def penalty(self, k: int) -> float:
        """c_k."""
        penalty: float = self.c * (k + 1) ** self.power
        return penalty

    def stable_steps(self, problem: BilevelProblem) -> Iterator[tuple[str, float, float, str]]:
        """Where theta contracts, z and x where theta is exact, and theta and z together, for a mu-convex G.

        As F/c_k vanishes, on an eigenvector of G_zz with the eigenvalue a one iteration of (theta, z) has the
        determinant (1 - eta (a + 1/gamma)) (1 + beta (1/gamma - a)); it must be below 1 for every a >= mu.
        """
        L_zz, m_zz, pull = problem.constants.L_zz, problem.constants.m_zz, 1 / self.gamma
        if L_zz is None or problem.stochastic:  # then the constants are those of samples, the iteration of the mean
            return
        yield "eta", self.eta, 2 / (L_zz + pull), "2 / (L_zz + 1/gamma)"
        if m_zz is not None and m_zz + L_zz > 0:
            yield "beta", self.beta, 2 / (m_zz / self.c + L_zz), "2 / (m_zz/c + L_zz)"
        slope = _envelope_curvature(problem, pull)
        if slope is not None and problem.constants.m_xx is not None:
            curvature = problem.constants.m_xx / self.c + slope
            yield from step_range("alpha", self.alpha, curvature, "2 / (m_xx/c + |G_xz (G_zz + I/gamma)^-1 G_zx|)")
        mu = problem.constants.mu or 0.0
        shrunk = self.eta * (mu + pull)
        if mu < pull and shrunk < 1:
            end = shrunk / ((pull - mu) * (1 - shrunk))
            yield "beta", self.beta, end, "eta (mu + 1/gamma) / ((1/gamma - mu) (1 - eta (mu + 1/gamma)))"

    def init(self, oracle: Oracle, rng: np.random.Generator, z: Array, v: Array, x: Array) -> MehaState:
        """State at iteration 0 from iterates z, v (R, p) and x (R, d): theta = z - v / c."""
        return MehaState(z, v, x, 0, oracle, rng, theta=z - v / self.c)

    def step(self, state: MehaState) -> MehaState:
        """One iteration: theta, then x, then z."""
        oracle, x, y, theta, c = state.oracle, state.x, state.z, state.theta, self.penalty(state.k)
        # theta <- prox_{eta g}(theta - eta (f_y(x, theta) + (theta - y)/gamma))
        slope = _grad_z(oracle, theta, x) + (theta - y) / self.gamma
        theta = oracle.inner_prox(theta - self.eta * slope, x, self.eta)
        # x <- proj(x - alpha (F_x(x, y)/c_k + phi_x(x, y) - phi_x(x, theta)))
        f_x, at_y, at_theta = oracle.outer_grad_x(y, x), _grad_x(oracle, y, x), _grad_x(oracle, theta, x)
        d_x = f_x / c + at_y - at_theta
        note((at_y, at_theta), 1 / c)
        x = oracle.project_x(x - self.alpha * d_x)
        # y <- prox_{beta g}(y - beta (F_y(x, y)/c_k + f_y(x, y) - (y - theta)/gamma)), at the new x
        slope = oracle.outer_grad_z(y, x) / c + _grad_z(oracle, y, x) - (y - theta) / self.gamma
        y = oracle.inner_prox(y - self.beta * slope, x, self.beta)
        return MehaState(y, c * (y - theta), x, state.k + 1, oracle, state.rng, c * norms(d_x), theta=theta)


def _envelope_curvature(problem: BilevelProblem, pull: float) -> float | None:
    """The curvature of G - v_gamma in x for quadratic G, whose Hessian is one everywhere; else None."""
    if problem.inner_hessian is None or problem.card is None or not problem.card.quadratic_inner:
        return None
    G_zz, G_xz, _ = problem.inner_hessian(np.zeros(problem.p), np.zeros(problem.d))
    return float(np.linalg.norm(G_xz @ np.linalg.solve(G_zz + pull * np.eye(problem.p), G_xz.T), 2))


def _grad_z(oracle: Oracle, z: Array, x: Array) -> Array:
    """f_z, of all of G where it has no non-smooth part."""
    smooth = oracle.capabilities.inner_smooth_grad_z
    if oracle.capabilities.inner_prox is None or smooth is None:
        return oracle.inner_grad_z(z, x)
    return oracle.evaluate("inner_grad_z", smooth, (z, x), size=oracle.p, each=oracle.inner_samples or 1)


def _grad_x(oracle: Oracle, z: Array, x: Array) -> Array:
    """phi_x = f_x + g_x, one gradient of phi."""
    smooth, rest = oracle.capabilities.inner_smooth_grad_x, oracle.capabilities.inner_rest_grad_x
    if oracle.capabilities.inner_prox is None or smooth is None:
        return oracle.inner_grad_x(z, x)
    whole = smooth if rest is None else lambda z, x: smooth(z, x) + rest(z, x)
    return oracle.evaluate("inner_grad_x", whole, (z, x), size=oracle.d, each=oracle.inner_samples or 1)
