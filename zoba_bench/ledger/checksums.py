"""A checksum over everything that a row says: SQLite does not notice a bit that flips inside of a value."""

from __future__ import annotations

import hashlib

__all__ = ["checksum", "text_of"]

_BYTES = 16


def checksum(*values: str | int | float) -> str:
    """Of the values in this order, types included."""
    digest = hashlib.blake2b(digest_size=_BYTES)
    for value in values:
        # What is no text here was damaged, and gets another checksum than any text.
        content = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else repr(value).encode()
        digest.update(f"{type(value).__name__} {len(content)} ".encode() + content)
    return digest.hexdigest()


def text_of(raw: bytes) -> str:
    """A text column; bytes that are no UTF-8 become characters that no checksum agrees with, instead of an error."""
    return raw.decode("utf-8", "surrogateescape")
