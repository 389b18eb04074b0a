"""The results store, one SQLite file. Read it in this order:

- ``schema``: the tables, and how files of earlier formats become ones of this;
- ``checksums``: how damage in a row is noticed;
- ``errors``: what went wrong, in words that say what to do;
- ``opening``: a connection that writes, or one that only reads;
- ``connection``: an open ledger, whose rows are checked when they are read;
- ``store``: the ledger itself;
- ``content``: what a ledger holds, as people ask for it;
- ``cleaning``: which of it can go;
- ``tables`` and ``exporting``: all of it as files of other programs;
- ``merging``: two ledgers as one;
- ``changes`` and ``comparing``: what is not the same in two runs.
"""

from zoba_bench.ledger.errors import LedgerError, LedgerWarning
from zoba_bench.ledger.store import Ledger

__all__ = ["Ledger", "LedgerError", "LedgerWarning"]
