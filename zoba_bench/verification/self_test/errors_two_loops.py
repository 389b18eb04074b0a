"""Errors planted in the zeroth-order methods with two loops, and in differences along coordinates."""

from __future__ import annotations

from zoba_bench.verification.self_test.planted import PlantedError

__all__ = ["ERRORS"]

_ZMDSBA, _PENALTY, _PZOBO, _HOZOG = (
    f"zoba_bench.solvers.{name}" for name in ("zmdsba", "zo_penalty", "pzobo", "hozog")
)
_TRAINING, _IMPLICIT = "zoba_bench.solvers.training", "zoba_bench.solvers.implicit"
_TWO = ("zdsba", "zmdsba")

ERRORS: tuple[PlantedError, ...] = (
    PlantedError(
        "zdsba/cross-sign", _ZMDSBA, "d_x = d_x - self.cross(", "d_x = d_x + self.cross(",
        "the implicit term has the wrong sign", _TWO,
    ),
    PlantedError(
        "zdsba/right-hand-side", _ZMDSBA, "residual -= self.outer_gradient_z(",
        "residual -= 2 * self.outer_gradient_z(",
        "the right-hand side of the linear system is doubled", _TWO,
    ),
    PlantedError(
        "zdsba/late-by-one", _ZMDSBA, "self.alpha * sqrt_decay(self.schedule, state.k)",
        "self.alpha * sqrt_decay(self.schedule, state.k + 1)", "the step of x is that of the next iteration", _TWO,
    ),
    PlantedError(
        "zmdsba/inner-schedule", _ZMDSBA, "z = z - self.beta * sqrt_decay(self.schedule, t)", "z = z - self.beta",
        "the steps of the inner loop do not decrease", ("zmdsba", "zdsba"),
    ),
    PlantedError(
        "zmdsba/default-steps", _ZMDSBA, "t_k: int = 20", "t_k: int = 40",
        "the default of t_k is twice the published one", ("zmdsba", "zdsba"),
    ),
    PlantedError(
        "zmdsba/radius-of-x", _ZMDSBA, "w_moved, u, self.outer_radius, sample)", "w_moved, u, self.h, sample)",
        "the difference in x is divided by h in place of eta", ("zmdsba", "zdsba"),
    ),
    PlantedError(
        "zo-penalty/sign", _PENALTY, "return f_y + penalised_difference(g_y, g_z, lam)",
        "return f_y - penalised_difference(g_y, g_z, lam)",
        "the penalty term has the opposite sign", ("zo-penalty",),
    ),
    PlantedError(
        "zo-penalty/no-lambda", _PENALTY, "self._along_w(oracle.outer, y, x, w, zeta) / self.lam",
        "self._along_w(oracle.outer, y, x, w, zeta)", "the slope of F is not divided by lambda", ("zo-penalty",),
    ),
    PlantedError(
        "zo-penalty/x-not-projected", _PENALTY,
        "oracle.project_x(state.x - self.alpha * sqrt_decay(self.schedule, state.k) * d_x)",
        "state.x - self.alpha * sqrt_decay(self.schedule, state.k) * d_x", "x is not projected onto X",
        ("zo-penalty",),
    ),
    PlantedError(
        "zo-penalty/default-beta", _PENALTY, "beta: float = 1e-4", "beta: float = 2e-4",
        "the default of beta is twice the published one", ("zo-penalty",),
    ),
    PlantedError(
        "pzobo/missing-dimension", _PZOBO, "d_x = f_x + factor * average(", "d_x = f_x + average(",
        "directions on the sphere without the factor d", ("pzobo",),
    ),
    PlantedError(
        "pzobo/cold-start", _PZOBO, "return State(z, state.v, x,", "return State(state.z, state.v, x,",
        "z does not go on from where it ended", ("pzobo",),
    ),
    PlantedError(
        "pzobo/response-sign", _PZOBO, "forward_difference(y[:, 1:], y[:, :1], self.eta)",
        "forward_difference(y[:, :1], y[:, 1:], self.eta)", "the response of z has the wrong sign", ("pzobo",),
    ),
    PlantedError(
        "hozog/missing-dimension", _HOZOG, "d_x = oracle.d * average(", "d_x = average(",
        "directions on the sphere without the factor d", ("hozog",),
    ),
    PlantedError(
        "hozog/warm-start", _HOZOG, "origin=state.origin,", "origin=trained[:, 0],",
        "every training goes on from the last one", ("hozog",),
    ),
    PlantedError(
        "hozog/default-gamma", _HOZOG, "gamma: float = 1e-3", "gamma: float = 2e-3",
        "the default of gamma is twice the published one", ("hozog",),
    ),
    PlantedError(
        "zo-penalty/one-direction", _PENALTY, "u = gaussian(rng, (oracle.replicates, 1, self.l), oracle.d)",
        "u = np.repeat(gaussian(rng, (oracle.replicates, 1, 1), oracle.d), self.l, axis=2)",
        "one direction is used l times", ("zo-penalty",),
    ),
    PlantedError(
        "pzobo/first-replicate", _PZOBO, "y = np.broadcast_to(state.z[:, None, :]",
        "y = np.broadcast_to(state.z[:1, None, :]", "all replicates start their inner runs where the first one stands",
        ("pzobo",),
    ),
    PlantedError(
        "hozog/first-replicate", _HOZOG, "self.train(oracle, state.origin, points)",
        "self.train(oracle, np.repeat(state.origin[:1], len(x), axis=0), points)",
        "all replicates are trained from the origin of the first one", ("hozog",),
    ),
    PlantedError(
        "hozog/one-direction", _HOZOG, "u = sphere(rng, (oracle.replicates, 1, self.q), oracle.d)",
        "u = np.repeat(sphere(rng, (oracle.replicates, 1, 1), oracle.d), self.q, axis=2)",
        "one direction is used q times", ("hozog",),
    ),
    PlantedError(
        "hozog/wrong-dimension", _HOZOG, "d_x = oracle.d * average(", "d_x = oracle.p * average(",
        "the factor of unit directions is p in place of d", ("hozog",),
    ),
    PlantedError(
        "implicit/adjoint-sign", _IMPLICIT, "v = -absolute_solve(H, f_z)", "v = absolute_solve(H, f_z)",
        "the adjoint has the wrong sign", ("implicit",),
    ),
    PlantedError(
        "implicit/old-step", _IMPLICIT, "s, y = state.moved, D - state.hypergradient",
        "s, y = state.moved, state.hypergradient", "BFGS learns from the old hypergradient, not from its change",
        ("implicit",),
    ),
    PlantedError(
        "zmdsba/outer-radius-ignored", _ZMDSBA, "return self.h if self.eta is None else self.eta", "return self.h",
        "the radius eta that is chosen is not used", _TWO,
    ),
    PlantedError(
        "zo-penalty/outer-radius-ignored", _PENALTY, "eta = self.h if self.eta is None else self.eta",
        "eta = self.h", "the radius eta that is chosen is not used", ("zo-penalty",),
    ),
    PlantedError(
        "pzobo/default-radius", _PZOBO, "    eta: float = 0.1\n", "    eta: float = 0.05\n",
        "the default of eta is half of the published one", ("pzobo",),
    ),
    PlantedError(
        "hozog/alpha-ignored", _TRAINING, "z = z - self.alpha * self._gradient(", "z = z - 0.1 * self._gradient(",
        "the trainings use the default step", ("hozog",),
    ),
)  # fmt: skip
