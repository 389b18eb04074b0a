"""``info``: what a name stands for, of whatever kind it is.

``kinds`` finds the kinds of a name. Each kind has a function that describes it: ``solver``, ``problem``, ``theory``
(theorems and assumptions) and ``measuring`` (protocols, suites, claims and tasks). A description is a ``Card``: lines
for the terminal, and a mapping for JSON. ``command`` is the verb.
"""

from zoba_bench.cli.info.command import info

__all__ = ["info"]
