"""Second moments of hf-zoba and zoba-mixed on quadratic F and G under every direction law: an exact recursion.

With s = (z - z*, v - v*, x - x*) the gradients and v are affine in s, and the mean direction is J s. Each surrogate
multiplies them by ww', by w2 w2' and by uu', so that E[ss'] follows a linear recursion whose only statistics of
the law are its fourth moments M(B) = E[(w'Bw) ww'], and those of pairs of directions of one sample.
Curvature in a forward difference adds (h/2) (w'Hw) w; laws are symmetric, so this is uncorrelated with
everything else, and ``floor`` bounds what it adds.
"""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
from zoba_bench.theory.estimators.blocks import Blocks
from zoba_bench.theory.noise.stationary import LinearModel

from zoba_bench.directions import Block, Gaussian, LowRank


class SecondMoments:
    """The recursion of one solver on one problem.

    Parameters
    ----------
    problem : with quadratic objectives, exact values and closed forms.
    solver : an HfZoba, HfZobaShared or ZobaMixed with constant steps; a law with a basis needs refresh=1.
    """

    def __init__(self, problem, solver) -> None:
        assert solver.schedule == "constant"
        assert solver.v_radius is None
        assert solver.direction_law.period == 1
        self.problem, self.solver, self.law = problem, solver, solver.direction_law
        b = self.blocks = Blocks.at(problem, problem.minimizer)
        p, d = self.p, self.d = b.p, b.d
        n = 2 * p + d
        self.hf = not solver.needs_second_directions
        self.model = LinearModel.at(b)
        gamma = solver.rho / 2 if solver.gamma is None else solver.gamma
        self.scale = self.model.steps(solver.rho, gamma, d)
        # G_z, v, F_z and F_x as affine functions of s.
        zero = np.zeros
        self.affine = {
            "G": np.hstack([b.A, zero((p, p)), b.C.T, b.G_z[:, None]]),
            "v": np.hstack([zero((p, p)), np.eye(p), zero((p, d)), b.v[:, None]]),
            "F_z": np.hstack([b.F_zz, zero((p, p)), b.F_xz.T, b.F_z[:, None]]),
            "F_x": np.hstack([b.F_xz, zero((d, p)), b.F_xx, b.F_x[:, None]]),
        }
        self.affine |= {"Av": b.A @ self.affine["v"], "Cv": b.C @ self.affine["v"]}
        mean = [self.affine["G"], self.affine["Av"] + self.affine["F_z"], self.affine["Cv"] + self.affine["F_x"]]
        assert np.allclose(np.vstack(mean)[:, :n], self.model.J)
        assert np.allclose(np.vstack(mean)[:, n], 0, atol=1e-12)
        self.mean = np.vstack(mean)

    # Moments of the law.

    @cache  # noqa: B019
    def _pairs(self, first: int, second: int) -> list[tuple[tuple[int, int], int]]:
        """Pairs (i, j) of directions with different moments, and how many pairs each stands for."""
        counts: Counter[tuple[object, ...]] = Counter()
        example = {}
        for i in range(first):
            for j in range(second):
                kind = (i == j, i // self.p == j // self.p, i // self.d == j // self.d)
                counts[kind] += 1
                example[kind] = (i, j)
        return [(example[kind], number) for kind, number in counts.items()]

    def _inner(self, m, pair):
        """E[D_i D_j'] of the parts of one inner direction; m(one, two) is E[one two']."""
        b, one = self.blocks, lambda matrix: self.law.pair_moment(matrix, *pair)
        if self.hf:
            rows = [
                [one(m("G", "G")), one(m("G", "Av")), m("G", "Cv")],
                [None, one(m("Av", "Av")), m("Av", "Cv")],
                [None, None, one(m("Cv", "Cv"))],
            ]
        else:
            through = one(m("G", "v"))
            both = one(m("v", "v"))
            rows = [
                [one(m("G", "G")), through @ b.A, through @ b.C.T],
                [None, one(b.A @ both @ b.A), b.A @ both @ b.C.T],
                [None, None, one(b.C @ both @ b.C.T)],
            ]
        return _symmetric(rows)

    def _outer(self, m, pair):
        """The same of an outer direction."""

        def one(matrix):
            return self.law.pair_moment(matrix, *pair)

        p, d = self.p, self.d
        return _symmetric([
            [np.zeros((p, p)), np.zeros((p, p)), np.zeros((p, d))],
            [None, one(m("F_z", "F_z")), m("F_z", "F_x")],
            [None, None, one(m("F_x", "F_x"))],
        ])  # fmt: skip

    def _across(self, m, pair):
        """E[D_i D_j'] of inner direction i and outer direction j of the same draws."""
        b, p, d = self.blocks, self.p, self.d

        def one(matrix):
            return self.law.pair_moment(matrix, *pair)

        seen = one(m("v", "F_z"))
        return np.block([
            [np.zeros((p, p)), one(m("G", "F_z")), m("G", "F_x")],
            [np.zeros((p, p)), one(m("Av", "F_z")) if self.hf else b.A @ seen, m("Av", "F_x")],
            [np.zeros((d, p)), m("Cv", "F_z") if self.hf else b.C @ seen, one(m("Cv", "F_x"))],
        ])  # fmt: skip

    def direction(self, moment: np.ndarray) -> np.ndarray:
        """E[DD'] of the mean direction D of one iteration, for E[(s; 1)(s; 1)'] = ``moment``."""

        def m(one: str, two: str) -> np.ndarray:
            return self.affine[one] @ moment @ self.affine[two].T

        l1, l2 = self.solver.l1, self.solver.l2
        total = sum(n * self._inner(m, pair) for pair, n in self._pairs(l1, l1)) / l1**2
        total = total + sum(n * self._outer(m, pair) for pair, n in self._pairs(l2, l2)) / l2**2
        if self.solver.outer_directions == "shared":
            across = sum(n * self._across(m, pair) for pair, n in self._pairs(l1, l2)) / (l1 * l2)
        else:
            p, d = self.p, self.d
            parts = [[np.zeros((n, p)), m(one, "F_z"), m(one, "F_x")] for one, n in (("G", p), ("Av", p), ("Cv", d))]
            across = np.block(parts)
        return total + across + across.T

    # The recursion.

    def start(self) -> np.ndarray:
        """(s; 1)(s; 1)' of the start that ``zb.solve`` takes with seed 0."""
        z0, x0 = self.problem.initial_point(np.random.default_rng(np.random.SeedSequence(0).spawn(2)[0]))
        x = self.problem.minimizer
        s = np.concatenate([z0 - self.problem.inner_solution(x), -self.problem.adjoint(x), x0 - x, [1.0]])
        return np.outer(s, s)

    def solution(self) -> np.ndarray:
        """The same for a start at the exact solution."""
        moment = np.zeros((2 * self.p + self.d + 1,) * 2)
        moment[-1, -1] = 1.0
        return moment

    def following(self, moment: np.ndarray, floor: bool = False) -> np.ndarray:
        """E[(s; 1)(s; 1)'] one iteration later; with ``floor`` an upper bound that includes the radii."""
        step = self.scale[:, None] * self.mean
        cross = step @ moment
        n = len(self.scale)
        after = moment.copy()
        after[:n] -= cross
        after[:, :n] -= cross.T
        after[:n, :n] += self.scale[:, None] * self.direction(moment) * self.scale
        if floor:
            after[:n, :n] += self.scale[:, None] * self.radius_noise() * self.scale
        # The recursion damps symmetric parts only: rounding of the other kind would grow.
        return (after + after.T) / 2

    def radius_noise(self) -> np.ndarray:
        """A matrix at or above the second moment of what (h/2)(w'Hw) w and (eta/2)(u'Hu) u add to D.

        |(w'Hw) w|^2 <= |H|^2 |w|^6, and (a + b)(a + b)' <= 2 aa' + 2 bb' between z and v.
        """
        b, solver = self.blocks, self.solver
        size = sixth_moment(self.law, self.p) * solver.h**2 / 4
        eta = solver.outer_radius(self.p, self.d)
        inner = np.linalg.norm(b.A, 2) ** 2 * size / solver.l1 if self.hf else 0.0
        parts = [
            (self.p, 2 * inner),
            (self.p, 2 * np.linalg.norm(b.F_zz, 2) ** 2 * size / solver.l2),
            (self.d, np.linalg.norm(b.F_xx, 2) ** 2 * sixth_moment(self.law, self.d) * eta**2 / 4 / solver.l2),
        ]
        return np.diag(np.concatenate([np.full(n, value) for n, value in parts]))

    def stationarity(self, moment: np.ndarray) -> float:
        """E|grad Psi|^2."""
        n = len(self.scale)
        return float(np.sum(self.model.Q * moment[:n, :n]))

    def path(self, iterations: int, moment: np.ndarray | None = None, floor: bool = False) -> np.ndarray:
        """E|grad Psi(x_k)|^2 for k = 0 ... iterations."""
        moment = self.start() if moment is None else moment
        values = [self.stationarity(moment)]
        for _ in range(iterations):
            moment = self.following(moment, floor)
            values.append(self.stationarity(moment))
        return np.array(values)

    def rate(self, iterations: int = 400) -> float:
        """Factor of E|s|^2 an iteration in the long run, for noise that vanishes at the solution (a power method)."""
        n = len(self.scale)
        moment, logs = np.zeros((n + 1, n + 1)), []
        moment[:n, :n] = np.eye(n)
        for _ in range(iterations):
            moment = self.following(moment)
            size = np.trace(moment[:n, :n])
            logs.append(np.log(size))
            moment /= size
        return float(np.exp(np.mean(logs[iterations // 2 :])))


def sixth_moment(law, n: int) -> float:
    """E|w|^6, or a bound above it."""

    def normal(size: int) -> float:
        return float(size * (size + 2) * (size + 4))

    if isinstance(law, Gaussian):
        return normal(n)
    if isinstance(law, Block):
        size, blocks = law._blocks(n)
        return blocks**3 * normal(size)
    if isinstance(law, LowRank):
        rows, columns = law._sides(n)
        return normal(rows * law.rank) * normal(columns * law.rank) / law.rank**3  # |UV'| <= |U| |V|
    return float(n**3)


def _symmetric(rows) -> np.ndarray:
    """A block matrix from its upper triangle."""
    full = [[block if block is not None else rows[j][i].T for j, block in enumerate(row)] for i, row in enumerate(rows)]
    return np.block(full)
