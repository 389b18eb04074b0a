"""One direction: estimators of derivatives from values, and their exact moments.

``isserlis`` takes means of products of quadratic and linear forms in normal vectors. ``taylor`` is the
second-order polynomial that an estimator sees, at shifted points. ``surrogates`` applies the coefficient
functions that the solvers run to this polynomial: mean, second moment, largest variance. ``remainders``
adds what a function beyond second order changes. ``presets`` lists the surrogates of each solver,
``blocks`` holds the derivatives of one problem at one point, ``radius`` finds the ratio of the two radii,
and ``steps`` states all of this as steps of a theorem.
"""
