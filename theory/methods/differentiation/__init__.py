"""AID-BiO, ITD-BiO and stocBiO: implicit and iterative differentiation (arXiv 2010.07962).

``implicit_lemmas`` has what the three share: constants of y*, v* and Phi, contraction, descent.
``conjugate_gradients`` and ``aid`` are AID-BiO; ``itd_bias`` and ``itd`` are ITD-BiO; ``neumann``,
``stocbio_bound`` and ``stocbio`` are stocBiO.
"""
