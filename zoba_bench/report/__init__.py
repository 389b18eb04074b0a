"""Report of a run: one HTML page with plots, and tables for the terminal. Reads the ledger only."""
