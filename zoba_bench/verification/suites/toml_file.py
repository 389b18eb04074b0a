"""Suites of one's own, from a TOML file: name, description, other suites to include, and [[claim]] tables."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoba_bench.problem.file import file_spec, is_file
from zoba_bench.registry import entry, names
from zoba_bench.verification.checking import check_claim
from zoba_bench.verification.claim import ORIGINS, RELATIONS, Claim
from zoba_bench.verification.parameters import FLAG, NAME, NUMBER, Kind, one_of, unknown
from zoba_bench.verification.suite import Suite

__all__ = ["is_suite_file", "read_suite"]

_TEXT = Kind("a string that is not empty", NAME.fits)
_NEEDED = {"name": _TEXT, "description": _TEXT}
_OPTIONAL = {
    "include": Kind("a list of names", lambda value: _several(value, str)),
    "claim": Kind("a list of tables, [[claim]]", lambda value: _several(value, dict)),
}
_CLAIM_NEEDED = {
    **dict.fromkeys(("id", "statement", "protocol", "solver", "problem"), _TEXT),
    "relation": one_of(*RELATIONS),
    "tolerance": Kind("a finite number, at least 0", lambda value: NUMBER.fits(value) and value >= 0),
}
_CLAIM_OPTIONAL = {
    "parameters": Kind("a table, [claim.parameters]", lambda value: isinstance(value, dict)),
    "origin": one_of(*ORIGINS),
    "source": _TEXT,
    "controls": Kind("a list of claims' ids", lambda value: _several(value, str)),
    "finding": FLAG,
}


def is_suite_file(name: object) -> bool:
    """Whether a suite's name is that of a file."""
    return isinstance(name, str) and name.endswith(".toml")


def read_suite(path: str | Path) -> Suite:
    """A suite from a file.

    Parameters
    ----------
    path : path-like
        A TOML file with

        - ``name`` and ``description``, strings;
        - ``include``, a list of registered suites whose claims come first (optional);
        - ``[[claim]]`` tables with every field of :class:`~zoba_bench.verification.claim.Claim`: ``id``,
          ``statement``, ``protocol``, ``solver``, ``problem``, ``relation``, ``tolerance``, a table
          ``[claim.parameters]`` with what the protocol takes, and optionally ``origin`` ("derived" by default),
          ``source``, ``controls`` and ``finding`` (true where the measurement is known to contradict the
          statement).

        A problem of one's own is written ``file.py:name`` there, the file sought beside the suite's.

    Returns
    -------
    Suite, with the file's name and the SHA-256 of its content in its provenance.

    Raises
    ------
    ValueError
        For a file that is not there or no TOML, an unknown or a missing key, a value of the wrong kind, and a claim
        that its protocol cannot measure. The message names the file, the claim, and what there is.
    """
    file = Path(path)
    try:
        content = file.read_bytes()
        table = tomllib.loads(content.decode())
    except FileNotFoundError:
        raise ValueError(
            f"there is no suite file {file}; the registered suites are {', '.join(names('claims'))}"
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{file} cannot be read as TOML: {error}") from error
    try:
        return _suite(table, file, hashlib.sha256(content).hexdigest())
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


def _suite(table: Mapping[str, Any], file: Path, digest: str) -> Suite:
    _check(table, _NEEDED, _OPTIONAL)
    if table["name"] in names("claims"):
        raise ValueError(f"name {table['name']!r} is that of a registered suite; choose another")
    included, home = _included(table.get("include", []))
    claims = list(included.values())
    for number, row in enumerate(table.get("claim", []), 1):
        claim = _claim(row, number, file.parent)
        if claim.id in home:
            raise ValueError(f"claim {claim.id!r} is one of the included suite {home[claim.id]!r} already: rename it")
        claims.append(claim)
    if not claims:
        raise ValueError("there is nothing to measure: give [[claim]] tables, or include = [...] other suites")
    suite = Suite(table["name"], table["description"], tuple(claims), {"suite_file": file.name, "suite_sha256": digest})
    for claim in claims[len(included) :]:
        check_claim(claim)
    return suite


def _included(wanted: list[str]) -> tuple[dict[str, Claim], dict[str, str]]:
    """Claims of registered suites by id, and which suite each comes from; two may share equal ones."""
    claims: dict[str, Claim] = {}
    home: dict[str, str] = {}
    for name in wanted:
        if name not in names("claims"):
            raise ValueError(f"include: {unknown('suite', name, names('claims'))}")
        for claim in entry("claims", name)().claims:
            if claims.get(claim.id, claim) != claim:
                raise ValueError(f"include: the suites {home[claim.id]!r} and {name!r} differ in claim {claim.id!r}")
            claims[claim.id] = claim
            home.setdefault(claim.id, name)
    return claims, home


def _claim(row: Mapping[str, Any], number: int, folder: Path) -> Claim:
    where = f"claim {row['id']!r}" if isinstance(row.get("id"), str) else f"claim number {number}"
    try:
        _check(row, _CLAIM_NEEDED, _CLAIM_OPTIONAL)
        changed = {
            "problem": _beside(row["problem"], folder),
            "parameters": _own_problems(row.get("parameters", {}), folder),
            "controls": tuple(row.get("controls", ())),
        }
        return Claim(**{**row, **changed})
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def _check(table: Mapping[str, Any], needed: Mapping[str, Kind], optional: Mapping[str, Kind]) -> None:
    """Raise ValueError for a key that is unknown or missing, and for a value of the wrong kind."""
    kinds = {**needed, **optional}
    for key in table:
        if key not in kinds:
            raise ValueError(unknown("key", key, kinds))
    for key in needed:
        if key not in table:
            raise ValueError(f"key {key!r} is missing; the keys are {', '.join(kinds)}")
    for key, value in table.items():
        kinds[key].check(key, value, "")


def _several(value: Any, kind: type) -> bool:
    return isinstance(value, list) and all(isinstance(item, kind) for item in value)


def _beside(name: str, folder: Path) -> str:
    """A problem's name, the path of one's own from here."""
    return str(folder / name) if is_file(name) and not Path(name).is_absolute() else name


def _own_problems(value: Any, folder: Path, key: str = "") -> Any:
    """The parameters, with the hashes of its content beside the name of every problem in a file."""
    if isinstance(value, dict):
        inner = {k: _own_problems(v, folder, k) for k, v in value.items()}
        name = inner.get("name")
        if key in ("problem", "problems") and isinstance(name, str) and is_file(name):
            options = {k: v for k, v in inner.items() if k != "name"}
            return {**options, **file_spec(_beside(name, folder), **options)}
        return inner
    return [_own_problems(item, folder, key) for item in value] if isinstance(value, list) else value
