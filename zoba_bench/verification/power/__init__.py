"""How small an error each claim refuses: the power of a suite, from its own tolerances and statistical errors.

``seen`` is a claim with what was measured for it, and the vocabulary: what kind of number a claim is on, in which unit
its error is. ``stated`` simulates verdicts of claims that have confidence limits, ``deviations`` those that compare
many means with what is allowed for each, and counts. ``planted`` puts an error of that size, and of a third of it, into
the data of a claim, drawn again with replacement, and lets the protocol itself judge. ``table`` does so for a suite.
"""
