"""Problems that are made from other problems of the catalogue.

``tilted`` adds b'(z - z*(x)) to F, which moves v* and leaves Psi as it is. Read ``_tilt`` (the functions and the
constants), then ``_tilt_symbols`` (the same in symbols), then ``tilted`` (the registered family).

``perturbed`` permutes, rotates and scales coordinates, and declares noise, rounding and NaN. Read ``_coordinates``,
``_perturb`` and ``_perturb_symbols``, then ``perturbed`` (the registered family).
"""
