"""What the protocols say of a solver of one's own: what it declares, how it behaves, and what it reaches.

Every claim has controls that cost nothing more: the declaration made wrong, judged on the same cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np

from zoba_bench.contracts import HasDeclaredCounts
from zoba_bench.directions import generator
from zoba_bench.driver import iteration_cost
from zoba_bench.oracle import DERIVATIVES
from zoba_bench.problem import BilevelProblem
from zoba_bench.registry import RegistryError, entry, names
from zoba_bench.solver_file import is_solver_file, load_solver_class, title_of_solver
from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims._pairs import Control, build, with_controls
from zoba_bench.verification.declarations import MISTAKES, DeclarationError, DeclaredDescent, mistaken, update_of
from zoba_bench.verification.protocols import PROTOCOLS
from zoba_bench.verification.protocols.declared_counts import declared
from zoba_bench.verification.protocols.shared.named import build_problem, build_solver
from zoba_bench.verification.protocols.whole_step import steps_from
from zoba_bench.verification.suite import Suite

__all__ = ["own_solver_suite"]

Spec = dict[str, Any]

#: Where a mean step is measured: p != d, d > 8, derivatives that vary, samples. The first that fit are used.
_STEP_PROBLEMS: tuple[Spec, ...] = (
    {"name": "xdep_curvature", "p": 5, "d": 9},
    {"name": "smd7", "p": 5, "d": 9},
    {"name": "quad_sum", "p": 4, "d": 9, "n_inner": 16, "n_outer": 16},
    {"name": "logcosh_ripple", "p": 6, "d": 9},
    {"name": "logistic_bregman", "p": 6, "d": 4},
    {"name": "l1_tracking"},
    {"name": "group_lasso"},
    {"name": "bome_minmax"},
    {"name": "two_task"},
    {"name": "imaml_quad"},
)
_MOST_STEPS = 4
_MOST_MISSED = 5
#: Where counts, bits and conduct are looked at.
_SMALL: tuple[Spec, ...] = (
    {"name": "reference", "p": 4, "d": 3},
    {"name": "quad_sum", "p": 2, "d": 3, "n_inner": 8, "n_outer": 8},
    {"name": "l1_tracking"},
    {"name": "two_task"},
)
#: Where runs are followed to stationarity.
_RUNS: tuple[Spec, ...] = (
    {"name": "reference", "p": 4, "d": 4},
    {"name": "logistic_bregman", "p": 6, "d": 4},
    {"name": "xdep_curvature", "p": 3, "d": 5},
    {"name": "quad_sum", "p": 4, "d": 5, "n_inner": 16, "n_outer": 16},
    {"name": "two_task"},
)
_MOST_RUNS = 3
#: The family on which a declared order is judged, its distances and constants being free of p and d.
_LINED: tuple[Spec, ...] = _RUNS[:1]
_LINES: dict[str, tuple[Spec, ...]] = {
    "p": tuple({"name": "reference", "p": size, "d": 4} for size in (4, 8, 16)),
    "d": tuple({"name": "reference", "p": 4, "d": size} for size in (4, 8, 16)),
}
_SHARES = (0.5, 0.35, 0.25, 0.18, 0.125, 0.09, 0.06)
#: How far an order may lie above the declared one: finite runs are not in the limit.
_ORDER_TOLERANCE = 0.15

_PILOT = 64  # replicates
_FAR = 1e8  # an iterate beyond has diverged
#: What is allowed shall be this share of a move; P10 refuses to judge beyond 0.5.
_SHARP = 0.2
_BLUNT = 0.4  # and no larger one
_CRITICAL = 5.5  # of a t test among all coordinates, blocks and claims
_FEWEST = 1024  # replicates, where there is noise
_AT_ONCE, _MOST_NUMBERS = 1e7, 2e8  # doubles that one step may hold, and that the steps of a cell may
_ITERATIONS: tuple[tuple[int, ...], ...] = ((0, 3, 50), (0, 3, 20), (0, 3, 11))


@dataclass
class _Parts:
    """The solver, and what is gathered: claims, and what is left out with the reason."""

    solver: str
    options: dict[str, Any]
    claims: list[Claim]
    left_out: dict[str, str]

    @property
    def title(self) -> str:
        return title_of_solver(self.solver)

    def fitting(self, specs: Sequence[Spec], options: Mapping[str, Any] | None = None) -> list[Spec]:
        """The problems on which the solver can run."""
        configured = build_solver(self.solver, self.options if options is None else options)
        return [spec for spec in specs if not configured.lacking(build_problem(spec))]

    def add(self, key: str, statement: str, relation: str, tolerance: float, parameters: Mapping[str, Any],
            problem: str, **wrong: tuple[str, Mapping[str, Any]]) -> None:  # fmt: skip
        """A claim, and for each of ``wrong`` a control: its words, and the parameters that differ."""
        protocol, what = key.split("/")
        claim = build(
            f"{protocol}/{self.title}/{what}", statement, relation, tolerance, parameters, problem=problem,
            solver=self.solver,
        )  # fmt: skip
        controls = [
            Control(f"{protocol}/control:{name.replace('_', '-')}/{what}", words, changed)
            for name, (words, changed) in wrong.items()
        ]
        self.claims += with_controls(claim, *controls)


def own_solver_suite(solver: str, options: Mapping[str, Any]) -> tuple[Suite, dict[str, str]]:
    """Claims on one solver, and protocols with the reason why each is left out.

    Parameters
    ----------
    solver, options
        As :func:`zoba_bench.verification.solver_spec.solver_spec` returns them.

    Raises
    ------
    ValueError, TypeError
        For a solver that cannot be built or fits no problem, and for a declaration of a wrong form or shape.
    """
    build_solver(solver, options)
    parts = _Parts(solver, dict(options), [], {})
    small = parts.fitting(_SMALL)
    if not small:
        lacks = build_solver(solver, options).lacking(build_problem(_SMALL[0]))
        raise ValueError(f"{parts.title} fits none of the problems it is tried on; it needs {', and '.join(lacks)}")
    _counts(parts, small)
    noisy = _steps(parts)
    _bits(parts, small)
    _independence(parts, small, noisy)
    _conduct(parts, small)
    _reached(parts)
    _of_theorem(parts)
    return (
        Suite("own", f"What can be measured on {parts.title}.", tuple(parts.claims), {"solver": solver}),
        parts.left_out,
    )


def _counts(parts: _Parts, small: Sequence[Spec]) -> None:
    if not isinstance(build_solver(parts.solver, parts.options), HasDeclaredCounts):
        parts.left_out["P1d"] = "not declared: evaluations(problem), the queries of an iteration"
        return
    sets = [parts.options, *_other_options(parts)]
    for spec in small[:2]:
        settings = [chosen for chosen in sets if spec in parts.fitting([spec], chosen)]
        for chosen in settings:
            declared(parts.solver, chosen, build_problem(spec))
        parts.add(
            f"P1d/{spec['name']}", "Every iteration queries what the solver declares, in every column of the counter, "
            "with default and with other options.", "exact", 0.0,
            {"problems": [spec], "options": settings, "iterations": 12}, spec["name"],
            one_less=("one query an iteration fewer than declared", {"one_less": True}),
        )  # fmt: skip


def _other_options(parts: _Parts) -> list[dict[str, Any]]:
    """Odd values of all whole-number options at once: what the class lists as ``other_options``, or 3 and 5."""
    configured = build_solver(parts.solver, parts.options)
    listed = getattr(configured, "other_options", None)
    if listed is not None:
        return [{**parts.options, **each} for each in listed]
    if not is_dataclass(configured):
        return []
    whole = [
        f.name for f in fields(configured)
        if isinstance(value := getattr(configured, f.name), int) and not isinstance(value, bool) and value > 0
    ]  # fmt: skip
    found = []
    for value in (3, 5):
        chosen = {**parts.options, **{name: value + i for i, name in enumerate(whole)}}
        try:
            build_solver(parts.solver, chosen)
        except (ValueError, TypeError):  # a combination that the solver refuses
            continue
        found.append(chosen)
    return found if whole else []


def _steps(parts: _Parts) -> bool | None:
    """P10 on several problems; whether the steps have noise, None where that was not seen."""
    update = update_of(parts.solver, parts.options)
    if update is None:
        parts.left_out["P10"] = "not declared: expected_step(problem, state), the mean of the next state, or " \
            "expected_descent(problem, state)"  # fmt: skip
        return None
    exact = isinstance(update, DeclaredDescent)
    statement = (
        "From exact z and v the mean move of x is -gamma_k grad Psi(x), within the declared bias."
        if exact else "In the mean one step from a state of iteration k goes where the solver declares, in every block."
    )  # fmt: skip
    found, missed, noisy = 0, 0, False
    for spec in parts.fitting(_STEP_PROBLEMS):
        problem = build_problem(spec)
        if exact and None in (problem.inner_solution, problem.adjoint, problem.hypergradient):
            continue
        chosen = _pilot(parts, spec, update, exact)
        if isinstance(chosen, str):
            parts.left_out[f"P10 on {spec['name']}"] = chosen
            missed += 1
            if missed == _MOST_MISSED:
                break
            continue
        parameters, seen = chosen
        noisy = noisy or parameters["replicates"] > 1
        wrong = {name: (MISTAKES[name], {"mistake": name}) for name in seen}
        parts.add(f"P10/{spec['name']}", statement, "at_most", 0.0, parameters, spec["name"], **wrong)
        found += 1
        if found == _MOST_STEPS:
            break
    if not found and not any(key.startswith("P10") for key in parts.left_out):
        parts.left_out["P10"] = "no problem that it is tried on fits the solver"
    return noisy if found else None


def _pilot(parts: _Parts, spec: Spec, update: Any, exact: bool) -> tuple[dict[str, Any], list[str]] | str:
    """The parameters of a claim that a few replicates show to be sharp, and the mistakes that it can see.

    A word instead says why there is none. A declaration of a wrong form is an error here, before anything is measured.
    """
    problem, solver, options = build_problem(spec), parts.solver, parts.options
    queries = sum(iteration_cost(problem, build_solver(solver, options), _rng()).values()) + 2
    width = queries * (problem.p + problem.d)
    most = max(_PILOT, int(_MOST_NUMBERS / width))
    steps: dict[int, _Step] = {}
    best: tuple[float, tuple[int, ...]] = (np.inf, ())
    iterations: tuple[int, ...]
    for iterations in _ITERATIONS:
        for k in (k for k in iterations if k not in steps):
            with np.errstate(all="ignore"):
                row = steps_from(_rng(), spec, solver, options, k, _PILOT, exact)
            values = [np.ravel(row[side][name]) for side in ("before", "mean") for name in ("z", "v", "x")]
            if any(each is None or abs(each) > _FAR for several in values for each in several):
                return f"its steps diverge within {k + 1} iterations; lower them, or pass a configuration with others"
            try:
                steps[k] = _Step.seen(problem, update, options, row, k, exact)
            except DeclarationError:
                raise
            except ValueError as error:  # the declaration does not speak of this problem
                return str(error)
            except TypeError:
                absent = [name for name in DERIVATIVES if getattr(problem, name) is None]
                if not absent:
                    raise
                return f"the expected step asks for a derivative, and {spec['name']} declares no {', '.join(absent)}"
        needed = _needed([steps[k] for k in iterations])
        best = min(best, (needed, iterations))
        if needed <= most:
            break
    needed, iterations = best
    if needed > most * (_BLUNT / _SHARP) ** 2:
        return f"its noise hides a factor 2 in the step: {needed:.2g} replicates would show it, {most} fit into a cell"
    # Limits of a mean that is rarely anything but zero, as of a memory of one sample, take many replicates.
    replicates = 1 if needed == 0 else int(min(most, max(_FEWEST, 2.0 ** np.ceil(np.log2(needed)))))
    size = max(1, int(_AT_ONCE / width))
    blocks = -(-replicates // size)
    replicates = blocks * (-(-replicates // blocks))
    seen = [name for name in MISTAKES if any(steps[k].shows(name, problem, replicates) for k in iterations)]
    if not seen:
        return "the declared step moves nothing there"
    found = {"problem": spec, "options": options, "iterations": list(iterations), "replicates": replicates // blocks}
    if blocks > 1:
        found["blocks"] = blocks
    return {**found, "exact": True} if exact else found, seen


@dataclass(frozen=True)
class _Step:
    """One step of a pilot: the state, its expected next one, and the noise of each block."""

    update: Any
    options: Mapping[str, Any]
    state: dict[str, Any]
    expected: Any
    variance: dict[str, Any]

    @classmethod
    def seen(cls, problem: BilevelProblem, update: Any, options: Mapping[str, Any], row: Mapping[str, Any], k: int,
             exact: bool) -> _Step:  # fmt: skip
        state: dict[str, Any] = {name: np.array(values, dtype=float) for name, values in row["before"].items()}
        state["k"] = k
        variance = {
            name: np.array(values, dtype=float) for name, values in row["variance"].items() if name == "x" or not exact
        }  # fmt: skip
        for name, values in variance.items():  # what BLAS rounds differently from row to row is no noise
            values[np.sqrt(values) < 1e-13 * (1 + np.max(np.abs(state[name]), initial=0.0))] = 0.0
        return cls(update, options, state, update.step(problem, options, state), variance)

    def needed(self) -> dict[str, float]:
        """By block, how many replicates make what is allowed a small share of its move; 0 where nothing is random."""
        found = {}
        for name, variance in self.variance.items():
            move = float(np.mean((self.expected.mean[name] - self.state[name]) ** 2)) if variance.size else 0.0
            if move > 0:
                found[name] = _CRITICAL**2 * float(np.mean(variance)) / (_SHARP**2 * move)
            elif np.any(variance > 0):
                found[name] = np.inf  # noise alone: of that nothing can be said
        return found

    def shows(self, mistake: str, problem: BilevelProblem, replicates: int) -> bool:
        """Whether the mistake moves a coordinate by twice what is allowed."""
        wrong = mistaken(self.update, mistake).step(problem, self.options, self.state)
        return any(
            bool(np.any(
                np.abs(wrong.mean[name] - self.expected.mean[name])
                > 2 * (_CRITICAL * np.sqrt(variance / replicates) + self.expected.bias.get(name, 0.0))
            ))
            for name, variance in self.variance.items()
        )  # fmt: skip


def _needed(steps: Sequence[_Step]) -> float:
    """Iterates must be sharp at every k, memories, which settle, at one; pure noise is left to the coordinates."""
    blocks: dict[str, list[float]] = {}
    for step in steps:
        for name, number in step.needed().items():
            blocks.setdefault(name, []).append(number)
    return max(
        (max((n for n in numbers if n < np.inf), default=0.0) if name in ("z", "v", "x") else min(numbers)
         for name, numbers in blocks.items()), default=0.0,
    )  # fmt: skip


def _rng() -> np.random.Generator:
    return generator(np.random.SeedSequence(12))


def _bits(parts: _Parts, small: Sequence[Spec]) -> None:
    runs: list[Spec] = [
        {"solver": parts.solver, "problem": spec, "options": parts.options, "iterations": 12, "replicates": 3}
        for spec in small[:2]
    ]
    wrong = "control:global-generator"
    others = [
        {"solver": wrong, "problem": spec, "options": {}, "iterations": 3, "replicates": 2} for spec in _SMALL[:2]
    ]
    statement = (
        "The same cell with the same seed gives the same bits of x, z, v, counts and history in every order among "
        "other cells, and in a process of its own."
    )
    claim = build(
        f"P8/{parts.title}/bits", statement, "exact", 0.0, {"runs": [*runs, *others]}, problem="all",
        solver=parts.solver,
    )  # fmt: skip
    control = Control(f"P8/{wrong}/bits", solver=wrong, changed={"runs": others})
    parts.claims += with_controls(claim, control)


def _independence(parts: _Parts, small: Sequence[Spec], noisy: bool | None) -> None:
    """P11, where a pilot sees that steps are random."""
    for spec in small:
        parameters = {"problem": spec, "options": parts.options, "draws": 250, "replicates": 4}
        with np.errstate(all="ignore"):
            row = steps_from(_rng(), spec, parts.solver, parts.options, 0, 16)
            again = steps_from(_rng(), spec, parts.solver, parts.options, 0, 1)
            other = steps_from(generator(np.random.SeedSequence(13)), spec, parts.solver, parts.options, 0, 1)
        spread = max((float(np.max(np.array(values, dtype=float))) for values in row["variance"].values()), default=0.0)
        # Replicates that are all equal have no variance, but another stream moves them elsewhere.
        if spread > 1e-24 or again["mean"] != other["mean"]:
            parts.add(
                f"P11/{spec['name']}", "Replicates are independent of each other, a step of the next one, a cell of "
                "another, and the samples of both levels.", "at_most", 0.0, parameters, spec["name"],
                paired=("each second replicate repeats the one before it", {"paired": True}),
            )  # fmt: skip
            return
    parts.left_out["P11"] = "nothing is random: replicates from one start are the same run"


def _conduct(parts: _Parts, small: Sequence[Spec]) -> None:
    for spec in small[:2]:
        parts.add(
            f"P12/{spec['name']}", "The budget is honoured, counts never fall, and a NaN ends its own replicate at the "
            "last finite iterates.", "exact", 0.0,
            {"problem": spec, "options": parts.options, "iterations": 15, "replicates": 4}, spec["name"],
            over=("every third iteration queries half as much again", {"over": True}),
            infects=("one replicate's NaN reaches the others", {"infects": True}),
        )  # fmt: skip


def _reached(parts: _Parts) -> None:
    """P13: what declared orders allow, and a measurement without a verdict where nothing is declared."""
    configured = build_solver(parts.solver, parts.options)
    orders = dict(getattr(configured, "declared_orders", {}))
    for along, order in orders.items():
        if along not in ("1/eps", "p", "d") or isinstance(order, bool) or not isinstance(order, (int, float)):
            raise ValueError(f"declared_orders of {parts.title} must map '1/eps', 'p' or 'd' to numbers, got {orders}")
    final = getattr(configured, "declared_reduction", None)
    common = {
        "options": parts.options, "max_iterations": 2000, "replicates": 16, "groups": 8, "shares": list(_SHARES),
    }  # fmt: skip
    chosen = [spec for spec in parts.fitting(_RUNS) if build_problem(spec).hypergradient is not None][:_MOST_RUNS]
    if not chosen:
        parts.left_out["P13"] = "no problem with a known hypergradient fits the solver"
        return
    for spec in chosen:
        parameters = {**common, "problems": [spec], "quantity": "final"}
        statement = "|grad Psi|^2 at the end of a run over that at its start."
        if final is None:
            parts.add(f"P13/final-{spec['name']}", statement, "none", 0.0, parameters, spec["name"])
        else:
            parts.add(
                f"P13/final-{spec['name']}", statement, "at_most", 0.0, {**parameters, "declared": float(final)},
                spec["name"], negative=("a thousandth of what is declared", {"declared": float(final) / 1000}),
            )  # fmt: skip
        # A declared order is of the limit of small eps, from which a run on another family may be far.
        _order(
            parts, f"order-eps-{spec['name']}", "1/eps", orders if spec in _LINED else {},
            {**common, "problems": [spec]}, spec["name"],
        )  # fmt: skip
    for along, specs in _LINES.items():
        line = parts.fitting(specs)
        if len(line) == len(specs):
            _order(parts, f"order-{along}", along, orders, {**common, "problems": line, "stop": True}, "reference")


def _order(parts: _Parts, what: str, along: str, orders: Mapping[str, float], parameters: Spec, problem: str) -> None:
    parameters = {**parameters, "quantity": "order", "along": along}
    statement = f"The evaluations until the running mean of |grad Psi|^2 is at most eps grow with this power of {along}"
    if along not in orders:
        parts.add(f"P13/{what}", f"{statement}.", "none", 0.0, parameters, problem)
        return
    order = float(orders[along])
    parts.add(
        f"P13/{what}", f"{statement} at most: {order:g}.", "at_most", _ORDER_TOLERANCE,
        {**parameters, "declared": order}, problem,
        one_less=("an order less than declared", {"declared": order - 1}),
    )  # fmt: skip


def _of_theorem(parts: _Parts) -> None:
    """The claims that are made of a theorem's own solver, made of this one."""
    name = _theorem(parts)
    if name is None:
        parts.left_out["protocols of theorems"] = "no theorem: the class names none, and none has the solver's name"
        return
    taken = set(parts.options) | set(build_solver(parts.solver, parts.options).option_names())
    quick = entry("claims", "quick")().claims
    by_id = {claim.id: claim for claim in quick}
    there = {claim.id for claim in parts.claims}
    skipped = set()
    for claim in quick:
        if claim.solver != name or claim.origin == "control" or claim.protocol not in _WITH_THEOREM:
            continue
        unknown = sorted(_options_in(claim.parameters) - taken)
        if unknown:
            skipped.add(f"{claim.protocol}: no option {', '.join(unknown)}")
            continue
        moved = [
            replace(by_id[each], solver=parts.solver if by_id[each].solver == name else by_id[each].solver,
                    id=_renamed(each, name, parts.title))
            for each in (claim.id, *claim.controls)
        ]  # fmt: skip
        moved[0] = replace(moved[0], controls=tuple(each.id for each in moved[1:]))
        parts.claims += [each for each in moved if each.id not in there]
        there |= {each.id for each in moved}
    if skipped:
        parts.left_out["protocols of theorems"] = "; ".join(sorted(skipped))


#: Protocols that measure a solver against its theorem.
_WITH_THEOREM = ("P1", "P2", "P2s", "P2b", "P3", "P4a", "P4b", "P5", "P6", "P6b", "P7")
assert set(_WITH_THEOREM) <= set(PROTOCOLS)


def _theorem(parts: _Parts) -> str | None:
    """The registered name of the theorem that the solver names, or that has its name."""
    if not is_solver_file(parts.solver):
        return parts.solver if parts.solver in names("theorems") else None
    own = getattr(load_solver_class(parts.solver), "theorem", None)
    if own is None:
        return None
    if not isinstance(own, str) or own not in names("theorems"):
        raise RegistryError(f"theorem {own!r} of {parts.title} is not registered: {', '.join(names('theorems'))}")
    return own


def _options_in(value: Any, key: str = "") -> set[str]:
    """Names of solver options in a claim's parameters."""
    if isinstance(value, Mapping):
        own = set(value) if key in ("options", "stochastic_options") else set()
        return own.union(*(_options_in(part, name) for name, part in value.items()))
    if isinstance(value, (list, tuple)):
        return set().union(*(_options_in(part, key) for part in value))
    return set()


def _renamed(key: str, solver: str, title: str) -> str:
    protocol, who, *rest = key.split("/")
    return "/".join([protocol, title if who == solver else who, *rest])
