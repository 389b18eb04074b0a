"""Changed places of the theory's code: a sample of them must be refused, with a reason."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from .mutants import bounds, estimators, methods, plans
from .mutants.page import PAGE, lines, rate, summary
from .mutants.planting import Mutant, Outcome, judged

ALL = (*bounds.MUTANTS, *plans.MUTANTS, *estimators.MUTANTS, *methods.MUTANTS)
