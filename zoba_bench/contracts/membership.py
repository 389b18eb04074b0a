"""Who satisfies a contract: its members, those that an object lacks, and the error that names them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Protocol

__all__ = ["lacking", "members", "require"]


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
