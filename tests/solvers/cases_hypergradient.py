"""AID-BiO, ITD-BiO and stocBiO: the theorems' bounds at the theorems' steps, and linear rates on quadratics.

**Bounds.** The theorems ask f to be M-Lipschitz, which a quadratic F is not. In that of AID-BiO M occurs with the
Lipschitz constants tau and rho of g_xy and g_yy only, which are zero for a quadratic G: then it holds for any smooth
F, and what is evaluated must not contain M. The other two are run where F is Lipschitz. A run is as long as it takes
for the bound to be half of |grad Psi(x_0)|^2: a solver that stands still would be above it.

**Linear rates**, where both levels are quadratic and Psi is strongly convex. With X = |x - x*|, a = |z - z*(x)| and
b = |v - v*(x)| at the start of an iteration, q the contraction of a step of z, and y^D its last inner iterate,

    a' = q^D a,    X_next <= r X + beta e,    a_next <= a' + k_z m,    b_next <= b' + k_v m,    m = beta (L_Psi X + e),

where r is the contraction of an exact gradient step on Psi, e bounds |h - grad Psi(x)| and m the motion of x. For v
that solves G_zz v = -F_z at (y^D, x), v - v*(x) has norm at most (m_zz/mu) a'. So

    AID-BiO:  b' = omega (b + (m_zz/mu) a') + (m_zz/mu) a',                       e = m_xz a' + L_xz b',
    stocBiO:  b' = tail |v*(x)| + (1 + tail) (m_zz/mu) a', tail = (1 - eta mu)^(Q + 1),  e as above,
    ITD-BiO:  e = (m_xz + k_z m_zz) a' + q^D k_z |F_z(z*(x), x)|,

with omega what N conjugate gradient steps leave of an error (0 if N >= p), |dy^D/dx| <= k_z and
|dy^D/dx - dz*/dx| <= q^D k_z for alpha <= 1/L_zz; |v*(x)| <= |v*(x*)| + k_v X, and likewise F_z with m_zz k_z + m_xz.
All coefficients are non-negative: the errors stay below those of a linear recursion (affine for the two biased
methods), whose matrix is evaluated from the problem's constants. Its spectral radius is the rate; the least D that
brings it below 1 - beta mu_Psi / 2 is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import zoba_bench as zb
from zoba_bench.registry import theorem

from ..theory.implicit_support import at, value
from .case import Case
from .hypergradient_support import joint_constants

#: Iterations of the runs that converge at a linear rate.
LINEAR = 80


def built(name: str, parameters: dict[str, Any]) -> zb.BilevelProblem:
    return zb.load_problem(name, **parameters)


def start(problem) -> tuple[np.ndarray, np.ndarray]:
    """What ``zb.solve`` starts from at seed 0."""
    z0, x0 = problem.initial_point(np.random.default_rng(np.random.SeedSequence(0).spawn(2)[0]))
    return z0, x0


def of(method: str, step: str, numbers: dict[str, float]) -> float:
    """A step's right-hand side; M drops out where tau and rho are zero."""
    (found,) = (s for s in theorem(method).steps if s.name == step)
    expression = found.statement.rhs
    if numbers["tau"] == numbers["rho"] == 0:
        symbols = {str(s): s for s in expression.free_symbols}
        expression = expression.subs({symbols[name]: 0 for name in ("tau", "rho") if name in symbols})
    return at(expression, **numbers)


def published(method: str, numbers: dict[str, float]) -> float:
    (found,) = (q for q in theorem(method).quoted if q.name == "published bound")
    return at(found.statement.rhs, **numbers)


def gap_of(problem) -> float:
    return float(problem.value(start(problem)[1])) - problem.minimum


# Bounds at the theorems' steps.


def slope_of(problem) -> float:
    """|grad Psi(x_0)|^2."""
    return float(np.sum(problem.hypergradient(start(problem)[1]) ** 2))


def long_enough(bound: Callable[[int], float], problem) -> int:
    """The least K with a bound of at most half of |grad Psi(x_0)|^2; bounds are of the form c/K + rest."""
    one, two = bound(1), bound(2)
    rest = 2 * two - one
    half = slope_of(problem) / 2
    assert rest < half
    return math.ceil(2 * (one - two) / (half - rest))


def bounded(
    method: str, name: str, promise: str, parameters: dict[str, Any], options: dict[str, Any],
    bound: Callable[[Any, int], float],
) -> Case:  # fmt: skip
    """A run of which theory bounds the mean of |grad Psi|^2; ``bound`` takes the problem and K."""
    problem = built(name, parameters)
    K = long_enough(lambda number: bound(problem, number), problem)
    return Case(
        method, name, promise, measured=lambda _, result: result.mean_stationarity,
        bound=lambda p: bound(p, K), parameters=parameters, options=options, run={"max_iterations": K},
    )  # fmt: skip


def aid_numbers(problem, theta: float = 0.25) -> dict[str, float]:
    numbers = joint_constants(problem) | {"theta": theta}
    numbers |= {"L_Phi": of("aid-bio", "smoothness of Phi", numbers), "gap": gap_of(problem)}
    z0, x0 = start(problem)
    a, b = np.linalg.norm(z0 - problem.inner_solution(x0)), np.linalg.norm(problem.adjoint(x0))
    # The weights of the step "error in the weighted norm", at tau = 0.
    adjoint = of("aid-bio", "Lipschitz constant of the adjoint", numbers)
    assert numbers["tau"] == 0
    weight = numbers["L"] + 5 / 4 * numbers["L"] * adjoint
    return numbers | {"U_0": weight * a + numbers["L"] * b, "Delta_0": a**2 + b**2}


def aid_bounds(name: str, parameters: dict[str, Any]) -> list[Case]:
    numbers = aid_numbers(built(name, parameters))
    options = {
        "alpha": 1 / numbers["L"],
        "D": int(of("aid-bio", "inner iterations", numbers)),
        "N": int(of("aid-bio", "enough conjugate gradient steps", numbers)),
    }
    quoted = (
        "the mean of |grad Psi|^2 is at most (64 L_Phi gap + 5 Delta_0)/K at beta = 1/(8 L_Phi): quoted, as recalled "
        "from arXiv 2010.07962, with the D and N of the derived theorem"
    )
    derived = (
        "the mean of |grad Psi|^2 is at most (4 L_Phi gap + 2 theta^2 U_0^2)/K at beta = 1/(2 L_Phi): derived, "
        "theorem aid-bio"
    )
    return [
        bounded(
            "aid-bio", name, quoted, parameters, {**options, "beta": 1 / (8 * numbers["L_Phi"])},
            lambda p, K: published("aid-bio", aid_numbers(p) | {"K": K}),
        ),
        bounded(
            "aid-bio", name, derived, parameters, {**options, "beta": 1 / (2 * numbers["L_Phi"])},
            lambda p, K: of("aid-bio", "bound", aid_numbers(p) | {"K": K}),
        ),
    ]  # fmt: skip


def lipschitz_numbers(problem, method: str) -> dict[str, float]:
    """eps is a quarter of |grad Psi(x_0)|^2."""
    numbers = joint_constants(problem)
    z0, x0 = start(problem)
    smooth = value(theorem(method), "smoothness of Phi", **numbers)
    numbers |= {"L_Phi": smooth, "gap": gap_of(problem), "eps": slope_of(problem) / 4}
    return numbers | {"a_0": float(np.linalg.norm(z0 - problem.inner_solution(x0)))}


def itd_numbers(problem) -> dict[str, float]:
    """B with a_0 replaced by its bound over the run, and the least D of the theorem."""
    numbers, theory = lipschitz_numbers(problem, "itd-bio"), theorem("itd-bio")
    over_run = value(theory, "inner error over the run", **numbers)
    inside = numbers | {"a_0": over_run, "D": 0, "alpha": 1 / numbers["L"]}
    numbers["B"] = value(theory, "exponential bound", **inside)
    return numbers | {"D": int(value(theory, "inner iterations", **numbers))}


def itd_bounds(name: str, parameters: dict[str, Any]) -> list[Case]:
    numbers = itd_numbers(built(name, parameters))
    options = {"alpha": 1 / numbers["L"], "D": numbers["D"]}
    quoted = (
        "the mean of |grad Psi|^2 is at most 16 L_Phi gap/K + 2 eps/3 at beta = 1/(4 L_Phi): quoted, as recalled from "
        "arXiv 2010.07962, with the D of the derived theorem at this eps"
    )
    derived = (
        "the mean of |grad Psi|^2 is at most 2 L_Phi gap/K + B^2 exp(-D/kappa) at beta = 1/L_Phi: derived, theorem "
        "itd-bio"
    )
    return [
        bounded(
            "itd-bio", name, quoted, parameters, {**options, "beta": 1 / (4 * numbers["L_Phi"])},
            lambda p, K: published("itd-bio", itd_numbers(p) | {"K": K}),
        ),
        bounded(
            "itd-bio", name, derived, parameters, {**options, "beta": 1 / numbers["L_Phi"]},
            lambda p, K: value(theorem("itd-bio"), "bound", **itd_numbers(p), K=K),
        ),
    ]  # fmt: skip


def stocbio_numbers(problem) -> dict[str, float]:
    """Exact values, so no noise; D and Q of the theorem at this eps."""
    theory = theorem("stocbio")
    numbers = lipschitz_numbers(problem, "stocbio") | {"sigma": 0.0, "S": 1.0, "V": 0.0}
    numbers |= {"Lambda": numbers["L_Phi"] / (1 + numbers["kappa"]), "eta": 1 / numbers["L"]}
    numbers["A"] = math.sqrt(value(theory, "inner error over the run", **numbers))
    numbers["D"] = int(value(theory, "size D_eps", **numbers))
    return numbers | {"Q": math.ceil(value(theory, "size Q_eps", **numbers))}


def stocbio_bound(name: str, parameters: dict[str, Any]) -> Case:
    numbers = stocbio_numbers(built(name, parameters))
    steps = {"alpha": 2 / (numbers["L"] + numbers["mu"]), "eta": numbers["eta"], "beta": 1 / numbers["L_Phi"]}
    return bounded(
        "stocbio", name, "with exact values the mean of |grad Psi|^2 is at most 2 L_Phi gap/K plus the inner error and "
        "the bias of the Neumann sum: derived, theorem stocbio at sigma = V = 0",
        parameters, {**steps, "D": numbers["D"], "Q": numbers["Q"]},
        lambda p, K: value(theorem("stocbio"), "bound", **stocbio_numbers(p), K=K),
    )  # fmt: skip


# Linear rates on quadratics.


def curvatures(problem) -> np.ndarray:
    """Eigenvalues of the Hessian of Psi, which is constant."""
    origin = problem.hypergradient(np.zeros(problem.d))
    hessian = np.array([problem.hypergradient(e) - origin for e in np.eye(problem.d)])
    return np.linalg.eigvalsh((hessian + hessian.T) / 2)


def recursion(method: str, problem, options: dict[str, Any]) -> np.ndarray:
    """The matrix of the recursion of (X, a, b, 1)."""
    c, o = problem.constants, options
    mu_Psi, L_Psi = curvatures(problem)[[0, -1]]
    power = max(abs(1 - o["alpha"] * c.mu), abs(1 - o["alpha"] * c.L_zz)) ** o["D"]
    r = max(abs(1 - o["beta"] * mu_Psi), abs(1 - o["beta"] * L_Psi))
    best = problem.minimizer
    shift = c.m_zz / c.mu

    def step(s: np.ndarray) -> np.ndarray:
        X, a, b, one = s
        a = power * a
        if method == "aid-bio":
            kappa = c.L_zz / c.mu
            # In the Euclidean norm errors of conjugate gradients never grow (Hestenes and Stiefel).
            rate = value(theorem("aid-bio"), "rate in the Euclidean norm", kappa=kappa, N=o["N"])
            omega = 0.0 if o["N"] >= problem.p else min(1.0, rate)
            b = omega * (b + shift * a) + shift * a
            e = c.m_xz * a + c.L_xz * b
        elif method == "stocbio":
            tail = (1 - o["eta"] * c.mu) ** (o["Q"] + 1)
            b = tail * (np.linalg.norm(problem.adjoint(best)) * one + c.k_v * X) + (1 + tail) * shift * a
            e = c.m_xz * a + c.L_xz * b
        else:
            slope = np.linalg.norm(problem.outer_grad_z(problem.inner_solution(best), best))
            e = (c.m_xz + c.k_z * c.m_zz) * a + power * c.k_z * (slope * one + (c.m_zz * c.k_z + c.m_xz) * X)
        move = o["beta"] * (L_Psi * X + e)
        return np.array([r * X + o["beta"] * e, a + c.k_z * move, b + c.k_v * move, one])

    matrix = np.array([step(unit) for unit in np.eye(4)]).T
    assert (matrix >= 0).all()
    return matrix


def radius(method: str, problem, options: dict[str, Any]) -> float:
    """The rate: the spectral radius without the constant. The error of v is not fed back by ITD-BiO and stocBiO."""
    feedback = 3 if method == "aid-bio" else 2
    return float(np.abs(np.linalg.eigvals(recursion(method, problem, options)[:feedback, :feedback])).max())


def linear_options(method: str, problem) -> dict[str, Any]:
    """alpha = 1/L_zz, beta = 1/L_Psi, and the least D (and Q) for a rate of 1 - beta mu_Psi / 2."""
    c = problem.constants
    mu_Psi, L_Psi = curvatures(problem)[[0, -1]]
    options: dict[str, Any] = {"alpha": 1 / c.L_zz, "beta": 1 / L_Psi, "D": 1}
    if method == "aid-bio":
        options["N"] = problem.p
    if method == "stocbio":
        options |= {"eta": 1 / c.L_zz, "Q": 1}
    while radius(method, problem, options) > 1 - options["beta"] * mu_Psi / 2:
        options["D"] += 1
        if method == "stocbio":
            options["Q"] = options["D"]
    return options


def linear(method: str, name: str, parameters: dict[str, Any], **changes: Any) -> Case:
    options = linear_options(method, built(name, parameters)) | changes

    def bound(problem):
        z0, x0 = start(problem)
        errors = x0 - problem.minimizer, z0 - problem.inner_solution(x0), problem.adjoint(x0)
        first = [*(float(np.linalg.norm(e)) for e in errors), 1.0]
        return (np.linalg.matrix_power(recursion(method, problem, options), LINEAR) @ first)[0]

    kept = {"aid-bio": "", "itd-bio": ", up to the bias of the unrolled loop", "stocbio": ", up to that of the sum"}
    return Case(
        method, name, f"|x - x*| falls at a linear rate where both levels are quadratic{kept[method]}: derived above",
        measured=lambda problem, result: np.linalg.norm(result.x - problem.minimizer, axis=1),
        bound=bound, parameters=parameters, options=options, run={"max_iterations": LINEAR, "record_every": None},
    )  # fmt: skip


QUADRATICS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("quad_general", {"p": 4, "d": 3, "kappa": 3.0}),
    ("quad_tracking", {"p": 4, "d": 3, "kappa": 3.0, "lam": 0.5}),
    ("minimax_quad", {"p": 4, "d": 3, "kappa": 3.0}),
    ("nesterov_chain", {"p": 3, "d": 3, "kappa": 3.0}),
)
#: For the theorems, whose L_Phi grows like the cube of the condition number.
ROUND: tuple[tuple[str, dict[str, Any]], ...] = (
    ("quad_general", {"p": 3, "d": 2, "kappa": 1.5}),
    ("minimax_quad", {"p": 3, "d": 2, "kappa": 1.5}),
    ("bolib_falk_liu_1995", {}),
)

CASES = [
    *(case for row in ROUND for case in aid_bounds(*row)),
    *itd_bounds("reference", {"p": 2, "d": 2, "beta": 0.0}),
    stocbio_bound("reference", {"p": 2, "d": 2, "beta": 0.0}),
    *(linear(method, *row) for method in ("aid-bio", "itd-bio", "stocbio") for row in QUADRATICS),
    # Fewer conjugate gradient steps than dimensions: the rate of the Chebyshev polynomials.
    linear("aid-bio", "quad_general", {"p": 12, "d": 3, "kappa": 2.0}, N=8),
]
