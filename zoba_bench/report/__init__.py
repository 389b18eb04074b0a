"""Report of a run: a folder of HTML pages with pictures, and tables for the terminal. Reads the ledger only.

``html`` writes the folder. ``site`` says what stands where in it, by ``names``; ``pages`` renders the ``templates``
and ``comparison_pages`` those of a comparison; ``applications`` has the page and the tables of tasks with data,
``ratios`` those of ratios until an accuracy. ``plots`` draws the picture of a claim, ``derivations`` reads the
theorems, as stored. ``tally`` counts claims, ``findings`` says what was learned, ``failures`` which cells have no
result, ``certificate`` what is known of a user's problem. ``comparison`` has a comparison's tables and pictures,
``profiles`` how soon its solvers reach targets, ``figures`` the summary that the README shows, ``rates`` the same of
any verdicts. ``terminal`` has the tables of the command line, each a ``sheet``.

Below them: ``wording`` (words and numbers, the same in page and terminal), ``typography`` (mathematics as readers see
it), ``series`` (lines of measured means, ready to draw), ``svg`` (small pictures), ``canvas`` (matplotlib's style, and
figures as bytes) and ``mathml`` (formulas, let through as far as they are nothing else).
"""
