"""The results store, one SQLite file. Read it in this order:

- ``schema``: the tables, and how files of earlier formats become ones of this;
- ``checksums``: how damage in a row is noticed;
- ``errors``: what went wrong, in words that say what to do;
- ``opening``: a connection that writes, or one that only reads;
- ``store``: the ledger itself.
"""

from zoba_bench.ledger.errors import LedgerError, LedgerWarning
from zoba_bench.ledger.store import Ledger

__all__ = ["Ledger", "LedgerError", "LedgerWarning"]
