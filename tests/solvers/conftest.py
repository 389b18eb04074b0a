"""The fixtures of the engine's tests."""

from __future__ import annotations

from ..engine.conftest import _bilevel, _objective, _points, same_run, start

__all__ = ["_bilevel", "_objective", "_points", "same_run", "start"]
