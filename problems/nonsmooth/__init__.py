"""A lower level with kinks: weighted l1 and group penalties.

``penalties`` has the families; ``_shrinkage`` has the minimisers, derivatives and checks that they share.
"""
