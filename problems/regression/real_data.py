"""Problems on real data that ships with a Python package; the package is imported when a problem is built."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoba_bench.arrays import Array, linear_map, spread, spread_vectors, square_norm
from zoba_bench.problem import BilevelProblem, Card, Constants
from zoba_bench.problem.capabilities import Capabilities
from zoba_bench.problem.symbolic import Symbolic
from zoba_bench.validation import check_dimension, check_real

from .._base.family import family, spectral_norm, sphere_start
from .._base.separable import cubic_norm

__all__ = ["diabetes_ridge"]


Index = NDArray[np.integer]

_FEATURES = 10
#: How well a minimiser that is found numerically must be known.
_CERTIFIED = 1e-10

_DIABETES = Card(
    summary="Ridge regression on the diabetes data, one penalty weight per feature tuned on validation rows.",
    source="data of Efron, Hastie, Johnstone and Tibshirani, Least angle regression (arXiv math/0406456), as "
    "shipped by scikit-learn; one exponential weight per feature as in github.com/benchopt/benchmark_bilevel",
    assumptions={
        "A1": "on |x|, |z| <= radius: the curvature contains exp(x), G_xz and G_xx contain z",
        "A2": "on |x|, |z| <= radius",
        "A3": "on |x| <= radius",
        "A4": "on |x| <= radius",
        "A5": "holds; with stochastic=True the upper bounds are per sample",
    },
    quadratic_inner=False,
    psi_convexity="nonconvex",
    dimensions="p = d = 10 only (fewer with features): one weight per feature; no minimiser is declared without "
    "a weight, as Psi is nonconvex and its infimum may lie at infinity (x_j grows without limit for a useless feature)",
    requires={"sklearn": "data"},
    small={"p": 2, "d": 2, "features": 2},
    scalable=False,
)


class _Split(NamedTuple):
    """Features and targets, standardised with the mean and deviation of the training rows."""

    train: Array
    train_target: Array
    validation: Array
    validation_target: Array


def _load(seed: int, n_train: int, columns: int) -> _Split:
    try:
        from sklearn import datasets
    except ImportError as error:
        raise ImportError(
            'diabetes_ridge needs scikit-learn for its data; install it with: pip install "zoba-bench[data]"'
        ) from error
    features, target = datasets.load_diabetes(return_X_y=True)
    # Twenty rows at least: with fewer, a feature (one is binary) can be constant and has no deviation.
    if not 20 <= n_train <= len(target) - 20:
        raise ValueError(f"n_train must be between 20 and {len(target) - 20}, got {n_train!r}")
    order = np.random.default_rng(seed).permutation(len(target))
    train, validation = order[:n_train], order[n_train:]
    features = features[:, :columns]
    features = (features - features[train].mean(axis=0)) / features[train].std(axis=0)
    target = (target - target[train].mean()) / target[train].std()
    return _Split(features[train], target[train], features[validation], target[validation])


def _each(sample: Index | None) -> tuple[Array, ...]:
    """What spreads vectors over the samples that were asked for."""
    return () if sample is None else (np.empty((*np.shape(sample), 1)),)


class _LeastSquares:
    """|Az-y|^2/(2n) reduced to p rows: A = QR, hence |Az-y|^2 = |Rz-Q'y|^2 + |y-QQ'y|^2."""

    def __init__(self, A: Array, y: Array) -> None:
        n = len(y)
        q, r = np.linalg.qr(A)
        self.root_T = np.ascontiguousarray(r.T) / math.sqrt(n)
        self.target = (q.T @ y) / math.sqrt(n)
        self.floor = 0.5 * float(square_norm(y - q @ (q.T @ y))) / n
        self.hessian = self.root_T @ self.root_T.T
        self.slope = self.root_T @ self.target
        self.A, self.y = np.ascontiguousarray(A), np.ascontiguousarray(y)

    @property
    def moments(self) -> tuple[Array, Array, float]:
        """S, g and c of the mean z'Sz/2 - g'z + c."""
        return self.hessian, self.slope, self.floor + 0.5 * float(square_norm(self.target))

    def mean(self, z: Array) -> Array:
        return 0.5 * square_norm(linear_map(z, self.root_T) - self.target) + self.floor

    def sampled(self, z: Array, sample: Index) -> Array:
        residual: Array = np.vecdot(self.A[sample], z) - self.y[sample]
        return 0.5 * residual * residual

    def gradient(self, z: Array, sample: Index | None = None) -> Array:
        if sample is None:
            return linear_map(z, self.hessian) - self.slope
        rows = self.A[sample]
        along: Array = (np.vecdot(rows, z) - self.y[sample])[..., None] * rows
        return along

    def curvature_times(self, v: Array, sample: Index | None = None) -> Array:
        if sample is None:
            return linear_map(v, self.hessian)
        rows = self.A[sample]
        along: Array = np.vecdot(rows, v)[..., None] * rows
        return along


def _constants(train: _LeastSquares, validation: _LeastSquares, radius: float, stochastic: bool) -> Constants:
    """Bounds on |x| <= radius, so that exp(-radius) <= E = diag(exp x) <= exp(radius), with S = A'A/n.

    L_xz, L_xx and all but H_xz of the H hold on |z| <= max(radius, Z), where Z bounds |z*|. e^x z^2/2, the only
    third-order part of G, is separable; its tensor has the entries zzx: e, zxx: ez, xxx: ez^2/2.
    With K = S + E, |y|_K = (y'Ky)^(1/2), w = E^(1/2) z*, n = E^(1/2) v*, P = E^(1/2) K^-1 E^(1/2) <= theta < 1,
    K >= K_low = S + exp(-radius) I and F_zz = S_v <= kappa K:
      |z*|_K <= |g|_low for g = A'y/n in the norm of K_low^-1, and |w| <= theta^(1/2) |z*|_K; also |w| <= |target|/2
      from z*'S z* + z*'E z* = (root z*)'target,
      |v*|_K = |F_z|_(K^-1) with F_z = root_v'(root_v z* - target_v) = (S_v - S) z* - E z* + g - g_v, the last from
      K z* = g: with validation rows like the training rows, only E z* counts.
    Differentiating K z* = g and K v* = -F_z once and twice along u, with U = diag u, P U P twice and U^2 once:
      K Dz u = -E^(1/2) U w,                 K D2z uu = E^(1/2) U (2P - I) U w, where |2P - I| <= 1,
      K Dv u = -E^(1/2) U n - S_v Dz u,
      K D2v uu = E^(1/2) U (2P - I) U n + 2 EU K^-1 S_v Dz u - S_v D2z uu,
      Psi'' uu = Dz u'S_v Dz u - n'U (2P - I) U w.
    """
    top, low = math.exp(radius), math.exp(-radius)
    spectrum = np.linalg.eigvalsh(train.hessian)
    mu = float(spectrum[0]) + low
    theta = top / (top + float(spectrum[0]))
    root, plain = math.sqrt(theta), 1 / math.sqrt(mu)  # |y| <= plain |y|_K
    factor = np.linalg.cholesky(train.hessian + low * np.eye(len(spectrum)))

    def at_low(right: Array) -> Array:
        return np.asarray(np.linalg.solve(factor, right))

    kappa = spectral_norm(at_low(validation.root_T)) ** 2
    target, energy = float(np.linalg.norm(train.target)), float(np.linalg.norm(at_low(train.slope)))
    w = min(root * energy, target / 2)
    Z = min(math.sqrt(top) * target / 2, float(np.linalg.norm(train.slope)) / mu, plain * energy)
    z_max = max(radius, Z)
    m = spectral_norm(validation.hessian)
    residual = math.sqrt(kappa) * energy + float(np.linalg.norm(validation.target))
    apart, shift = validation.hessian - train.hessian, train.slope - validation.slope
    slope = min(
        math.sqrt(m) * residual,
        spectral_norm(apart) * Z + math.sqrt(top) * w + float(np.linalg.norm(shift)),
    )
    v = min(
        plain * slope,
        math.sqrt(kappa) * residual,
        spectral_norm(at_low(at_low(apart).T)) * energy + root * w + float(np.linalg.norm(at_low(shift))),
    )
    n = root * v
    z1, z2 = root * w, root * w
    v1 = root * n + kappa * z1
    v2 = root * n + 2 * theta * kappa * z1 + kappa * z2
    L_zz, m_zz, C_z = float(spectrum[-1]) + top, m, slope
    if stochastic:
        lengths = np.sqrt(square_norm(train.A))
        L_zz = float(lengths.max()) ** 2 + top
        lengths = np.sqrt(square_norm(validation.A))
        m_zz = float(lengths.max()) ** 2
        C_z = float((lengths * (lengths * Z + np.abs(validation.y))).max())
    return Constants(
        mu=mu,
        L_zz=L_zz,
        L_xz=top * z_max,
        L_xx=top * z_max**2 / 2,
        H=cubic_norm(0.0, top, top * z_max, top * z_max**2 / 2),
        H_zz=0.0,
        H_xz=top,
        H_zx=top * z_max,
        H_xx=top * z_max**2 / 2,
        m_zz=m_zz,
        m_xz=0.0,
        m_xx=0.0,
        C_z=C_z,
        C_x=0.0,
        R=plain * v,
        k_z=plain * z1,
        k_v=plain * v1,
        s_z=plain * z2,
        s_v=plain * v2,
        L_Psi=kappa * z1**2 + n * w,
        radius=radius,
    )


def _minimizer(hypergradient: Callable[[Array], Array], d: int, convexity: float) -> Array:
    """The zero of grad Psi near 0, where Psi is strongly convex with this modulus: |x - x*| <= |grad Psi| / modulus."""
    from scipy.optimize import root

    found = np.asarray(root(hypergradient, np.zeros(d), tol=1e-15).x, dtype=np.float64)
    error = float(np.linalg.norm(hypergradient(found))) / convexity
    if not error <= _CERTIFIED:
        raise ArithmeticError(f"the minimiser of diabetes_ridge is known to {error:.2g} only, not to {_CERTIFIED:g}")
    return found


@family(_DIABETES)
def diabetes_ridge(
    p: int = _FEATURES,
    d: int = _FEATURES,
    *,
    seed: int = 0,
    n_train: int = 221,
    stochastic: bool = False,
    radius: float = 2.0,
    features: int = _FEATURES,
    weight: float = 0.0,
) -> BilevelProblem:
    """Ridge regression on the diabetes data, one exponential penalty weight per feature.

    G = |Az-y|^2/(2n) + sum exp(x_j) z_j^2/2 on the training rows, F = |A_v z-y_v|^2/(2m) on the others.
    With S = A'A/n and E = diag(exp x): z* = (S+E)^-1 A'y/n, v* = -(S+E)^-1 A_v'(A_v z*-y_v)/m,
    grad Psi_j = exp(x_j) z*_j v*_j. All 442 rows are used; features and target are standardised with the
    training rows' mean and deviation.

    Psi is nonconvex and its infimum is not certified: ``minimizer`` and ``minimum`` are None. With a ``weight`` F has
    the term weight |x|^2/2 on top. Every x with Psi(x) <= Psi(0) then has |x|^2 <= 2 Psi(0)/weight; where the bound on
    the curvature of the rest of Psi in that ball is below the weight, Psi is strictly convex there, and the minimiser
    is the only one. It is found by Newton's method, to within |grad Psi| / (weight - that bound) <= 1e-10.

    Parameters
    ----------
    p, d : int
        Both the number of features: 10, unless ``features`` says otherwise.
    seed : int
        Of the split into training and validation rows.
    n_train : int
        Number of training rows (n); the other 442 - n are the validation rows (m).
    stochastic : bool
        Make both levels means over samples: ``sample`` then picks one row's loss.
    radius : float, above 0
        The constants hold for |x| <= radius (and |z| <= radius).
    features : int
        How many of the features are used, the first ones.
    weight : float, at least 0
        Of the regularisation of x at the outer level; 1 is enough for a minimiser with all features.

    Raises
    ------
    ImportError
        Without scikit-learn.
    ValueError
        For a bad argument.
    """
    if check_dimension("features", features) > _FEATURES:
        raise ValueError(f"features must be at most {_FEATURES}, as many as the data have, got {features!r}")
    for name, size in (("p", p), ("d", d)):
        if size != features:
            way_out = "leave it out" if features == _FEATURES else f"give p={features}, d={features}"
            raise ValueError(f"{name} must be {features}, the number of features of the data, got {size!r}; {way_out}")
    n_train = check_dimension("n_train", n_train)
    if not isinstance(stochastic, (bool, np.bool_)):
        raise ValueError(f"stochastic must be True or False, got {stochastic!r}")
    radius = check_real("radius", radius, above=0.0, hint="the constants hold for |x| <= radius")
    weight = check_real("weight", weight, at_least=0.0)
    split = _load(seed, n_train, features)
    train = _LeastSquares(split.train, split.train_target)
    validation = _LeastSquares(split.validation, split.validation_target)

    def inner(z: Array, x: Array, sample: Index | None = None) -> Array:
        fit = train.mean(z) if sample is None else train.sampled(z, sample)
        penalty: Array = np.vecdot(np.exp(x), z * z)
        return fit + 0.5 * penalty

    def outer(z: Array, x: Array, sample: Index | None = None) -> Array:
        fit = spread(validation.mean(z) if sample is None else validation.sampled(z, sample), x)
        return fit if weight == 0 else fit + 0.5 * weight * np.vecdot(x, x)

    def curvature(x: Array) -> Array:
        weights = np.exp(x)
        return train.hessian + weights[..., None] * np.eye(features)

    def solve(x: Array, right: Array) -> Array:
        return np.asarray(np.linalg.solve(curvature(x), right[..., None])[..., 0], dtype=np.float64)

    def inner_solution(x: Array) -> Array:
        return solve(x, train.slope)

    def adjoint(x: Array) -> Array:
        return solve(x, -validation.gradient(inner_solution(x)))

    def value(x: Array) -> Array:
        fit = validation.mean(inner_solution(x))
        return fit if weight == 0 else fit + 0.5 * weight * np.vecdot(x, x)

    def hypergradient(x: Array) -> Array:
        z = inner_solution(x)
        gradient: Array = np.exp(x) * z * solve(x, -validation.gradient(z))
        return gradient if weight == 0 else gradient + weight * x

    # A sample picks a row's fit alone: the penalties are those of every row.
    def inner_grad_z(z: Array, x: Array, sample: Index | None = None) -> Array:
        return train.gradient(z, sample) + np.exp(x) * z

    def inner_grad_x(z: Array, x: Array, sample: Index | None = None) -> Array:
        return spread_vectors(0.5 * np.exp(x) * z * z, *_each(sample))

    def outer_grad_z(z: Array, x: Array, sample: Index | None = None) -> Array:
        return spread_vectors(validation.gradient(z, sample), x)

    def outer_grad_x(z: Array, x: Array, sample: Index | None = None) -> Array:
        slope = np.zeros(features) if weight == 0 else weight * x
        return spread_vectors(slope, z, x, *_each(sample))

    def inner_hvp_zz(z: Array, x: Array, v: Array, sample: Index | None = None) -> Array:
        return spread_vectors(train.curvature_times(v, sample) + np.exp(x) * v, z)

    def cross(z: Array, x: Array, v: Array, sample: Index | None = None) -> Array:
        return spread_vectors(np.exp(x) * z * v, *_each(sample))

    def inner_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        return curvature(x), np.diag(np.exp(x) * z), np.diag(0.5 * np.exp(x) * z * z)

    def outer_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        zeros = np.zeros((features, features))
        return validation.hessian.copy(), zeros, weight * np.eye(features)

    def symbolic() -> Symbolic:
        from ._symbols import ridge_data_symbols

        return ridge_data_symbols(train.moments, validation.moments, radius, bool(stochastic))

    constants, minimizer = _constants(train, validation, radius, bool(stochastic)), None
    if weight > 0:
        ball = math.sqrt(2 * float(value(np.zeros(features))) / weight)
        convexity = weight - (_constants(train, validation, ball, False).L_Psi or math.inf)
        minimizer = _minimizer(hypergradient, features, convexity) if convexity > 0 else None
        constants = replace(
            constants,
            m_xx=weight,
            C_x=weight * radius,
            L_Psi=None if constants.L_Psi is None else constants.L_Psi + weight,
        )
    return BilevelProblem(
        name="diabetes_ridge",
        p=features,
        d=features,
        inner=inner,
        outer=outer,
        inner_samples=len(train.y) if stochastic else None,
        outer_samples=len(validation.y) if stochastic else None,
        inner_solution=inner_solution,
        adjoint=adjoint,
        value=value,
        hypergradient=hypergradient,
        inner_grad_z=inner_grad_z,
        inner_grad_x=inner_grad_x,
        outer_grad_z=outer_grad_z,
        outer_grad_x=outer_grad_x,
        inner_hvp_zz=inner_hvp_zz,
        inner_jvp_xz=cross,
        inner_jvp_zx=cross,
        inner_hessian=inner_hessian,
        outer_hessian=outer_hessian,
        constants=constants,
        capabilities=Capabilities(sampled_derivatives=bool(stochastic)),
        minimizer=minimizer,
        minimum=None if minimizer is None else float(value(minimizer)),
        start=sphere_start(features, features),
        symbolic=symbolic if weight == 0 else None,
        parameters={
            "seed": seed,
            "n_train": n_train,
            "stochastic": bool(stochastic),
            "radius": radius,
            "features": features,
            "weight": weight,
        },
        card=_DIABETES,
    )
