"""A lower level with more than one solution.

``degenerate`` has lower levels with a flat direction (bda_lls, pl_rankdef, bome_minmax), ``sines`` those with many
separate minima (bvfsm_sin, iaptt_toy). ``_proofs`` has the symbolic forms and proofs of both.
"""
