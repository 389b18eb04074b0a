"""MEHA: a single loop on the gap to the Moreau envelope of the lower level (arXiv 2405.09927).

``meha_lemmas`` is about the envelope and its inexact minimiser, ``meha_rates`` about what descent gives after
K iterations, ``meha_examples`` about the three test problems. ``meha`` puts the theorem together.
"""
