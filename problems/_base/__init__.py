"""What the families share; nothing here knows a family.

Read ``family`` first: the decorator that every factory carries, and random matrices. ``scalars`` has scalar functions
with their derivatives and bounds, ``bounds`` products and sums of bounds that may be unknown. ``separable`` builds
problems whose two levels are sums over coordinates. ``symbols`` has the pieces that symbolic forms are written with.
``checks`` states a family's own checks for its certificate, and ``tasks`` those of a distribution of tasks.
"""
