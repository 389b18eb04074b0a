"""ZO-SOGD: the single loop by two-point differences along the sphere, with directions that are remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from zoba_bench.arrays import Array, Samples
from zoba_bench.directions import sphere
from zoba_bench.estimators import average, central_difference, difference_along
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.solvers.base import Solver, State, in_ball, norms, outer_range, step_range
from zoba_bench.validation import check_choice, check_count, check_positive, check_probability

__all__ = ["ZoSogd", "ZoSogdState"]


@dataclass(frozen=True, eq=False, kw_only=True)
class ZoSogdState(State):
    """A state with the last directions and the point that they were for.

    Attributes
    ----------
    d_z, d_v, d_x : arrays like z, v, x
        d_{k-1}; zero before the first iteration.
    last_z, last_v, last_x : arrays like z, v, x
        The iterates k - 1.
    """

    d_z: Array
    d_v: Array
    d_x: Array
    last_z: Array
    last_v: Array
    last_x: Array


class Draws(NamedTuple):
    """Unit directions (R, l, 1, n) and samples (R, l, 1) of one iteration, which both points of it share."""

    inner_r: Array
    inner_s: Array
    outer_r: Array
    outer_s: Array
    xi: Samples | None
    zeta: Samples | None


@dataclass(frozen=True)
class ZoSogd(Solver):
    """ZO-SOGD on a problem that does not change in time.

    Problem class: smooth F, smooth G strongly convex in z; values only, exact or of samples. The paper's problems
    change with time; here f_t = f and g_t = g.
    Assumptions: Lipschitz F, Lipschitz Hessian of G, bounded variance of the differences (published, read); on
    quadratics with weights 1 every direction has the exact one as mean, at every radius.
    Cost: 20 l1 evaluations of G and 8 l2 of F an iteration, half of them in the first one and where all weights are 1.
    Rate: sum of E|projected gradient|^2 = O((p + d)^(3/4) K^(1/3)) for a static problem (read off the published bound
    on the regret, quoted, without its constants).
    Source: arXiv 2511.01126, from its text; no code was released. Deviations: directions are uniform on the sphere,
    where the text says unit balls with the sphere's factor, which shrinks the mean by n/(n + 2); the first direction is
    d_0 = D(w_0), which the text leaves open; F has directions of its own; the schedule leaves weights and radii
    constant, since the constants of the theorem's were not available; numbers of samples were not found.

    With w = (z, v, x) and D(w) the differences along the draws of iteration k, which both points share,
    d_k = D(w_k) + (1 - weight) (d_{k-1} - D(w_{k-1})): weight 1 remembers nothing, a small one averages over
    iterations.

    Parameters
    ----------
    alpha, beta, delta : float
        Steps of x, z and v.
    gamma, lam, eta : float
        Weights of the memory of d_z, d_v and d_x, in (0, 1].
    rho_r, rho_s : float
        Radii of z and x.
    rho_v : float
        Step along v of the differences of two gradients.
    l1, l2 : int
        Pairs of directions an iteration for G and for F, each with a sample of its own where there are samples.
    schedule : {"constant", "inverse-cbrt"}
        Constant steps, as in the experiments, or steps divided by (k + 1)^(1/3), as in the theorem.
    v_radius : float or None
        Keep v in the ball of this radius; the paper's is (Lipschitz constant of F)/mu. A radius below |v*| moves the
        point of rest.
    """

    alpha: float = 1e-3
    beta: float = 0.1
    delta: float = 0.1
    gamma: float = 0.99
    lam: float = 0.99
    eta: float = 0.99
    rho_r: float = 5e-3
    rho_s: float = 5e-3
    rho_v: float = 1e-2
    l1: int = 5
    l2: int = 5
    schedule: str = "constant"
    v_radius: float | None = None

    name: ClassVar[str] = "zo-sogd"
    tolerance_quantity: ClassVar[str] = "norm of the remembered hypergradient estimate d_x"
    remedy: ClassVar[str] = "lower alpha, beta and delta, raise l1, or project v with v_radius"
    cost_options: ClassVar[tuple[str, ...]] = ("l1", "l2")

    def __post_init__(self) -> None:
        for name in ("alpha", "beta", "delta", "rho_r", "rho_s", "rho_v"):
            check_positive(name, getattr(self, name))
        for name in ("gamma", "lam", "eta"):
            check_probability(name, getattr(self, name))
        for name in ("l1", "l2"):
            check_count(name, getattr(self, name))
        check_choice("schedule", self.schedule, ("constant", "inverse-cbrt"))
        if self.v_radius is not None:
            check_positive("v_radius", self.v_radius)

    @property
    def remembers(self) -> bool:
        """Whether any weight is below 1, so that the earlier point is asked for too."""
        return min(self.gamma, self.lam, self.eta) < 1

    def steps(self, k: int) -> tuple[float, float, float]:
        """Steps of x, z and v."""
        scale = 1.0 if self.schedule == "constant" else (k + 1) ** (-1 / 3)
        return self.alpha * scale, self.beta * scale, self.delta * scale

    def stable_steps(self, problem: BilevelProblem) -> Iterator[tuple[str, float, float, str]]:
        """Where z and v are stable in the mean, and x where they follow it."""
        yield from step_range("beta", self.beta, problem.constants.L_zz, "2 / L_zz")
        yield from step_range("delta", self.delta, problem.constants.L_zz, "2 / L_zz")
        yield from outer_range("alpha", self.alpha, problem)

    def init(self, oracle: Oracle, rng: np.random.Generator, z: Array, v: Array, x: Array) -> ZoSogdState:
        """State at iteration 0 from iterates z, v (R, p) and x (R, d)."""
        zeros = np.zeros_like(z), np.zeros_like(v), np.zeros_like(x)
        return ZoSogdState(
            z, v, x, 0, oracle, rng, d_z=zeros[0], d_v=zeros[1], d_x=zeros[2], last_z=z, last_v=v, last_x=x
        )

    def step(self, state: ZoSogdState) -> ZoSogdState:
        """One iteration: directions at both points along the same draws, then the three updates at once."""
        oracle, draws = state.oracle, self.draw(state.oracle, state.rng)
        d_z, d_v, d_x = self.directions(oracle, state.z, state.v, state.x, draws)
        # The first iteration has no earlier point; a dry run counts what the others cost.
        if self.remembers and (state.k > 0 or oracle.dry):
            old_z, old_v, old_x = self.directions(oracle, state.last_z, state.last_v, state.last_x, draws)
            d_z = d_z + (1 - self.gamma) * (state.d_z - old_z)
            d_v = d_v + (1 - self.lam) * (state.d_v - old_v)
            d_x = d_x + (1 - self.eta) * (state.d_x - old_x)
        alpha, beta, delta = self.steps(state.k)
        v = in_ball(state.v - delta * d_v, self.v_radius)
        x = oracle.project_x(state.x - alpha * d_x)
        return ZoSogdState(
            state.z - beta * d_z, v, x, state.k + 1, oracle, state.rng, norms(d_x),
            d_z=d_z, d_v=d_v, d_x=d_x, last_z=state.z, last_v=state.v, last_x=state.x,
        )  # fmt: skip

    def draw(self, oracle: Oracle, rng: np.random.Generator) -> Draws:
        """What an iteration draws."""
        R, p, d = oracle.replicates, oracle.p, oracle.d
        xi, zeta = oracle.draw_inner(rng, self.l1), oracle.draw_outer(rng, self.l2)
        r, s, outer_r, outer_s = (sphere(rng, (R, l, 1), n) for l in (self.l1, self.l2) for n in (p, d))
        return Draws(r, s, outer_r, outer_s, xi, zeta)

    def directions(self, oracle: Oracle, z: Array, v: Array, x: Array, draws: Draws) -> tuple[Array, Array, Array]:
        """D_z, D_v, D_x at a point: (R, p), (R, p), (R, d)."""
        z, v, x = (point[:, None, None, :] for point in (z, v, x))
        move_z, move_x = self.rho_r * draws.inner_r, self.rho_s * draws.inner_s

        def slope(query: Callable[..., Array], z: Array, sample: Samples | None, moves: Array, block: str) -> Array:
            """Coefficients of one difference, in z or in x."""
            radius = self.rho_r if block == "z" else self.rho_s
            ends = [(z + side * moves, x) if block == "z" else (z, x + side * moves) for side in (1, -1)]
            plus, minus = (query(*end, sample) for end in ends)
            return np.asarray(central_difference(plus, minus, radius))

        def along_v(moves: Array, block: str) -> Array:
            """[slope at z + rho_v v - slope at z - rho_v v] / (2 rho_v)."""
            ahead = slope(oracle.inner, z + self.rho_v * v, draws.xi, moves, block)
            behind = slope(oracle.inner, z - self.rho_v * v, draws.xi, moves, block)
            return np.asarray(difference_along(ahead, behind, 2 * self.rho_v))

        # Unit directions carry the factor p or d.
        p, d = oracle.p, oracle.d
        d_z = p * average(slope(oracle.inner, z, draws.xi, move_z, "z"), draws.inner_r)
        # D_v = Hv + f_z;  D_x = Cv + f_x
        f_z = p * average(slope(oracle.outer, z, draws.zeta, self.rho_r * draws.outer_r, "z"), draws.outer_r)
        f_x = d * average(slope(oracle.outer, z, draws.zeta, self.rho_s * draws.outer_s, "x"), draws.outer_s)
        d_v = p * average(along_v(move_z, "z"), draws.inner_r) + f_z
        d_x = d * average(along_v(move_x, "x"), draws.inner_s) + f_x
        return d_z, d_v, d_x
