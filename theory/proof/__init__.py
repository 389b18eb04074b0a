"""What a proof is, and what decides it.

``theorem`` defines a step (a statement with its proof) and a theorem (steps with assumptions and
sources). ``rules`` are the ways to prove a step, and ``algebra`` is what they decide with: equality and
signs by coefficients. ``orders`` reads the order of a count and proves n = O(Q). ``boxes`` adds up what an
algorithm box evaluates. ``rational`` computes without rounding: upper bounds of roots, and
semidefiniteness. ``semidefinite`` searches, in floating point, for the weights that ``rational`` then
verifies. ``render`` writes a theorem as text, Markdown, LaTeX and MathML.
"""
