"""Find the packages of the three roots; everything else is in pyproject.toml.

``problems/`` and ``theory/`` stand at the top level of the repository and are
installed as ``zoba_bench.problems`` and ``zoba_bench.theory``.
"""

from setuptools import find_packages, setup

MAPPED = ("problems", "theory")

packages = find_packages(include=["zoba_bench", "zoba_bench.*"])
for root in MAPPED:
    found = find_packages(include=[root, f"{root}.*"])
    packages += [f"zoba_bench.{name}" for name in found]

setup(packages=packages)
