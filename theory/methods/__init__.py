"""The other papers' methods, each in a folder of its own, in any order.

``differentiation``: AID-BiO, ITD-BiO and stocBiO, by implicit and iterative differentiation. ``truncated``:
FOM and UFOM, gradients of an unrolled inner loop. ``envelope``: MEHA, the Moreau envelope of the lower level.
``two_loops``: zeroth-order methods with an inner loop, ZMDSBA, the penalty method, PZOBO and HOZOG.
"""
