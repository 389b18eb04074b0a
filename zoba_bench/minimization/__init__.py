"""``minimize``: two black-box functions in, a minimiser out.

``automatic`` is the public function, ``black_box`` wraps and checks the user's functions, ``probe``
measures noise and curvature from counted values, ``tuning`` turns these into units, radii and
steps, and ``stages`` runs the registered solver stage by stage.
"""

from zoba_bench.minimization.automatic import minimize

__all__ = ["minimize"]
