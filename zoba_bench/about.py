"""Which version this is, and when this process imported it."""

from __future__ import annotations

import time

__all__ = ["IMPORTED", "VERSION"]

VERSION = "0.1.0"

#: Seconds since the epoch; sources edited later are not what runs.
IMPORTED = time.time()
