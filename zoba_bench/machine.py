"""What a result was made with: versions, the commit, the BLAS kernel, the processor."""

from __future__ import annotations

import functools
import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import Any

from zoba_bench.about import VERSION

__all__ = ["blas_kernels", "origin", "processor"]


@functools.cache
def blas_kernels() -> tuple[str, ...]:
    """Name, version and kernel of the BLAS that numpy uses, "openblas 0.3.29 SkylakeX".

    The same library rounds differently with another kernel, which it chooses by the processor. It may be empty: some
    libraries do not say.
    """
    import numpy  # loads its library  # noqa: F401
    from threadpoolctl import threadpool_info

    found = [pool for pool in threadpool_info() if pool.get("user_api") == "blas"]
    # scipy may load a library of its own, at a time that depends on what was imported; numpy's is there from the start.
    of_numpy = [pool for pool in found if "numpy" in str(pool.get("filepath", ""))] or found
    return tuple(sorted({" ".join(_words(pool)) for pool in of_numpy}))


def _words(pool: dict[str, Any]) -> list[str]:
    return [str(pool[name]) for name in ("internal_api", "version", "architecture") if pool.get(name)]


@functools.cache
def origin() -> dict[str, Any]:
    """What stands beside each row of a ledger: where and with what it was made."""
    return {
        "zoba_bench": VERSION,
        "commit": _commit(),
        "python": platform.python_version(),
        "numpy": importlib.metadata.version("numpy"),
        "scipy": importlib.metadata.version("scipy"),
        "blas": list(blas_kernels()),
        "blas_threads": 1,  # of a cell, see zoba_bench.sweep.run_cell
        "machine": platform.machine(),
        "processor": processor(),
    }


def _commit() -> str | None:
    """The commit of the checkout that this package is part of, with "-dirty" after edits; or None."""
    folder = str(Path(__file__).parent)
    try:
        tracked = _git(folder, "ls-files", "--error-unmatch", Path(__file__).name)
        return _git(folder, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*") if tracked else None
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: str, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", folder, *arguments], capture_output=True, text=True, check=True, timeout=10,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.stdout.strip()


@functools.cache
def processor() -> str:
    """The name of the processor, as the system says it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
