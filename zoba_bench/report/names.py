"""Names as parts of addresses."""

from __future__ import annotations

import re

__all__ = ["Names"]


class Names:
    """Makes of each name a part of an address that no other one has."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def __call__(self, name: str) -> str:
        plain = re.sub(r"[^A-Za-z0-9_.]+", "-", name).strip("-.") or "unnamed"
        found, number = plain, 2
        while found.lower() in self._taken:  # some file systems do not tell capitals apart
            found, number = f"{plain}-{number}", number + 1
        self._taken.add(found.lower())
        return found
