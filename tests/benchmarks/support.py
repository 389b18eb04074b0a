"""The modules of ``benchmarks/``, which is not installed: under a name that is nobody else's."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).parents[2] / "benchmarks"
_NAME = "benchmarks_of_zoba_bench"


def module(name: str) -> ModuleType:
    """A module of the folder."""
    if _NAME not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            _NAME, FOLDER / "__init__.py", submodule_search_locations=[str(FOLDER)]
        )
        assert spec is not None
        assert spec.loader is not None
        sys.modules[_NAME] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[_NAME])
    return importlib.import_module(f"{_NAME}.{name}")
