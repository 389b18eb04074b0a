"""Errors planted in the methods that query derivatives."""

from __future__ import annotations

from zoba_bench.verification.self_test.planted import PlantedError

__all__ = ["ERRORS"]

_HERE = "zoba_bench.solvers."
_DESCENT = ("aid-bio", "itd-bio", "stocbio")

ERRORS: tuple[PlantedError, ...] = (
    PlantedError(
        "descent/x-not-projected", _HERE + "hypergradient", "state.oracle.project_x(state.x - self.beta * h)",
        "state.x - self.beta * h", "x is not projected onto X", _DESCENT,
    ),
    PlantedError(
        "descent/default-beta", _HERE + "hypergradient", "beta: float = 0.1", "beta: float = 0.2",
        "the default of beta is twice the published one", _DESCENT,
    ),
    PlantedError(
        "aid-bio/adjoint-sign", _HERE + "aid_bio", "-oracle.outer_grad_z(z, x), state.v, self.N",
        "oracle.outer_grad_z(z, x), state.v, self.N", "the right-hand side has the wrong sign", ("aid-bio",),
    ),
    PlantedError(
        "aid-bio/cold-start", _HERE + "aid_bio", "state.v, self.N)", "np.zeros_like(z), self.N)",
        "conjugate gradients start from zero", ("aid-bio",),
    ),
    PlantedError(
        "aid-bio/old-iterate", _HERE + "aid_bio", "oracle.outer_grad_x(z, x) + oracle.inner_jvp_xz(z, x, v)",
        "oracle.outer_grad_x(z, x) + oracle.inner_jvp_xz(state.z, x, v)",
        "the product with G_xz is taken at the old z", ("aid-bio",),
    ),
    PlantedError(
        "itd-bio/last-point", _HERE + "itd_bio", "self.alpha * oracle.inner_hvp_zz(path[t], x, b)",
        "self.alpha * oracle.inner_hvp_zz(path[-1], x, b)", "all Hessians are taken where the path ends",
        ("itd-bio",),
    ),
    PlantedError(
        "itd-bio/half-cross", _HERE + "itd_bio", "h = h - self.alpha * oracle.inner_jvp_xz(",
        "h = h - 0.5 * self.alpha * oracle.inner_jvp_xz(", "half of the products with G_xz", ("itd-bio",),
    ),
    PlantedError(
        "stocbio/step-lost", _HERE + "stocbio", "v = -self.eta * total", "v = -total",
        "the Neumann sum has lost its step", ("stocbio",),
    ),
    PlantedError(
        "stocbio/first-term-lost", _HERE + "stocbio", "total = r\n", "total = np.zeros_like(r)\n",
        "the Neumann sum has lost its first term", ("stocbio",),
    ),
    PlantedError(
        "stocbio/one-batch", _HERE + "stocbio", "        for size in self.hessian_batches():\n",
        "        sizes = self.hessian_batches()\n        held = inner_batch(sizes[0])\n"
        "        inner_batch = lambda size: held\n        for size in sizes:\n",
        "one Hessian batch is used Q times", ("stocbio",),
    ),
    PlantedError(
        "soba/adjoint-sign", _HERE + "soba", "d_v = d_v + batch_mean(oracle.outer_grad_z",
        "d_v = d_v - batch_mean(oracle.outer_grad_z", "F_z enters with the wrong sign", ("soba",),
    ),
    PlantedError(
        "soba/ratio", _HERE + "soba", "return self.rho / self.ratio", "return self.rho * self.ratio",
        "gamma is rho times the ratio", ("soba",),
    ),
    PlantedError(
        "soba/late-schedule", _HERE + "soba", "scale = sqrt_decay(self.schedule, k)",
        "scale = sqrt_decay(self.schedule, min(k, 10))", "the steps stop to decrease at iteration 10", ("soba",),
    ),
    PlantedError(
        "saba/duplicates", _HERE + "saba", "(change * first[..., None]).sum(axis=1)", "change.sum(axis=1)",
        "a sample that is drawn twice enters the mean of the memory twice", ("saba",),
    ),
    PlantedError(
        "saba/no-memory", _HERE + "saba", "direction: Array = change.mean(axis=1) + self.mean",
        "direction: Array = new.mean(axis=1)", "the memory is not used", ("saba",),
    ),
    PlantedError(
        "saba/mean-of-batch", _HERE + "saba", "/ self.values.shape[1]", "/ sample.shape[1]",
        "the mean of the memory is divided by the batch", ("saba",),
    ),
    PlantedError(
        "f2sa/exponent", _HERE + "f2sa", "self.gamma * (k + 1) ** -c", "self.gamma * (k + 1) ** -a",
        "gamma_k decreases with the exponent of alpha_k", ("f2sa",),
    ),
    PlantedError(
        "f2sa/sign", _HERE + "f2sa", '+ penalised_difference(of_g("inner_grad_x", y)',
        '- penalised_difference(of_g("inner_grad_x", y)',
        "the penalty term of x has the wrong sign", ("f2sa",),
    ),
    PlantedError(
        "f2sa/step-of-x", _HERE + "f2sa", "self.xi * alpha * d_x", "self.xi * self.alpha * d_x",
        "the step of x does not decrease", ("f2sa",),
    ),
    PlantedError(
        "fednest/neumann-sign", _HERE + "fednest", "v = v - self.eta * term", "v = v + self.eta * term",
        "the terms of the Neumann series have the wrong sign", ("fednest",),
    ),
    PlantedError(
        "fednest/one-client", _HERE + "fednest", "place * self.clients + np.arange(self.clients)[:, None]",
        "place * self.clients", "all clients draw from the samples of the first", ("fednest",),
    ),
    PlantedError(
        "fednest/default-tau", _HERE + "fednest", "tau: int = 5", "tau: int = 10",
        "the default of tau is twice the published one", ("fednest",),
    ),
    PlantedError(
        "meha/prox-sign", _HERE + "meha", "theta - self.eta * slope", "theta + self.eta * slope",
        "the sign inside the prox step of theta is wrong", ("meha",),
    ),
    PlantedError(
        "meha/prox-step", _HERE + "meha", "oracle.inner_prox(y - self.beta * slope, x, self.beta)",
        "oracle.inner_prox(y - self.beta * slope, x, self.eta / 2)", "the prox of z has half the step of theta",
        ("meha",),
    ),
    PlantedError(
        "meha/old-x", _HERE + "meha", "slope = oracle.outer_grad_z(y, x) / c",
        "slope = oracle.outer_grad_z(y, state.x) / c", "F_z is taken at the old x", ("meha",),
    ),
    PlantedError(
        "meha/penalty", _HERE + "meha", "self.c * (k + 1) ** self.power", "self.c * (k + 1) ** (self.power / 2)",
        "the penalty grows with half the power", ("meha",),
    ),
    PlantedError(
        "fom/sum-of-tasks", _HERE + "fom", "np.full(self.batch, 1 / self.batch)", "np.full(self.batch, 1.0)",
        "a sum over the drawn tasks in place of their mean", ("fom", "ufom", "ufom-adaptive"),
    ),
    PlantedError(
        "fom/schedule", _HERE + "fom", 'gamma / (k + 1) if self.schedule == "harmonic"',
        'gamma / min(k + 1, 10) if self.schedule == "harmonic"', "the harmonic steps stop to decrease at iteration 10",
        ("fom", "ufom", "ufom-adaptive"),
    ),
    PlantedError(
        "fom/pullback", _HERE + "truncated", "first = first + program.pullback(b)",
        "first = first - program.pullback(b)",
        "the first-order gradient has the wrong sign", ("fom", "ufom", "ufom-adaptive"),
    ),
    PlantedError(
        "ufom/missing-1-over-q", _HERE + "ufom", "first + rest / q[:, None, None], self.learned(",
        "first + rest, self.learned(", "the correction is not divided by q", ("ufom", "ufom-adaptive"),
    ),
    PlantedError(
        "ufom/coins", _HERE + "ufom", "state.rng.random(program.start.shape[:2]) < q[:, None]",
        "state.rng.random(program.start.shape[:2]) < 2 * q[:, None]", "the correction comes twice as often as q says",
        ("ufom", "ufom-adaptive"),
    ),
    PlantedError(
        "ufom-adaptive/decay", _HERE + "ufom", "kept = self.decay**number", "kept = self.decay ** (number > 0)",
        "the averages decay once, however many gradients enter", ("ufom-adaptive",),
    ),
    PlantedError(
        "ufom-adaptive/least-q", _HERE + "ufom", "np.maximum(self.q_min, best)", "np.maximum(2 * self.q_min, best)",
        "q stays above twice its least value", ("ufom-adaptive",),
    ),
    PlantedError(
        "stocbio/short-series", _HERE + "stocbio", "for j in range(self.Q)", "for j in range(self.Q - 1)",
        "the Neumann series has one term less", ("stocbio",),
    ),
    PlantedError(
        "stocbio/stale-batch", _HERE + "stocbio", "sample=inner_batch(self.D_g))", "sample=outer_batch)",
        "the product with G_xz is over the samples that F's gradient was taken of", ("stocbio",),
    ),
    PlantedError(
        "soba/shared-samples", _HERE + "soba", "oracle.draw_inner(state.rng, b1), oracle.draw_outer(state.rng, b2)",
        "(drawn := oracle.draw_inner(state.rng, b1)), drawn", "the samples of F are those of G", ("soba",),
    ),
    PlantedError(
        "soba/projection-first", _HERE + "soba", "oracle.project_x(x - gamma * d_x)",
        "oracle.project_x(x) - gamma * d_x", "x is projected before its step, not after it", ("soba",),
    ),
    PlantedError(
        "schedules/late-by-one", _HERE + "base", "1.0 / math.sqrt(k + 1)", "1.0 / math.sqrt(k + 2)",
        "every decreasing step is that of the next iteration", ("soba", "zo-penalty", "zoba"),
    ),
    PlantedError(
        "ufom-adaptive/weights-swapped", _HERE + "ufom", "share = (1 - self.decay) * self.decay**after",
        "share = self.decay * (1 - self.decay) ** after", "old and new averages have each other's weight",
        ("ufom-adaptive",),
    ),
    PlantedError(
        "meha/gamma-ignored", _HERE + "meha", "_grad_z(oracle, y, x) - (y - theta) / self.gamma",
        "_grad_z(oracle, y, x) - (y - theta) / 5.0", "gamma of the envelope is the default one in the step of z",
        ("meha",),
    ),
    PlantedError(
        "meha/default-power", _HERE + "meha", "power: float = 0.49", "power: float = 0.25",
        "the default of the penalty's power is not the published one", ("meha",),
    ),
    PlantedError(
        "ufom-adaptive/decay-ignored", _HERE + "ufom", "number = coins.sum(axis=1)",
        'self = type(self)(**{**vars(self), "decay": 0.99})\n        number = coins.sum(axis=1)',
        "the averages decay with the default rate", ("ufom-adaptive",),
    ),
    PlantedError(
        "soba/far-on", _HERE + "soba", "scale = sqrt_decay(self.schedule, k)",
        "scale = sqrt_decay(self.schedule, min(k, 300))", "the steps stop to decrease at iteration 300", ("soba",),
    ),
    PlantedError(
        "soba/tenth-of-z", _HERE + "soba", "State(z - rho * d_z,",
        "State(z - rho * d_z * (np.arange(z.shape[-1]) < 9),", "the tenth coordinate of z does not move", ("soba",),
    ),
    PlantedError(
        "meha/far-on", _HERE + "meha", "self.c * (k + 1) ** self.power", "self.c * min(k + 1, 200) ** self.power",
        "the penalty stops to grow at iteration 200", ("meha",),
    ),
    PlantedError(
        "meha/prox-of-theta", _HERE + "meha", "oracle.inner_prox(theta - self.eta * slope, x, self.eta)",
        "oracle.inner_prox(theta - self.eta * slope, x, self.beta)", "theta's prox has the step of z", ("meha",),
    ),
    PlantedError(
        "fom/constant-steps", _HERE + "fom", "else gamma * sqrt_decay(self.schedule, k)", "else gamma",
        "the steps that decrease do not", ("fom", "ufom", "ufom-adaptive"),
    ),
)  # fmt: skip
