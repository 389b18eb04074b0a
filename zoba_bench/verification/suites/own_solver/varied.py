"""Other values of a solver's options: a number in the code that stands where an option should is seen with them."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from typing import Any

from zoba_bench.verification.protocols.shared.named import build_solver
from zoba_bench.verification.suites.own_solver.parts import Parts

__all__ = ["varied_options"]


def varied_options(parts: Parts) -> tuple[dict[str, Any], list[str]]:
    """The options with every number changed that may be, all at once; and the names of those that stay as they are.

    A value that the solver refuses is tried as another one.
    """
    configured = build_solver(parts.solver, parts.options)
    chosen, unchanged = dict(parts.options), list[str]()
    for name in [f.name for f in fields(configured) if f.init] if is_dataclass(configured) else []:
        for value in _others(getattr(configured, name)):
            try:
                build_solver(parts.solver, {**chosen, name: value})
            except Exception:  # a class may refuse a value with whatever it raises
                continue
            chosen[name] = value
            break
        else:
            unchanged.append(name)
    return chosen, unchanged


def _others(value: Any) -> list[Any]:
    """Numbers that differ by a factor 2, or less if they must; none for what is no finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return []
    if isinstance(value, int):
        return [2 * value, value + 1, value - 1] if value else [1]
    return [0.5 * value, 0.7 * value, 1.4 * value, (1 + value) / 2] if value else [0.05, 0.5]
