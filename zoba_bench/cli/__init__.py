"""The command line: parses, calls the library, prints. Nothing is computed here.

``entry`` is the command with its exit codes. Its verbs stand in a file a group: ``listing`` (list), ``info/`` (info),
``solving`` and ``outcome`` (solve), ``running`` (run), ``verifying`` and ``announcing`` (verify), ``testing``
(self-test), ``proving`` and ``certificates`` (check, derive), ``reporting`` (report), ``ledgers`` (runs, export,
clean), ``ledger_pairs`` (merge, compare) and ``system`` (config, sys-info).

They share ``options``, ``whole`` (1e5 is an integer), ``terminal`` (how something is printed), ``output`` (JSON alone
on standard output), ``progress`` and ``pace`` (what is said on the way) and ``page`` (the report, with what it needs
first). ``configuration`` reads settings from files and the environment, and ``verbs`` gives them to every verb.
``signals`` says what happens when a signal ends the command. A verb imports the library when it is called, so that
``--help`` is fast.
"""

from zoba_bench.cli.entry import cli, main

__all__ = ["cli", "main"]
