"""Hypothesis profiles, and which instances of a test run by default.

The default profile explores anew each run, "ci" repeats the same examples.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

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
