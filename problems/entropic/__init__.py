"""A lower level on the probability simplex.

``simplex`` is the whole group: the functions, the constants, the symbolic form and the mirror step.
"""
