"""The command line: parses, calls the library, prints. Nothing is computed here.

``entry`` is the command with its exit codes. Its verbs stand in a file a group: ``listing`` (list, info), ``solving``
(solve, run), ``verifying`` (verify), ``testing`` (self-test), ``proving`` (check, derive), ``reporting`` (report,
sys-info), ``ledgers`` (runs, export, clean) and ``ledger_pairs`` (merge, compare). They share ``options``,
``terminal``, ``output`` (JSON alone on standard output) and ``page`` (the report, with what it needs first).
``signals`` says what happens when a signal ends the command. A verb imports the library when it is called, so that
``--help`` is fast.
"""

from zoba_bench.cli.entry import cli, main

__all__ = ["cli", "main"]
