"""A problem of one's own, with what is known of it, and its certificate.

An object with p, d, inner and outer is a problem. Closed forms that one knows stand under their names; the certificate
compares them with the functions, with each other and with differences, and says what it could not verify. With a known
inner solution and hypergradient a run is measured by them; the solver never sees them.
"""

import sys

import numpy as np
from matplotlib.figure import Figure

import zoba_bench as zb
from zoba_bench.certification.certify import certify


class Bowl:
    """z follows the sum of x; the outer function wants z near 1 and x small."""

    p, d = 3, 2  # z has shape (..., 3), x (..., 2)
    constants = {"mu": 1.0, "L_zz": 1.0}  # noqa: RUF012

    def inner(self, z, x):
        """G: the last axis is summed, leading axes are kept."""
        return 0.5 * np.sum((z - x.sum(-1, keepdims=True)) ** 2, axis=-1)

    def outer(self, z, x):
        """F."""
        return 0.5 * np.sum((z - 1) ** 2, axis=-1) + 0.5 * np.sum(x**2, axis=-1)

    def inner_solution(self, x):
        """z*(x)."""
        return x.sum(-1, keepdims=True) * np.ones(3)

    def adjoint(self, x):
        """v*(x), which solves G_zz v = -F_z."""
        return 1 - self.inner_solution(x)

    def hypergradient(self, x):
        """The gradient of Psi."""
        return x - 3 * (1 - x.sum(-1, keepdims=True))


if __name__ == "__main__":
    problem = zb.Problem.from_object(Bowl())
    print("\n".join(certify(problem).lines(whole=True)))
    steps = {"schedule": "constant", "rho": 0.8, "gamma": 0.04, "l1": 16}
    result = zb.solve(problem, "hf-zoba-shared", budget=50_000, replicates=8, **steps)
    stationarity = result.history["stationarity"]
    print("median |grad Psi|^2 at the end:", f"{np.median(stationarity[-1]):.1e}")
    if len(sys.argv) > 1:
        figure = Figure(figsize=(6.4, 3.2), layout="constrained")
        axis = figure.subplots()
        spent = result.history["iteration"] * result.nfev[0] / result.nit[0]  # each iteration costs the same
        axis.semilogy(spent, stationarity, color="#0072B2", linewidth=0.8)
        axis.set(xlabel="evaluations of F and G", ylabel="|grad Psi|², 8 runs")
        figure.savefig(sys.argv[1])
