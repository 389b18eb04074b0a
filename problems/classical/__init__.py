"""Problems of published test sets: BOLIB, SMD and TP.

``bolib`` has the items of BOLIB that are quadratic, ``smd6`` the quadratic one of the SMD set; ``_rational_symbols``
is the symbolic form of both. ``smd`` (smd1, smd2, smd7) and ``tp9`` are built by ``_coupled`` and ``_smd_symbols``.
"""
