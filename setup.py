"""Find the packages of the three roots; everything else is in pyproject.toml.

``problems/``, ``theory/`` and ``integrations/`` stand at the top level of the repository and are
installed as ``zoba_bench.problems``, ``zoba_bench.theory`` and ``zoba_bench.integrations``.
"""

from setuptools import find_packages, setup

MAPPED = ("problems", "theory", "integrations")

packages = find_packages(include=["zoba_bench", "zoba_bench.*"])
for root in MAPPED:
    found = find_packages(include=[root, f"{root}.*"])
    packages += [f"zoba_bench.{name}" for name in found]

setup(packages=packages)
