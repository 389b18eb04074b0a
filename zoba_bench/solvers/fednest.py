"""FedNest: the two levels and the hypergradient found by clients that keep their samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zoba_bench.arrays import Array, Samples
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem
from zoba_bench.solvers.base import Solver, State, norms, outer_range, step_range
from zoba_bench.validation import check_count, check_passes, check_positive

__all__ = ["FedNest"]


@dataclass(frozen=True)
class FedNest(Solver):
    """FedNest with variance-reduced local steps, on finite sums whose samples are dealt out to n clients.

    Client i holds the samples i, i + n, i + 2n, ... of both levels, G_i and F_i are their means, and G and F those
    of the clients. FedInn: T times, tau local steps of y along G_i,z(y_i) - G_i,z(y) + G_z(y), averaged. FedIHGP: N
    terms of the Neumann series for v*. FedOut: tau_x local steps of x along F_i,x(x_i) - F_i,x(x) + h, averaged.
    Problem class: finite sums at both levels with derivatives of single samples, the number of clients a divisor of
    both numbers of samples; F smooth, G smooth and strongly convex in z.
    Assumptions: Lipschitz derivatives of F_i and G_i up to the second of G_i, bounded variance within
    clients (recalled).
    Cost: of an iteration, n_G and n_F the numbers of samples (derived here):
    G_z T n_G (1 + tau) (with batches T (n_G + 2 tau n b)), F_z n_F, G_zz v N n_G, G_xz v n_G,
    F_x n_F (1 + tau_x) (with batches n_F + 2 tau_x n b);
    2 T + N + 3 rounds of communication: two for each pass of FedInn, one for F_z and for each further term, two for
    FedOut.
    Bias: the fixed point has the hypergradient G_xz (I - eta G_zz)^(N + 1) v*, whatever tau: both corrections vanish
    there.
    Rate: O(eps^-2) samples for |grad Psi|^2 <= eps (quoted, recalled).
    Source: arXiv 2205.02215 and the code of github.com/mc-nya/FedNest, whose steps, tau and N these are.
    Deviations: all clients take part in every round (in the code a tenth of 100); what is averaged over clients is
    over all their samples, batches are for local steps only; the terms of FedIHGP are averaged in every round, as in
    the paper, and scaled by eta. The code lets each client continue its own series, averages over the terms of
    earlier rounds again, and leaves out the factor eta.

    Parameters
    ----------
    clients : int
        Number of clients, n; a divisor of the numbers of samples.
    T : int
        Passes of FedInn an iteration.
    tau, tau_x : int
        Local steps of y in a pass, and of x.
    N : int
        Terms of the Neumann series beyond the first.
    beta, alpha : float
        Local steps of y and of x.
    eta : float
        Step of the Neumann series.
    batch : int or None
        Samples that a client draws for a local step, with replacement; None is all that it holds.
    """

    clients: int = 8
    T: int = 1
    tau: int = 5
    tau_x: int = 1
    N: int = 5
    beta: float = 0.003
    alpha: float = 0.01
    eta: float = 0.01
    batch: int | None = None

    name: ClassVar[str] = "fednest"
    tolerance_quantity: ClassVar[str] = "norm of the averaged hypergradient h"
    cost_options: ClassVar[tuple[str, ...]] = ("batch", "T", "tau", "tau_x", "N")
    loop_options: ClassVar[tuple[str, ...]] = ("T", "tau", "tau_x", "N")
    needs: ClassVar[tuple[str, ...]] = (
        "samples", "inner_grad_z", "inner_hvp_zz", "inner_jvp_xz", "outer_grad_z", "outer_grad_x"
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_count("clients", self.clients)
        for name in self.loop_options:
            check_passes(name, getattr(self, name))
        check_passes("T tau", self.T * self.tau)
        for name in ("beta", "alpha", "eta"):
            check_positive(name, getattr(self, name))
        if self.batch is not None:
            check_count("batch", self.batch)

    def check(self, problem: BilevelProblem) -> None:
        """Raise ValueError where the solver cannot run on the problem, naming what is missing."""
        super().check(problem)
        self._share(problem.inner_samples, problem.outer_samples)

    def stable_steps(self, problem: BilevelProblem) -> Iterator[tuple[str, float, float, str]]:
        """The ranges in which y contracts for every sample, the Neumann series converges, and x descends."""
        for name in ("beta", "eta"):
            yield from step_range(name, getattr(self, name), problem.constants.L_zz, "2 / L_zz")
        yield from outer_range("alpha", self.alpha, problem, "2 / (tau_x L_Psi)", self.tau_x)

    def init(self, oracle: Oracle, rng: np.random.Generator, z: Array, v: Array, x: Array) -> State:
        """State at iteration 0 from iterates z, v (R, p) and x (R, d); v is computed anew in each iteration."""
        self._share(oracle.inner_samples, oracle.outer_samples)
        return State(z, v, x, 0, oracle, rng)

    def step(self, state: State) -> State:
        """One iteration: FedInn T times, FedIHGP, FedOut."""
        oracle, rng, y, x = state.oracle, state.rng, state.z, state.x
        for _ in range(self.T):
            y = self._inn(oracle, rng, y, x)
        v = self._ihgp(oracle, y, x)
        x, h = self._out(oracle, rng, y, v, x)
        return State(y, v, x, state.k + 1, oracle, rng, norms(h))

    def _inn(self, oracle: Oracle, rng: np.random.Generator, y: Array, x: Array) -> Array:
        """FedInn: q = G_z(y);  tau times y_i <- y_i - beta (G_i,z(y_i) - G_i,z(y) + q);  y <- mean of y_i."""
        held = self._held(oracle, oracle.inner_samples)

        def slopes(point: Array, sample: Samples) -> Array:
            return _of_clients(oracle.inner_grad_z, point, x[:, None], sample=sample)

        local = slopes(y[:, None], held)
        oracle.communicate()
        q = local.mean(axis=1, keepdims=True)
        y_i = np.repeat(y[:, None], self.clients, axis=1)
        for _ in range(self.tau):
            sample = self._drawn(oracle, rng, oracle.inner_samples)
            start = local if sample is None else slopes(y[:, None], sample)
            y_i = y_i - self.beta * (slopes(y_i, held if sample is None else sample) - start + q)
        oracle.communicate()
        mean: Array = y_i.mean(axis=1)
        return mean

    def _ihgp(self, oracle: Oracle, y: Array, x: Array) -> Array:
        """FedIHGP: v = -eta sum_{n <= N} (I - eta G_zz)^n F_z, one term a round."""
        held, y, x = self._held(oracle, oracle.inner_samples), y[:, None], x[:, None]
        term = self._mean(oracle.outer_grad_z, y, x, sample=self._held(oracle, oracle.outer_samples))
        oracle.communicate()
        v = -self.eta * term
        for _ in range(self.N):
            term = term - self.eta * self._mean(oracle.inner_hvp_zz, y, x, term[:, None], sample=held)
            oracle.communicate()
            v = v - self.eta * term
        return v

    def _out(self, oracle: Oracle, rng: np.random.Generator, y: Array, v: Array, x: Array) -> tuple[Array, Array]:
        """FedOut: h = F_x + G_xz v;  tau_x times x_i <- x_i - alpha (F_i,x(x_i) - F_i,x(x) + h);  x <- mean of x_i."""
        held = self._held(oracle, oracle.outer_samples)

        def slopes(point: Array, sample: Samples) -> Array:
            return _of_clients(oracle.outer_grad_x, y[:, None], point, sample=sample)

        local = slopes(x[:, None], held)
        implicit = self._mean(
            oracle.inner_jvp_xz, y[:, None], x[:, None], v[:, None], sample=self._held(oracle, oracle.inner_samples)
        )
        oracle.communicate()
        h = local.mean(axis=1) + implicit
        x_i = np.repeat(x[:, None], self.clients, axis=1)
        for _ in range(self.tau_x):
            sample = self._drawn(oracle, rng, oracle.outer_samples)
            start = local if sample is None else slopes(x[:, None], sample)
            x_i = x_i - self.alpha * (slopes(x_i, held if sample is None else sample) - start + h[:, None])
        oracle.communicate()
        return oracle.project_x(x_i.mean(axis=1)), h

    def _mean(self, query: Callable[..., Array], *vectors: Array, sample: Samples) -> Array:
        """The mean over clients (R, m)."""
        mean: Array = _of_clients(query, *vectors, sample=sample).mean(axis=1)
        return mean

    def _held(self, oracle: Oracle, n: int | None) -> Samples:
        """The samples (R, clients, share) that the clients hold: i, i + clients, ..."""
        (share,) = self._share(n)
        held = np.arange(share * self.clients).reshape(share, self.clients).T
        return np.broadcast_to(held, (oracle.replicates, *held.shape))

    def _drawn(self, oracle: Oracle, rng: np.random.Generator, n: int | None) -> Samples | None:
        """Samples (R, clients, batch) that each client draws from its own; None is all of them."""
        if self.batch is None:
            return None
        (share,) = self._share(n)
        place = rng.integers(share, size=(oracle.replicates, self.clients, self.batch))
        return place * self.clients + np.arange(self.clients)[:, None]

    def _share(self, *sizes: int | None) -> list[int]:
        """Samples that each client holds, of levels with so many."""
        for n in sizes:
            if n is None or n % self.clients:
                raise ValueError(
                    f"clients={self.clients} must divide the number of samples of both levels, got one with {n}; "
                    "every client holds as many"
                )
        return [n // self.clients for n in sizes if n is not None]


def _of_clients(query: Callable[..., Array], *vectors: Array, sample: Samples) -> Array:
    """A derivative of each client (R, clients, m) at points (R, clients or 1, m): the mean over its samples."""
    mean: Array = query(*(vector[:, :, None] for vector in vectors), sample=sample).mean(axis=2)
    return mean
