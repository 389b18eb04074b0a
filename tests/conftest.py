"""Hypothesis profiles, which instances of a test run by default, and in which order files run.

The default profile explores anew each run, "ci" repeats the same examples.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

#: Files that take longest, all tests counted: they begin first, so that no worker is left with one of them at the end.
LONGEST = (
    "docs/test_blocks.py",
    "theory/test_theorems.py",
    "verification/test_whole_step.py",
    "certification/test_certificates.py",
    "certification/test_mutations.py",
    "theory/single_loop/test_samples.py",
    "verification/test_protocols.py",
)

settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Of a test marked ``sample(n)``, n of its instances, spread evenly, run by default; the others are slow."""
    instances = {}
    for item in items:
        if (mark := item.get_closest_marker("sample")) is not None:
            instances.setdefault((item.path, item.originalname), (mark.args[0], []))[1].append(item)
    for number, those in instances.values():
        kept = {i * len(those) // number for i in range(number)}
        for place, item in enumerate(those):
            if place not in kept:
                item.add_marker(pytest.mark.slow)
    first = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    assert all(path.is_file() for path in first), "a file of LONGEST is not there any more"
    items.sort(key=lambda item: first.get(item.path, len(first)))
