"""What the engine asks of a solver, of a theorem and of a protocol, whoever wrote them.

A class satisfies a contract by having its members; it need not inherit from anything. ``lacking`` says which members an
object does not have, and ``require`` refuses such an object by name. A theorem may do more than every theorem must:
each further ability is a contract of its own (:class:`HasBound`, :class:`HasNoise`, ...), and a claim that needs one
asks for it with ``isinstance``.

Shapes: p and d are the dimensions of z and x, R is the number of replicates.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, SupportsFloat, TypeVar, runtime_checkable

import numpy as np

from zoba_bench.arrays import Array
from zoba_bench.oracle import Oracle
from zoba_bench.problem import BilevelProblem, Constants

__all__ = [
    "CertifiedBound", "CheckOutcome", "ClaimParameters", "Complexity", "DerivationStep", "HasBound", "HasClosure",
    "HasDeclaredCounts", "HasExpectedDescent", "HasExpectedStep", "HasNoise", "HasOneStep", "HasOptions", "HasPlan",
    "HasPointOfRest", "HasRunMoments", "HasSurrogates", "HasWork", "OneDirectionSurrogate", "PredictedCrossing",
    "PredictedMean", "RunMoments", "RunPlan", "SimulatedProtocol", "Solver", "State", "Theorem", "VerificationProtocol",
    "lacking", "members", "require",
]  # fmt: skip


# Solvers.


class State(Protocol):
    """The iterates of R runs. It is a dataclass, since the driver replaces the rows of replicates that have ended.

    Attributes
    ----------
    z, v : (R, p) arrays; x : (R, d) array
    estimate : (R,) array or None
        What a run's tolerance is compared with; None as long as there is none.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def z(self) -> Array: ...
    @property
    def v(self) -> Array: ...
    @property
    def x(self) -> Array: ...
    @property
    def estimate(self) -> Array | None: ...


@runtime_checkable
class HasOptions(Protocol):
    """What a solver's class is asked before a solver is made."""

    def option_names(self) -> list[str]:
        """Names of the options that the class takes as keywords; a class method."""
        ...


@runtime_checkable
class Solver(HasOptions, Protocol):
    """A configuration of an algorithm. :class:`zoba_bench.solvers.base.Solver` has defaults for most members.

    Attributes
    ----------
    name : str
    tolerance_quantity : str
        What ``State.estimate`` is, in words.
    needs : tuple of str
        What it needs of a problem beside values, as :data:`zoba_bench.solvers.base.NEEDS` or attributes name it.
    remedy : str
        What to try where a run diverges, in the solver's own options.
    cost_options : tuple of str
        Options that make an iteration cheaper when they are lowered; an error about a small budget names them.
    """

    @property
    def name(self) -> str: ...
    @property
    def tolerance_quantity(self) -> str: ...
    @property
    def needs(self) -> tuple[str, ...]: ...
    @property
    def remedy(self) -> str: ...
    @property
    def cost_options(self) -> tuple[str, ...]: ...

    def lacking(self, problem: BilevelProblem) -> list[str]:
        """What this configuration needs that the problem does not have, in words; empty where it can run."""
        ...

    def check(self, problem: BilevelProblem) -> None:
        """Raise ValueError where the solver cannot run on the problem; the error names what is missing."""
        ...

    def stable_steps(self, problem: BilevelProblem) -> Iterable[tuple[str, float, float, str]]:
        """Steps with the end of their stable range: (name, first value, end, the end in symbols).

        Steps whose range is not known for the problem are left out.
        """
        ...

    def init(self, oracle: Oracle, rng: np.random.Generator, z: Array, v: Array, x: Array) -> State:
        """The state at iteration 0, from z, v (R, p) and x (R, d).

        Every value of F and G is asked of the oracle, every random number is drawn from ``rng``. The driver also calls
        this with an oracle that counts and evaluates nothing, and with a copy of the generator.
        """
        ...

    def step(self, state: Any) -> State:
        """One iteration of all replicates, from a state that ``init`` or ``step`` returned; that one stays as it is."""
        ...


# What a solver may declare of itself; ``verify(solver=...)`` measures it.


@runtime_checkable
class HasDeclaredCounts(Protocol):
    """A solver that says how many evaluations an iteration takes."""

    def evaluations(self, problem: BilevelProblem) -> Mapping[str, int]:
        """Queries an iteration by what the oracle counts, :data:`zoba_bench.oracle.COUNTED`; none of what is not named.

        "inner" and "outer" are values of G and F; derivatives have the names of the problem's attributes.
        """
        ...


@runtime_checkable
class HasExpectedStep(Protocol):
    """A solver that says where one iteration goes in the mean."""

    def expected_step(self, problem: BilevelProblem, state: Mapping[str, Any]) -> Any:
        """The mean of the next state, block by block, in the problem's exact derivatives.

        ``state`` has z, v (p,), x (d,), the iteration number "k", and whatever else the solver's state holds, by its
        dotted name. Returned is a mapping block -> mean, or a pair of it and of a mapping block -> bound on the bias
        that finite differences leave. Where the state holds more than z, v and x, ``expected_start(problem, z, v, x)``
        may say what is held at k = 0.
        """
        ...


@runtime_checkable
class HasExpectedDescent(Protocol):
    """A solver whose x follows the hypergradient in the mean, where z and v are exact."""

    def expected_descent(self, problem: BilevelProblem, state: Mapping[str, Any]) -> tuple[float, float]:
        """(gamma, B): from z*(x), v*(x) the mean move of x is -gamma grad Psi(x), up to gamma B in each coordinate.

        ``state`` is as in :class:`HasExpectedStep`.
        """
        ...


# Theorems.


class CheckOutcome(Protocol):
    """The result of verifying one step: its name, whether it holds, and what was verified or what failed."""

    @property
    def step(self) -> str: ...
    @property
    def ok(self) -> bool: ...
    @property
    def detail(self) -> str: ...


class DerivationStep(Protocol):
    """One statement with its proof. It is a dataclass: a control replaces ``statement``, and the proof must refuse it.

    Attributes
    ----------
    name : str
    statement : sympy relation, left and right side in ``statement.args``
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def name(self) -> str: ...
    @property
    def statement(self) -> Any: ...

    def check(self) -> CheckOutcome:
        """Verify the statement now. A statement that does not hold is an outcome, not an exception."""
        ...


class Complexity(Protocol):
    """What a theorem says of the cost, as sympy expressions in its public symbols.

    Attributes
    ----------
    per_direction : the largest second moment of one direction, of which a claim reads the degree in p and d.
    published : the published order of evaluations, or None.
    """

    @property
    def per_direction(self) -> Any: ...
    @property
    def published(self) -> Any: ...


@runtime_checkable
class Theorem(Protocol):
    """A derivation about one solver, as a registered factory without arguments returns it.

    Attributes
    ----------
    name : str
    symbols : mapping
        Public symbols by name, such as ``symbols["p"]``: symbols with assumptions are not found by name alone.
    steps : sequence of DerivationStep
    results : sequence of CheckOutcome
        The outcome of every step, computed once.
    evaluations_per_iteration : mapping
        Cost of an iteration as sympy expressions: "inner" and "outer" for values, derivatives by the names of the
        problem's attributes.
    complexity : Complexity or None
        None where the steps lead to no count. Raises DerivationError where a step fails.
    """

    @property
    def name(self) -> str: ...
    @property
    def symbols(self) -> Mapping[str, Any]: ...
    @property
    def steps(self) -> Sequence[DerivationStep]: ...
    @property
    def results(self) -> Sequence[CheckOutcome]: ...
    @property
    def evaluations_per_iteration(self) -> Mapping[str, Any]: ...
    @property
    def complexity(self) -> Complexity | None: ...

    def check(self) -> Sequence[CheckOutcome]:
        """Verify every step, now."""
        ...

    def require_checked(self) -> None:
        """Raise DerivationError that names the first step that fails, if one does."""
        ...

    def render(self) -> dict[str, Any]:
        """Assumptions, steps with their outcomes and formulas, as strings that JSON can hold."""
        ...

    def render_text(self) -> str:
        """The derivation as plain text."""
        ...

    def render_markdown(self) -> str:
        """The derivation as Markdown with LaTeX."""
        ...


class CertifiedBound(Protocol):
    """A bound on the mean of E|grad Psi|^2, and its two parts: what the start adds, and what stays."""

    @property
    def bound(self) -> SupportsFloat: ...
    @property
    def transient(self) -> SupportsFloat: ...
    @property
    def tau(self) -> SupportsFloat: ...


@runtime_checkable
class HasBound(Protocol):
    """A theorem that bounds the mean over k < K of E|grad Psi(x_k)|^2 at constant steps.

    The options of ``solver`` are read as its attributes: rho, gamma, h, l1, ...
    ``start`` is a mapping with gap = Psi(x0) - inf Psi, z_error = |z0 - z*(x0)| and v_error = |v0 - v*(x0)|.
    All three raise DerivationError where the theorem does not speak of such a run, and ValueError that names a constant
    which is needed and is unknown, or only sampled.
    """

    def bound(
        self, constants: Constants, p: int, d: int, solver: Solver, K: int, start: Mapping[str, float]
    ) -> float:  # fmt: skip
        """The bound for one configuration of the solver."""
        ...

    def certificate(
        self, constants: Constants, p: int, d: int, solver: Solver, K: int, start: Mapping[str, float]
    ) -> CertifiedBound:
        """The same bound with its parts."""
        ...


class RunPlan(Protocol):
    """A configuration whose bound is at most eps: radii, directions, steps, iterations, evaluations of both levels."""

    @property
    def h(self) -> float: ...
    @property
    def eta(self) -> float: ...
    @property
    def h_bar(self) -> float: ...
    @property
    def normalize_h_bar(self) -> bool: ...
    @property
    def l1(self) -> int: ...
    @property
    def l2(self) -> int: ...
    @property
    def rho(self) -> float: ...
    @property
    def gamma(self) -> float: ...
    @property
    def K(self) -> int: ...
    @property
    def evaluations(self) -> int: ...
    @property
    def bound(self) -> float: ...


@runtime_checkable
class HasPlan(Protocol):
    """A theorem that plans a run to accuracy eps, and bounds what that costs. All raise as :class:`HasBound`."""

    def plan(self, constants: Constants, p: int, d: int, eps: float, start: Mapping[str, float]) -> RunPlan:
        """Radii, directions, steps and iterations with which the bound is at most ``eps``."""
        ...

    def derived_count(self, constants: Constants, p: int, d: int, eps: float, start: Mapping[str, float]) -> float:
        """n(eps), at least the evaluations of the plan."""
        ...

    def dominating_count(
        self, order: str, constants: Constants, p: int, d: int, eps: float, start: Mapping[str, float],
        at: str | None = None,
    ) -> float:  # fmt: skip
        """C times an order in p, d and eps, with the C for which n(eps) is proved to be at most that.

        ``at`` is another order that is given the same C, for a control. Raises DerivationError where nothing is proved.
        """
        ...


@runtime_checkable
class HasOneStep(Protocol):
    """A theorem that bounds what one iteration does from a given state."""

    def one_step(
        self, constants: Constants, p: int, d: int, solver: Solver, state: Mapping[str, float],
        wrong: Mapping[str, float] | None = None,
    ) -> Mapping[str, float]:  # fmt: skip
        """Bounds "a", "b" and "psi" of E|z+ - z*(x+)|^2, E|v+ - v*(x+)|^2 and E Psi(x+) - Psi(x).

        ``state`` has "a" = |z - z*(x)|, "b" = |v - v*(x)|, "g" = |grad Psi(x)|, "v" = |v| and "D", the length of the
        mean direction of x. ``wrong``, for a control, has factors of numbers in the inequalities, by name. Raises as
        :class:`HasBound`.
        """
        ...


@runtime_checkable
class HasNoise(Protocol):
    """A theorem that derives the noise of an iteration near the solution, exact for quadratic F and G.

    ``blocks`` is what ``blocks_at`` returns; the engine does not look into it. ``options`` are the solver's options on
    which the noise depends: outer_directions, curvature_ratio, law. All raise DerivationError for a configuration that
    nothing is derived for, and ValueError for a problem that lacks a derivative, or for unstable steps.
    """

    def blocks_at(self, problem: BilevelProblem, x: Array, **point: Array) -> Any:
        """Derivatives of both levels at x (d,), and at ``z``, ``v`` (p,), by default the exact z*(x) and v*(x)."""
        ...

    def noise_covariance(self, blocks: Any, **options: Any) -> Array:
        """Covariance of the directions of (z, v, x) with one direction a level, shape (2p + d, 2p + d)."""
        ...

    def linear_noise(self, blocks: Any, gamma: float, c: float, l: int = 1, **options: Any) -> float:
        """A such that the stationary mean of |grad Psi|^2 is A gamma / l, at constant steps gamma and rho = gamma/c."""
        ...

    def horizon_mean(self, blocks: Any, gamma: float, c: float, l: int, K: int, **options: Any) -> float:
        """Mean over k < K of E|grad Psi(x_k)|^2 from the exact solution."""
        ...


class PredictedMean(Protocol):
    """A mean over a horizon to second order in the noise.

    Attributes
    ----------
    value : the mean.
    linear : the same by the linear law with the noise of the solution.
    remainder : derived size of what ``value`` leaves out, relative to it.
    """

    @property
    def value(self) -> float: ...
    @property
    def linear(self) -> float: ...
    @property
    def remainder(self) -> float: ...


class PredictedTransient(Protocol):
    """A mean over a horizon from a far start, to second order in the noise.

    Attributes
    ----------
    value : the mean.
    path : the same without noise.
    noise : what the noise changes, relative to ``path``.
    remainder : derived size of what ``value`` leaves out, relative to it.
    """

    @property
    def value(self) -> float: ...
    @property
    def path(self) -> float: ...
    @property
    def noise(self) -> float: ...
    @property
    def remainder(self) -> float: ...


class PredictedCrossing(Protocol):
    """The first K at which a running mean is at most eps.

    Attributes
    ----------
    iterations : K.
    evaluations : of both levels up to there.
    remainder : derived size of what K leaves out, relative to it.
    """

    @property
    def iterations(self) -> int: ...
    @property
    def evaluations(self) -> int: ...
    @property
    def remainder(self) -> float: ...


@runtime_checkable
class HasClosure(Protocol):
    """A theorem that predicts a run as it is made, to second order in the noise.

    All methods raise DerivationError for a configuration that nothing is derived for, and ValueError for a problem
    that lacks a derivative or a closed form.
    """

    def closure_horizon_mean(self, problem: BilevelProblem, solver: Solver, K: int) -> PredictedMean:
        """Mean over k < K of E|grad Psi(x_k)|^2 from the exact solution."""
        ...

    def closure_transient_means(
        self, problem: BilevelProblem, start: Sequence[Array], solver: Solver, horizons: Sequence[int]
    ) -> Sequence[PredictedTransient]:
        """Mean over k < K of E|grad Psi(x_k)|^2 from ``start``, for each K of ``horizons``."""
        ...

    def closure_crossing(
        self, problem: BilevelProblem, start: Sequence[Array], solver: Solver, eps: float, most: int
    ) -> PredictedCrossing:  # fmt: skip
        """Iterations until the running mean of E|grad Psi|^2 from ``start`` is at most eps; ``most`` are tried."""
        ...


class OneDirectionSurrogate(Protocol):
    """One direction's estimate of a derivative; its name begins with D_z, f_z, f_x, Hv or Cv, which says of which."""

    @property
    def name(self) -> str: ...

    def second_moment_value(
        self, blocks: Any, v: Array | None = None, h: float = 0.0, eta: float = 0.0, h_bar: float = 0.0
    ) -> float:
        """E|X|^2 at these radii. Raises DerivationError where the mean is not the derivative that X estimates."""
        ...


@runtime_checkable
class HasSurrogates(Protocol):
    """A theorem that knows its solver's surrogates; ``surrogates`` maps names to :class:`OneDirectionSurrogate`."""

    @property
    def surrogates(self) -> Mapping[str, OneDirectionSurrogate]: ...


class RunMoments(Protocol):
    """Moments of the last iterates of a run.

    Attributes
    ----------
    minimizer : (d,) array, x*.
    exact : whether they hold for the run from its start, or only for what stays of it.
    """

    @property
    def minimizer(self) -> Array: ...
    @property
    def exact(self) -> bool: ...

    def expected(self, quantity: str, point: Array | None = None) -> float:
        """E of "distance" |x - x*|^2, "gap" Psi - Psi*, "stationarity" |grad Psi|^2, "distance_to_point"."""
        ...

    def of_bias(self, z: float, v: float, x: float) -> float:
        """A bound on what a bias of the directions of z, v and x, at most that large, adds to E|grad Psi|^2."""
        ...


@runtime_checkable
class HasRunMoments(Protocol):
    """A theorem that derives the second moments of a whole run."""

    def run_moments(
        self, problem: BilevelProblem, start: Sequence[Array], solver: Solver, K: int, window: int = 1
    ) -> RunMoments:
        """Moments of the last ``window`` of K iterates from z, v (p,) and x (d,).

        Raises DerivationError for a configuration or problem that nothing is derived for, ValueError for a problem
        that lacks a closed form.
        """
        ...


@runtime_checkable
class HasPointOfRest(Protocol):
    """A theorem that says where a method with a biased hypergradient comes to rest."""

    def point_of_rest(self, problem: BilevelProblem, solver: Solver) -> Array:
        """x (d,) at which the mean direction vanishes. Raises as :class:`HasRunMoments`."""
        ...


# Protocols of verification.

Claim = TypeVar("Claim", contravariant=True)
Plan = TypeVar("Plan")
Measurement = TypeVar("Measurement", covariant=True)


class ClaimParameters(Protocol):
    """What the parameters of a claim may be."""

    def check(self, given: Mapping[str, Any], solver: str) -> None:
        """Raise ValueError for an unknown, missing or malformed parameter; it lists what is taken."""
        ...

    def describe(self) -> str:
        """All names in words."""
        ...


@runtime_checkable
class VerificationProtocol(Protocol[Claim, Plan, Measurement]):
    """One way to measure a claim: a module with these members.

    Attributes
    ----------
    TITLE : str
        What it measures, as a report's heading says it.
    PARAMETERS : ClaimParameters
    """

    @property
    def TITLE(self) -> str: ...
    @property
    def PARAMETERS(self) -> ClaimParameters: ...

    def plan(self, claim: Claim, seed: int) -> Plan:
        """The cells that the claim needs, with the predictions.

        Raises DerivationError where the derivation that should predict the value refuses it, and ValueError for a claim
        that cannot be measured.
        """
        ...

    def judge(
        self, claim: Claim, plan: Plan, results: Mapping[str, Mapping[str, Any]], level: float
    ) -> Measurement:  # fmt: skip
        """What was seen, from the results of the cells by key, with limits at this confidence level."""
        ...


@runtime_checkable
class SimulatedProtocol(Protocol):
    """A protocol that may set ``SIMULATED`` to True: no solver runs, so a claim's solver and problem are only names."""

    @property
    def SIMULATED(self) -> bool: ...


@runtime_checkable
class HasWork(Protocol):
    """A module of tasks with ``WORK``: task name -> function(parameters, general) that estimates what a cell does."""

    @property
    def WORK(self) -> Mapping[str, Any]: ...


# Who satisfies what.


@functools.cache
def _members(contract: type) -> Mapping[str, bool]:
    """The names that a contract asks for, and whether each is a method."""
    protocols = [base for base in contract.__mro__ if getattr(base, "_is_protocol", False) and base is not Protocol]
    found = {name: callable(value) for base in protocols for name, value in vars(base).items() if name[0] != "_"}
    return dict(sorted(found.items()))


def members(contract: type) -> list[str]:
    """The names that a contract asks for, sorted."""
    return list(_members(contract))


def lacking(thing: object, contract: type) -> list[str]:
    """The names that the contract asks for and the object does not have; no property is evaluated.

    A method must be callable.
    """
    bases = (thing if isinstance(thing, type) else type(thing)).__mro__
    spaces = [getattr(thing, "__dict__", {}), *map(vars, bases)]
    return [
        name
        for name, method in _members(contract).items()
        if not any(name in space for space in spaces) or (method and not callable(getattr(thing, name)))
    ]


def require(title: str, thing: object, contract: type) -> None:
    """Refuse an object that lacks members of a contract.

    Raises
    ------
    TypeError
        With the title, the missing names and the contract.
    """
    missing = lacking(thing, contract)
    if missing:
        raise TypeError(
            f"{title} has no {', '.join(missing)}, which the engine asks of it: see zoba_bench.contracts."
            f"{contract.__name__}"
        )
