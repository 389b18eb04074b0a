"""One level of the problem: its values, their noise, their unit, and the steps of differences that follow.

noise
    Differences of order 3, 4 and 5 of seven equally spaced values: a smooth function has next to none over a short
    line, so what is left is noise (Hamming; More and Wild 2011). Rounded values are found by the grid they lie on.
unit
    phi, how much the value changes over a unit step. Every threshold is relative to it, so that a factor of the
    function changes nothing.
exact and noisy
    Noise below 1e-11 phi is rounding: forward differences with steps from rounding alone. Above, central differences
    with steps that balance noise against third and fourth derivatives, which are measured.

Variables are in units here: z = unit_z y. All points that a caller asks for at once go to the function in one call.
"""

from __future__ import annotations

import math

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.minimization.implicit.reuse import Ahead, Known, names
from zoba_bench.minimization.outcome import Values

__all__ = ["Level", "NotFinite", "weyl"]

_ULP = 2.0**-52
_LINE = 7
_LONGEST = 4.0  # of a step of differences, in units


class NotFinite(ArithmeticError):
    """A value was NaN or infinite where a finite one was needed."""


def weyl(n: int, salt: int = 0) -> Array:
    """A unit vector without zeros that depends on nothing but its arguments."""
    fractions = np.modf(0.5 + (np.arange(n) + 1 + 17 * salt) * 0.6180339887498949)[0]
    u = np.where(fractions < 0.5, fractions - 1.0, fractions) * (1.0 + 0.3 * np.cos(np.arange(n) + salt))
    unit: Array = u / np.linalg.norm(u)
    return unit


class Level:
    """F or G with what was measured of its values.

    Attributes
    ----------
    eps : error of one value (a standard deviation, or the size of rounding errors).
    phi : unit of the values.
    third, fourth : bounds on derivatives along a unit vector, measured where values are noisy.
    fourth_z : the same along z alone; ``fourth`` but for the inner level of ``central`` differences.
    noisy : whether the error of a value was more than rounding of exact values of size phi, where it was measured.
    constant : no two of the values that were measured differ.
    widen : factor of the steps, for a repetition with other steps.
    central : whether exact values, too, get the central differences of noisy ones, whose noise is their rounding.
    """

    def __init__(self, values: Values, name: str, unit_z: Array, unit_x: Array, *, central: bool = False) -> None:
        self._function = values.outer if name == "outer" else values.inner
        self.name = name
        self.unit_z, self.unit_x = unit_z, unit_x
        self.p, self.d = len(unit_z), len(unit_x)
        self.low, self.high = np.full(self.d, -np.inf), np.full(self.d, np.inf)
        self.low_z, self.high_z = np.full(self.p, -np.inf), np.full(self.p, np.inf)
        self.eps = self.phi = self.third = self.fourth = self.fourth_z = 0.0
        self.relative = 2 * _ULP
        self.constant = self.noisy = self._random = False
        self.widen, self.central = 1.0, central
        self.evaluations = 0
        self._known, self._ahead = Known(), Ahead()
        self._asked: list[tuple[Array, Array]] | None = None  # what is asked for while nothing is evaluated

    def raw(self, Z: Array, X: Array) -> Array:
        """Values (n,) at points in units; they may be NaN or infinite."""
        Z, X = Z * self.unit_z, X * self.unit_x
        if self._asked is not None:
            self._asked.append((Z, X))
            return np.zeros(len(Z))
        stock = self._stock
        at_hand = [stock.get(name) for name in names(Z, X)]
        new = [i for i, value in enumerate(at_hand) if value is None]
        values = np.array([math.nan if value is None else value for value in at_hand])
        if new:
            self.evaluations += len(new)
            values[new] = self._function(Z[new], X[new])
            if not self._repeats:
                for i, name in zip(new, names(Z[new], X[new]), strict=True):
                    stock.add(name, float(values[i]))
        return values

    @property
    def _repeats(self) -> bool:
        """Whether a second value at a point is a new one: with noise, or as long as that is not known."""
        return self._random or self.phi == 0.0

    @property
    def _stock(self) -> Known | Ahead:
        return self._ahead if self._repeats else self._known

    def ask(self) -> None:
        """From here on nothing is evaluated: points are noted, and their values are zero."""
        self._asked = []

    def asked(self) -> tuple[Array, Array]:
        """The points since :meth:`ask` whose values are not at hand, in the user's units; ends that."""
        noted, self._asked = self._asked or [], None
        Z = np.vstack([z for z, _ in noted] or [np.zeros((0, self.p))])
        X = np.vstack([x for _, x in noted] or [np.zeros((0, self.d))])
        if not self._repeats:
            first = {name: i for i, name in reversed(list(enumerate(names(Z, X)))) if self._known.get(name) is None}
            rows = sorted(first.values())
            Z, X = Z[rows], X[rows]
        return Z, X

    def keep(self, Z: Array, X: Array, values: Array) -> None:
        """Values at points in the user's units that will be asked for."""
        self.evaluations += len(Z)
        for name, value in zip(names(Z, X), values, strict=True):
            self._stock.add(name, float(value))

    def at(self, Z: Array, X: Array) -> Array:
        """Values (n,), finite or :class:`NotFinite`."""
        values = self.raw(Z, X)
        if not np.isfinite(values).all():
            raise NotFinite(self.name)
        return values

    def one(self, z: Array, x: Array) -> float:
        """The value at one point, after which rounding of that size is part of the noise."""
        value = float(self.at(z[None], x[None])[0])
        self.seen(value)
        return value

    def seen(self, value: float) -> None:
        """Rounding grows with the value: values near zero hide it, so it is looked at wherever the run goes."""
        if math.isfinite(value):
            self.eps = max(self.eps, self.relative * abs(value))

    # Steps of differences

    @property
    def _e(self) -> float:
        return self.eps / self.phi if self.phi else 1.0

    @property
    def h1(self) -> float:
        """Of first differences."""
        h = (3 * self.eps / self.third) ** (1 / 3) if self.noisy else 2 * math.sqrt(self._e)
        return float(min(h, _LONGEST) * self.widen)

    @property
    def h2(self) -> float:
        """Of second and mixed differences."""
        h = (3 * self.eps / self.fourth) ** 0.25 if self.noisy else max((8 * self._e) ** (1 / 3), 1e-5)
        return float(min(h, _LONGEST) * self.widen)

    @property
    def h2_z(self) -> float:
        """Of second differences along z alone: longer where the level is nearly quadratic in z."""
        h = min((3 * self.eps / self.fourth_z) ** 0.25, _LONGEST) * self.widen if self.noisy else self.h2
        return float(h)

    @property
    def h3(self) -> float:
        """Of third differences."""
        h = (self.eps / self.fourth) ** 0.2 if self.noisy else max((4 * self._e) ** 0.25, 1e-4)
        return float(min(h, _LONGEST) * self.widen)

    @property
    def h4(self) -> float:
        """Of mixed differences of four points, where values are exact."""
        return float((3 * self._e) ** 0.25)

    # Errors of differences: standard deviations, and bounds on what the steps themselves add

    @property
    def gradient_noise(self) -> float:
        """Of one component of a gradient."""
        return self.eps / ((1.4 if self.noisy else 0.7) * self.h1)

    @property
    def gradient_bias(self) -> float:
        """Of one component of a gradient."""
        return self.third * self.h1**2 / 6 if self.noisy else self.phi * self.h1

    def mixed_noise(self, four: bool = False) -> float:
        """Of one mixed difference along unit vectors."""
        if self.noisy:
            return self.eps / (2 * self.h2**2)
        return self.eps / (2 * self.h4**2) if four else 2 * self.eps / self.h2**2

    def mixed_bias(self, four: bool = False) -> float:
        """Of one mixed difference along unit vectors."""
        if self.noisy:
            return self.fourth * self.h2**2 / 3
        return self.phi * (self.h4**2 if four else self.h2)

    @property
    def second_noise(self) -> float:
        """Of one entry of a matrix of second differences."""
        return (1.6 if self.noisy else 2.0) * self.eps / self.h2_z**2

    @property
    def second_bias(self) -> float:
        """Of one entry of a matrix of second differences of noisy values."""
        return self.fourth_z * self.h2_z**2 / 3

    # Measurements

    def measure(self, z: Array, x: Array) -> float:
        """Noise, unit and, where noisy, third and fourth derivatives at a point. Returns the value there.

        9 values; more where neighbours are equal; 7 and about 50 more where noisy.
        """
        u = self._inward(z, x, weyl(self.p + self.d))
        value, sigma, grid, self.constant = self._along(z, x, u)
        self.relative = max(grid, min(max(1.2 * sigma / abs(value), 2 * _ULP), 20 * _ULP) if value else 2 * _ULP)
        self.phi = self._unit(z, x, u, value)
        self.eps = max(1.2 * sigma, self.relative * max(abs(value), self.phi))
        self.phi = max(self.phi, self.eps)
        if self.phi == 0.0:  # constant and zero
            self.phi = self.eps = 1e-300
        self._random = self.eps > 1e-11 * self.phi
        self.noisy = self._random or self.central
        if self._random and not self.constant:
            second = self._along(z, x, self._inward(z, x, weyl(self.p + self.d, 1)))[1]
            self.eps = max(1.2 * math.sqrt((sigma**2 + second**2) / 2), self.relative * abs(value), 0.0)
            self.phi = max(self.phi, self.eps)
        if self.noisy:
            self.third = self.fourth = self.fourth_z = 0.0
            self.measure_derivatives(z, x, value)
        return value

    def _inward(self, z: Array, x: Array, u: Array) -> Array:
        """The direction with the signs that lead away from a near bound."""
        w, low, high = np.r_[z, x], np.r_[self.low_z, self.low], np.r_[self.high_z, self.high]
        inward: Array = np.where(w + np.abs(u) > high, -np.abs(u), np.where(w - np.abs(u) < low, np.abs(u), u))
        return inward

    def line(self, z: Array, x: Array, u: Array, steps: Array) -> Array:
        """Values along a direction of (z, x), inside of the bounds, finite or not."""
        move = steps[:, None] * u[None]
        return self.raw(
            np.clip(z + move[:, : self.p], self.low_z, self.high_z),
            np.clip(x + move[:, self.p :], self.low, self.high),
        )

    def _along(self, z: Array, x: Array, u: Array) -> tuple[float, float, float, bool]:
        """(value, standard deviation of noise, relative size of rounding, no two values differ)."""
        s = 1e-6
        while True:
            f = self.line(z, x, u, s * np.arange(float(_LINE)))
            if not np.isfinite(f).all():
                if s > 1e-9 and np.isfinite(f[0]):
                    s /= 10
                    f = self.line(z, x, u, s * np.arange(float(_LINE)))
                if not np.isfinite(f).all():
                    raise NotFinite(self.name)
                break
            if np.count_nonzero(np.diff(f) == 0) < 2 or s >= 1.0:
                break
            s *= 10
        deviations = []
        for k in (3, 4, 5):
            scale = math.factorial(k) ** 2 / math.factorial(2 * k)
            deviations.append(scale * float(np.mean(np.diff(f, k) ** 2)))
        sigma = math.sqrt(float(np.mean(deviations)))
        return float(f[0]), max(sigma, _decimal_grid(f)), _binary_grid(f), bool((f == f[0]).all())

    def _unit(self, z: Array, x: Array, u: Array, value: float) -> float:
        length = 1.0
        while length > 1e-6:
            f = self.line(z, x, u, np.array([length, -length]))
            if np.isfinite(f).any():
                change = float(np.nanmax(np.abs(np.where(np.isfinite(f), f, np.nan) - value)))
                return change / length / (2 * math.sqrt(self.p + self.d))
            length /= 8
        raise NotFinite(self.name)

    def measure_derivatives(self, z: Array, x: Array, value: float) -> None:
        """Third and fourth derivatives along two coordinates of z and one of x; the larger ones are kept.

        The steps double up to 8, and the first change that noise does not explain (6 standard deviations) counts. Long
        steps are the point: of a quadratic they leave errors of the size of the noise. Of an inner level with
        ``central`` differences all of z is looked at, and those along z are kept apart: its slopes are those in z.
        """
        first = max(1e-3, min(self._e, 1.0) ** (1 / 3))
        steps = first * 2.0 ** np.arange(1 + max(1, math.ceil(math.log2(8 / first))))
        apart = self.central and self.name == "inner"
        rows = [*range(self.p), self.p] if apart else sorted({0, self.p // 2, self.p})
        directions = [np.eye(self.p + self.d)[row] for row in rows]
        if apart:
            steps = steps[::2]
            directions.append(np.r_[weyl(self.p, 4), np.zeros(self.d)])
        for u in directions:
            usable = steps[steps <= min(self.room(z, x, int(row)) for row in np.flatnonzero(u))]
            if len(usable) < 2:
                continue
            f = self.line(z, x, u, np.concatenate([usable, -usable])).reshape(2, -1)
            good = np.asarray(np.isfinite(f).all(axis=0))
            many = int(np.argmin(good)) if not good.all() else len(good)
            h, (up, down) = usable[:many], f[:, :many]
            slopes, seconds = (up - down) / (2 * h), (up + down - 2 * value) / h**2
            eps = np.maximum(self.eps, self.relative * np.abs(f[:, :many]).max(axis=0) if apart else 0.0)
            third = self._first_change(slopes, h, 2.0, 0.8 * eps / h)
            fourth = self._first_change(seconds, h, 4.0, 2.6 * eps / h**2)
            along_z = not u[self.p :].any()
            self.third = max(self.third, third if along_z or not apart else 0.0)
            self.fourth = max(self.fourth, fourth)
            self.fourth_z = max(self.fourth_z, fourth if along_z or not apart else 0.0)
        tiny = 1e-6 * self.eps
        self.third, self.fourth, self.fourth_z = (max(b, tiny) for b in (self.third, self.fourth, self.fourth_z))

    def room(self, z: Array, x: Array, row: int) -> float:
        """Length of the steps along a coordinate that stay inside of the bounds on both sides."""
        if row < self.p:
            return float(min(z[row] - self.low_z[row], self.high_z[row] - z[row]))
        return float(min(x[row - self.p] - self.low[row - self.p], self.high[row - self.p] - x[row - self.p]))

    def _first_change(self, values: Array, h: Array, factor: float, deviation: Array) -> float:
        if len(h) < 2:
            return 0.0
        change, hidden = np.abs(np.diff(values)), 6 * deviation[:-1]
        seen = np.flatnonzero(change > hidden)
        size = change[seen[0]] / h[seen[0]] ** 2 if len(seen) else hidden[-1] / h[-2] ** 2
        return float(factor * size)


def _decimal_grid(f: Array) -> float:
    """Standard deviation of rounding to the coarsest power of ten of which all values are multiples, or 0."""
    largest = float(np.abs(f).max())
    if largest == 0.0:
        return 0.0
    for k in range(-12, 12):
        scaled = f * 10.0**k
        slack = 4 * _ULP * np.abs(scaled)
        if slack.max() > 0.02:
            return 0.0
        nearest = np.rint(scaled)
        if np.unique(nearest).size < np.unique(f).size:
            continue  # a grid so coarse that it says nothing
        if nearest.any() and (np.abs(scaled - nearest) <= slack).all():
            return 0.29 * 10.0**-k
    return 0.0


def _binary_grid(f: Array) -> float:
    """Relative rounding of half or single precision, if all values have it; that of double precision otherwise."""
    with np.errstate(over="ignore", under="ignore"):
        for kind, relative in ((np.float16, 2.0**-11), (np.float32, 2.0**-24)):
            if f.any() and (f.astype(kind).astype(np.float64) == f).all():
                return relative
    return 2 * _ULP
