"""Report of a run: one HTML page with plots, and tables for the terminal. Reads the ledger only.

``html`` puts the page together, from ``figures`` (what is drawn), ``derivations`` (the theorems, as stored) and the
``templates``; ``comparison`` is the page of a comparison. ``terminal`` has the tables of the command line. Below them:
``wording`` (words and numbers, the same in page and terminal), ``series`` (lines of measured means, ready to draw),
``canvas`` (style, and figures as bytes) and ``mathml`` (formulas, let through as far as they are nothing else).
"""
