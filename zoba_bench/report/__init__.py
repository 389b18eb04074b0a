"""Report of a run: a folder of HTML pages with pictures, and tables for the terminal. Reads the ledger only.

``html`` writes the folder. ``site`` says what stands where in it, ``pages`` renders the ``templates``, ``plots`` draws
the picture of a claim, ``derivations`` reads the theorems, as stored; ``comparison`` is the page of a comparison,
``figures`` the summary that the README shows. ``terminal`` has the tables of the command line, each a ``sheet``. Below
them: ``wording`` (words and numbers, the same in page and terminal), ``typography`` (mathematics as readers see it),
``series`` (lines of measured means, ready to draw), ``svg`` (small pictures), ``canvas`` (matplotlib's style, and
figures as bytes) and ``mathml`` (formulas, let through as far as they are nothing else).
"""
