"""Certificates of problems: proofs in symbols, comparisons and measurements in numbers.

``certify`` makes the certificate of one problem and calls everything below; ``catalogue`` makes many at once;
``certificate`` is what they return. In the order in which a problem is looked at:

``shapes``            every function broadcasts and returns float64
``closed_forms``      z*, v*, Psi and derivatives against differences of F and G
``optimum``           the declared minimiser and infimum
``constants``         declared constants against the largest quotients that are met
``spreads``           the same for samples
``against_symbols``   functions against the symbolic form at random points
``identities``        what is proved of the symbolic form

``differences`` has the difference quotients, with an estimate of their error, that the measurements share.
"""
