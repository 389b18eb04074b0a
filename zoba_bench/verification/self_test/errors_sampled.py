"""Errors planted in the first-order rivals."""

from __future__ import annotations

from zoba_bench.verification.self_test.planted import PlantedError

__all__ = ["ERRORS"]

_HERE = "zoba_bench.solvers."
_RANDOM = ("bsa", "ttsa", "sustain")

ERRORS: tuple[PlantedError, ...] = (
    PlantedError(
        "sampled/ratio", _HERE + "sampled", "return self.rho / self.ratio", "return self.rho * self.ratio",
        "gamma is rho times the ratio", ("amigo", "bsa", "ttsa", "sustain", "mrbo", "fsla"),
    ),
    PlantedError(
        "sampled/far-on", _HERE + "sampled", "self.gamma * (k + 1) ** -f", "self.gamma * min(k + 1, 300) ** -f",
        "the step of x stops to decrease at iteration 300", ("bsa", "ttsa", "mrbo"),
    ),
    PlantedError(
        "sampled/default-rho", _HERE + "sampled", "rho: float = 0.1", "rho: float = 0.2",
        "the default of rho is twice the published one", ("amigo", "fsla"),
    ),
    PlantedError(
        "amigo/adjoint-sign", _HERE + "amigo", "+ f_z)", "- f_z)", "F_z enters the steps on v with the wrong sign",
        ("amigo",),
    ),
    PlantedError(
        "amigo/old-system", _HERE + "amigo", "oracle.inner_hvp_zz, z, x, v", "oracle.inner_hvp_zz, state.z, x, v",
        "G_zz is taken at the z before the inner steps", ("amigo",),
    ),
    PlantedError(
        "series/step-lost", _HERE + "series", "return [-eta * each", "return [-each", "the series has lost its step",
        (*_RANDOM, "mrbo"),
    ),
    PlantedError(
        "series/number-lost", _HERE + "series", "[terms * r for r in current]", "[r for r in current]",
        "the one term that is drawn is not multiplied by their number", _RANDOM,
    ),
    PlantedError(
        "series/length", _HERE + "series", "rng.integers(terms, size", "rng.integers(max(1, terms - 1), size",
        "the longest term is never drawn", _RANDOM,
    ),
    PlantedError(
        "series/one-for-all", _HERE + "series", "rng.integers(terms, size=oracle.replicates)",
        "np.repeat(rng.integers(terms), oracle.replicates)", "all replicates draw the same length", _RANDOM,
    ),
    PlantedError(
        "bsa/old-x", _HERE + "bsa", "inner_steps(oracle, rng, z, x, rho,", "inner_steps(oracle, rng, z, state.x, rho,",
        "the inner steps are taken at the old x", ("bsa",),
    ),
    PlantedError(
        "ttsa/exponents", _HERE + "bsa", "(2 / 5, 3 / 5)", "(3 / 5, 2 / 5)", "x is on the faster time scale", ("ttsa",),
    ),
    PlantedError(
        "ttsa/old-z", _HERE + "bsa", "z = state.z - rho * batch_mean(oracle.inner_grad_z, state.z, x, sample=xi)\n",
        "z = state.z - rho * batch_mean(oracle.inner_grad_z, state.z, x, sample=xi)\n"
        "        z, moved = state.z, z\n",
        "z does not move", ("ttsa",),
    ),
    PlantedError(
        "recursions/weight", _HERE + "recursions", "(k + 1) ** (-2 / 3)", "(k + 1) ** (-1 / 3)",
        "the weight decreases with half the exponent", ("sustain", "mrbo"),
    ),
    PlantedError(
        "recursions/first-point", _HERE + "recursions", "x_old=x, d_z=d_z", "x_old=state.x_old, d_z=d_z",
        "the differences are to the first x", ("sustain", "mrbo"),
    ),
    PlantedError(
        "mrbo/short-series", _HERE + "recursions", 'return self.N + 1, "sum"', 'return self.N, "sum"',
        "the series has one product less", ("mrbo",),
    ),
    PlantedError(
        "fsla/new-v", _HERE + "recursions", "(state.z, state.x_old, v_old))", "(state.z, state.x_old, v))",
        "the old direction has the new v", ("fsla",),
    ),
    PlantedError(
        "fsla/old-system", _HERE + "recursions", "oracle.inner_hvp_zz, z, x, v_old",
        "oracle.inner_hvp_zz, state.z, x, v_old", "G_zz is taken at the old z", ("fsla",),
    ),
    PlantedError(
        "srba/old-v", _HERE + "periodic", "(state.z_old, state.v_old, state.x_old), xi, zeta)",
        "(state.z_old, state.v, state.x_old), xi, zeta)", "the old directions have the new v", ("srba",),
    ),
    PlantedError(
        "srba/sign", _HERE + "periodic", "[d + n - o for d, n, o", "[d - n + o for d, n, o",
        "the differences have the wrong sign", ("srba",),
    ),
    PlantedError(
        "periodic/always", _HERE + "periodic", "return k % self.period == 0", "return True",
        "every iteration asks for all samples", ("srba", "vrbo"),
    ),
    PlantedError(
        "vrbo/old-x", _HERE + "periodic", "            last = z, x\n", "            last = z, state.x\n",
        "the change of x enters every difference", ("vrbo",),
    ),
    PlantedError(
        "vrbo/forgets", _HERE + "periodic", "d_z, d_x, last = state.d_z, state.d_x, (state.z_old, state.x_old)",
        "d_z, d_x, last = state.d_z, state.d_x, (state.z, state.x)",
        "the first difference of an iteration is to a point that was not corrected", ("vrbo",),
    ),
    PlantedError(
        "iaptt-gm/least", _HERE + "iaptt", "1 + np.argmax(", "1 + np.argmin(", "the path is cut where F is least",
        ("iaptt-gm",),
    ),
    PlantedError(
        "iaptt-gm/early", _HERE + "iaptt", "wanted = length > t", "wanted = length > t + 1",
        "the first step back is left out", ("iaptt-gm",),
    ),
    PlantedError(
        "bome/whole-phi", _HERE + "bome", "self.eta * gap - along", "gap - along", "phi is the whole of |q|^2",
        ("bome",),
    ),
    PlantedError(
        "bome/half-of-q", _HERE + "bome", "np.vecdot(q_z, q_z) + np.vecdot(q_x, q_x)", "np.vecdot(q_z, q_z)",
        "|q|^2 lacks the part in x", ("bome",),
    ),
    PlantedError(
        "bome/last-step", _HERE + "bome", "range(self.inner_steps - 1)", "range(self.inner_steps)",
        "y takes one step more", ("bome",),
    ),
    PlantedError(
        "periodic/larger-batch", _HERE + "periodic", "samples // sum(self.batches(oracle))",
        "samples // max(self.batches(oracle))", "the default period counts the larger batch alone", ("srba", "vrbo"),
    ),
    PlantedError(
        "fsla/default-weight", _HERE + "recursions", "weight = min(self.rho, 1.0)", "weight = min(self.gamma, 1.0)",
        "the default weight is gamma", ("fsla",),
    ),
)  # fmt: skip
