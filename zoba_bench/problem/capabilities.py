"""What a problem offers beyond its two objectives: projections, prox, tasks, sets of solutions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from zoba_bench.arrays import Array
from zoba_bench.problem.noise import Noise

__all__ = ["Capabilities", "Tasks"]


@dataclass(frozen=True, eq=False)
class Tasks:
    """A finite distribution of tasks with one inner loop each: phi_0 = V(theta), r gradient steps, an outer loss.

    ``theta`` has shape (..., d), ``phi`` (..., q), ``task`` is an integer array that broadcasts with the leading
    axes. Methods evaluate all but the last two. They are measured by the problem's ``value`` and ``hypergradient``.

    Attributes
    ----------
    probabilities : (n,) array
    q : dimension of phi.
    steps, step : number r of inner steps and their size.
    initial : callable(theta, task) -> phi_0
    initial_pullback : callable(theta, task, v) -> (..., d), V' v for v of shape (..., q).
    inner_grad : callable(phi, theta, task) -> (..., q)
    inner_hvp : callable(phi, theta, task, v) -> (..., q)
    inner_cross : callable(phi, theta, task, v) -> (..., d), the derivative of <inner_grad, v> in theta; None where the
        inner loss does not depend on theta.
    outer : callable(phi, theta, task) -> (...)
    outer_grad_phi : callable(phi, theta, task) -> (..., q)
    outer_grad_theta : callable(phi, theta, task) -> (..., d); None where the outer loss does not depend on theta.
    adapted : callable(theta, task) -> phi_r, as the inner loop gives it.
    first_order_point : (d,) array or None
        Where the mean of the first-order gradients vanishes, if known.
    """

    probabilities: Array
    q: int
    steps: int
    step: float
    initial: Callable[..., Array]
    initial_pullback: Callable[..., Array]
    inner_grad: Callable[..., Array]
    inner_hvp: Callable[..., Array]
    inner_cross: Callable[..., Array] | None
    outer: Callable[..., Array]
    outer_grad_phi: Callable[..., Array]
    outer_grad_theta: Callable[..., Array] | None
    adapted: Callable[..., Array]
    first_order_point: Array | None = None

    @property
    def count(self) -> int:
        """Number of tasks."""
        return len(self.probabilities)


@dataclass(frozen=True, eq=False)
class Capabilities:
    """What a problem offers beyond its two objectives; None for what it does not have or does not need.

    Attributes
    ----------
    project_x, project_z : callable(x) -> x, callable(z) -> z
        Nearest point of X, of Z; None where they are the whole space.
    inner_smooth : callable(z, x) -> (...)
        f, with G = f + g on Z; None where G itself is smooth (g = 0).
    inner_smooth_grad_z, inner_smooth_grad_x : callable(z, x)
        Derivatives of f.
    inner_rest : callable(z, x) -> (...)
        g, which need not be smooth in z.
    inner_rest_grad_x : callable(z, x)
        Derivative of g in x.
    inner_prox : callable(z, x, step) -> z
        argmin over y of g(y, x) + |y - z|^2 / (2 step).
    mirror_step : callable(z, slope, step) -> z
        argmin over y in Z of <slope, y> + KL(y, z) / step.
    optimistic_solution : callable(x) -> z
        A minimiser of G(., x) over Z; the one with the least F where there are several.
    distance_to_lower : callable(z, x) -> (...)
        Distance from z to the set of minimisers of G(., x) over Z; None where ``optimistic_solution`` is the only one.
    distance_to_solutions : callable(x) -> (...)
        Distance from x to the set of minimisers of Psi over X; None where ``minimizer`` is the only one.
    reduced_adjoint : callable(x) -> (..., p)
        v with G_zz v = -F_z where that equation is meant on a subspace: on the active pieces of a non-smooth G, on
        the tangent space of Z, or as the solution of least norm where G_zz is singular. Then grad Psi = F_x + G_xz v.
    pl : float
        mu_PL > 0 with |G_z|^2 >= 2 mu_PL (G - min G), where G is not strongly convex.
    tasks : Tasks
    noise : Noise
        Faults of every number that a query of a solver returns; None where numbers are what the functions say.
    measures : mapping of a name to callable(z, x) -> (...)
        What the end of a run is judged by in practice, on data that no method sees, such as "test accuracy"; the more,
        the better, unless the name is in ``smaller_is_better``. They are measured outside of the counter.
    smaller_is_better : tuple of str
    pictures : callable(z, x) -> (n, height, width)
        Grey images in [0, 1] that show the end of a run, one point z (p,), x (d,); None where there is nothing to see.
    sampled_derivatives : bool
        The derivatives of a problem with samples take ``sample`` as their last argument, as its values do.
    """

    project_x: Callable[[Array], Array] | None = None
    project_z: Callable[[Array], Array] | None = None
    inner_smooth: Callable[[Array, Array], Array] | None = None
    inner_smooth_grad_z: Callable[[Array, Array], Array] | None = None
    inner_smooth_grad_x: Callable[[Array, Array], Array] | None = None
    inner_rest: Callable[[Array, Array], Array] | None = None
    inner_rest_grad_x: Callable[[Array, Array], Array] | None = None
    inner_prox: Callable[[Array, Array, float], Array] | None = None
    mirror_step: Callable[[Array, Array, float], Array] | None = None
    optimistic_solution: Callable[[Array], Array] | None = None
    distance_to_lower: Callable[[Array, Array], Array] | None = None
    distance_to_solutions: Callable[[Array], Array] | None = None
    reduced_adjoint: Callable[[Array], Array] | None = None
    pl: float | None = None
    tasks: Tasks | None = None
    noise: Noise | None = None
    measures: Mapping[str, Callable[[Array, Array], Array]] = field(default_factory=dict)
    smaller_is_better: tuple[str, ...] = ()
    pictures: Callable[[Array, Array], Array] | None = None
    sampled_derivatives: bool = False
