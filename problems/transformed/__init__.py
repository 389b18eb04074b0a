"""Problems that are made from other problems of the catalogue.

``tilted`` adds b'(z - z*(x)) to F, which moves v* and leaves Psi as it is. Read ``_tilt`` (the functions and the
constants), then ``_tilt_symbols`` (the same in symbols), then ``tilted`` (the registered family).
"""
