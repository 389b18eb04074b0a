"""Penalties, weights of rows and choices of rows in regression.

``ridge`` chooses penalties, ``cleaning`` weights of rows, ``coresets`` rows; ``real_data`` chooses penalties on the
diabetes data. ``_bounds`` has constants of the first two. In symbols: ``_symbols`` (ridge, cleaning, real data),
``_bound_symbols`` (their constants), ``_coreset_symbols``.
"""
