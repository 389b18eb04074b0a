"""The claims that are made of a theorem's own solver, made of a solver that names that theorem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from zoba_bench.registry import RegistryError, entry, names
from zoba_bench.solver_file import is_solver_file, load_solver_class
from zoba_bench.verification.protocols import PROTOCOLS
from zoba_bench.verification.protocols.shared.named import build_solver
from zoba_bench.verification.suites.own_solver.parts import Parts

__all__ = ["add_of_theorem"]


def add_of_theorem(parts: Parts) -> None:
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


def _theorem(parts: Parts) -> str | None:
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
