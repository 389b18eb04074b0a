"""Problems on real data that ships with a Python package; the package is imported when a problem is built."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoba_bench.problem import BilevelProblem, Card, Constants, check_dimension

from ._family import check_real, check_seed, family, spectral_norm, sphere_start
from ._kernels import linear_map, spread, spread_vectors, square_norm

__all__ = ["diabetes_ridge"]

Array = NDArray[np.float64]

_FEATURES = 10

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
    dimensions="p = d = 10 only: one weight per feature; no minimiser is declared, as Psi is nonconvex and "
    "its infimum may lie at infinity (x_j grows without limit for a useless feature)",
    requires={"sklearn": "data"},
)


class _Split(NamedTuple):
    """Features and targets, standardised with the mean and deviation of the training rows."""

    train: Array
    train_target: Array
    validation: Array
    validation_target: Array


def _load(seed: int, n_train: int) -> _Split:
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
    features = (features - features[train].mean(axis=0)) / features[train].std(axis=0)
    target = (target - target[train].mean()) / target[train].std()
    return _Split(features[train], target[train], features[validation], target[validation])


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

    def mean(self, z: Array) -> Array:
        return 0.5 * square_norm(linear_map(z, self.root_T) - self.target) + self.floor

    def sampled(self, z: Array, sample: NDArray[np.integer]) -> Array:
        residual: Array = np.vecdot(self.A[sample], z) - self.y[sample]
        return 0.5 * residual * residual

    def gradient(self, z: Array) -> Array:
        return linear_map(z, self.hessian) - self.slope


def _constants(train: _LeastSquares, validation: _LeastSquares, radius: float, stochastic: bool) -> Constants:
    """Bounds on |x| <= radius, so that exp(-radius) <= E = diag(exp x) <= exp(radius), with S = A'A/n.

    Z bounds |z*|: z*'S z* + z*'E z* = (root z*)'target gives z*'E z* <= |target|^2/4; and |z*| <= |A'y/n|/mu.
    L_xz, L_xx, H, H_xz hold on |z| <= max(radius, Z). H: e^x z^2/2, the only third-order part, is separable
    and its tensor has the entries zzx: e, zxx: ez, xxx: ez^2/2 (3, 3 and 1 times); a Frobenius norm.
    The chain differentiates (S+E) z* = A'y/n and (S+E) v* = -F_z once and twice along u, with
    tilt = |(S+E)^-1 E| <= min(sqrt(cond E), |E|/mu) and F_zz = S_v:
      Dz* u = -(S+E)^-1 E (u z*),   D2z* uu = -(S+E)^-1 E (2 u (Dz* u) + u^2 z*),
      Dv* u = -(S+E)^-1 [E (u v*) + S_v Dz* u],
      D2v* uu = -(S+E)^-1 [E (2 u (Dv* u) + u^2 v*) + S_v D2z* uu].
    L_Psi: grad Psi = E (z* v*), a product of coordinates, by the product rule.
    """
    top = math.exp(radius)
    spectrum = np.linalg.eigvalsh(train.hessian)
    mu = float(spectrum[0]) + 1 / top
    by_energy = math.sqrt(top) * float(np.linalg.norm(train.target)) / 2
    Z = min(by_energy, float(np.linalg.norm(train.slope)) / mu)
    z_max = max(radius, Z)
    m = spectral_norm(validation.hessian)
    slope = m * Z + float(np.linalg.norm(validation.slope))
    R = slope / mu
    tilt = min(top, top / mu)
    k_z = tilt * Z
    s_z = tilt * (2 * k_z + Z)
    k_v = tilt * R + m * k_z / mu
    s_v = tilt * (2 * k_v + R) + m * s_z / mu
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
        H=top * math.sqrt(3 + 3 * z_max**2 + z_max**4 / 4),
        H_zz=0.0,
        H_xz=top,
        m_zz=m_zz,
        m_xz=0.0,
        m_xx=0.0,
        C_z=C_z,
        C_x=0.0,
        R=R,
        k_z=k_z,
        k_v=k_v,
        s_z=s_z,
        s_v=s_v,
        L_Psi=top * (Z * R + R * k_z + Z * k_v),
        radius=radius,
    )


@family(_DIABETES)
def diabetes_ridge(
    p: int = _FEATURES,
    d: int = _FEATURES,
    *,
    seed: int = 0,
    n_train: int = 221,
    stochastic: bool = False,
    radius: float = 2.0,
) -> BilevelProblem:
    """Ridge regression on the diabetes data, one exponential penalty weight per feature.

    G = |Az-y|^2/(2n) + sum exp(x_j) z_j^2/2 on the training rows, F = |A_v z-y_v|^2/(2m) on the others.
    With S = A'A/n and E = diag(exp x): z* = (S+E)^-1 A'y/n, v* = -(S+E)^-1 A_v'(A_v z*-y_v)/m,
    grad Psi_j = exp(x_j) z*_j v*_j. All 442 rows are used; features and target are standardised with the
    training rows' mean and deviation.

    Psi is nonconvex and its infimum is not certified: ``minimizer`` and ``minimum`` are None.

    Parameters
    ----------
    p, d : int
        Both 10, the number of features.
    seed : int
        Of the split into training and validation rows.
    n_train : int
        Number of training rows (n); the other 442 - n are the validation rows (m).
    stochastic : bool
        Make both levels means over samples: ``sample`` then picks one row's loss.
    radius : float, above 0
        The constants hold for |x| <= radius (and |z| <= radius).

    Returns
    -------
    BilevelProblem

    Raises
    ------
    ImportError
        Without scikit-learn.
    ValueError
        For a bad argument.
    """
    for name, size in (("p", p), ("d", d)):
        if check_dimension(name, size) != _FEATURES:
            raise ValueError(
                f"{name} must be {_FEATURES}, the number of features of the data, got {size!r}; leave it out"
            )
    seed = check_seed(seed)
    n_train = check_dimension("n_train", n_train)
    if not isinstance(stochastic, (bool, np.bool_)):
        raise ValueError(f"stochastic must be True or False, got {stochastic!r}")
    radius = check_real("radius", radius, above=0.0, hint="the constants hold for |x| <= radius")
    split = _load(seed, n_train)
    train = _LeastSquares(split.train, split.train_target)
    validation = _LeastSquares(split.validation, split.validation_target)

    def inner(z: Array, x: Array, sample: NDArray[np.integer] | None = None) -> Array:
        fit = train.mean(z) if sample is None else train.sampled(z, sample)
        penalty: Array = np.vecdot(np.exp(x), z * z)
        return fit + 0.5 * penalty

    def outer(z: Array, x: Array, sample: NDArray[np.integer] | None = None) -> Array:
        return spread(validation.mean(z) if sample is None else validation.sampled(z, sample), x)

    def curvature(x: Array) -> Array:
        weights = np.exp(x)
        return train.hessian + weights[..., None] * np.eye(_FEATURES)

    def solve(x: Array, right: Array) -> Array:
        return np.asarray(np.linalg.solve(curvature(x), right[..., None])[..., 0], dtype=np.float64)

    def inner_solution(x: Array) -> Array:
        return solve(x, train.slope)

    def adjoint(x: Array) -> Array:
        return solve(x, -validation.gradient(inner_solution(x)))

    def value(x: Array) -> Array:
        return validation.mean(inner_solution(x))

    def hypergradient(x: Array) -> Array:
        z = inner_solution(x)
        gradient: Array = np.exp(x) * z * solve(x, -validation.gradient(z))
        return gradient

    def inner_grad_z(z: Array, x: Array) -> Array:
        return train.gradient(z) + np.exp(x) * z

    def inner_grad_x(z: Array, x: Array) -> Array:
        gradient: Array = 0.5 * np.exp(x) * z * z
        return gradient

    def outer_grad_z(z: Array, x: Array) -> Array:
        return spread_vectors(validation.gradient(z), x)

    def outer_grad_x(z: Array, x: Array) -> Array:
        return spread_vectors(np.zeros(_FEATURES), z, x)

    def inner_hvp_zz(z: Array, x: Array, v: Array) -> Array:
        return spread_vectors(linear_map(v, train.hessian) + np.exp(x) * v, z)

    def cross(z: Array, x: Array, v: Array) -> Array:
        product: Array = np.exp(x) * z * v
        return product

    def inner_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        return curvature(x), np.diag(np.exp(x) * z), np.diag(0.5 * np.exp(x) * z * z)

    def outer_hessian(z: Array, x: Array) -> tuple[Array, Array, Array]:
        zeros = np.zeros((_FEATURES, _FEATURES))
        return validation.hessian.copy(), zeros, zeros.copy()

    return BilevelProblem(
        name="diabetes_ridge",
        p=_FEATURES,
        d=_FEATURES,
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
        constants=_constants(train, validation, radius, bool(stochastic)),
        start=sphere_start(_FEATURES, _FEATURES),
        parameters={"seed": seed, "n_train": n_train, "stochastic": bool(stochastic), "radius": radius},
        card=_DIABETES,
    )
