"""What is claimed, a file a protocol: each file has the name of the protocol that measures its claims.

Read ``_pairs`` first: a claim, and its controls as what each does wrong. Then any file of a protocol. ``quick_claims``
are those of the suite "quick"; ``standard_claims`` and ``full_claims`` are what the suites of these names add.

- ``counts`` (P1), ``moments`` (P2), ``mean_step`` (P2s), ``one_step`` (P2b), ``inequalities`` (P3): single iterations.
- ``whole_step`` (P10), ``independence`` (P11), ``conduct`` (P12): every solver, iteration by iteration.
- ``horizon`` (P4a), ``transient`` (P4b), ``bounds`` (P5), ``complexity`` (P6), ``floors`` (P6b), ``planned`` (P6c),
  ``registry`` (P6d, and P6 on registered problems), ``accuracy`` (P7), ``mean_run`` (P7b): whole runs.
- ``published``: the order that is published for ZOBA, held against each solver (P2b, P6 and P6b).
- ``determinism`` (P8), ``proofs`` (P9), ``error_rates`` (P0): this project's own bits, proofs and verdicts.

What several of them share: ``_instances`` (instances and options), ``_lines`` (growth along a line, for P2b, P6 and
P6b). ``_bound_runs`` is the table of runs behind P5 and P3.
"""
