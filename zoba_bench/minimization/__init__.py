"""``minimize``: two black-box functions in, a minimiser out.

``automatic`` is the public function, ``arguments`` checks what it is given, and ``session`` carries out one call.
``black_box`` holds the user's functions, ``pool`` spreads their points, ``checkpoint`` records values, and
``values`` stands between all of these and the counting oracle. ``outcome`` is what a method hands back and how a run is
ended from within, ``minimize_result`` what the user gets, and ``picture`` draws it.

``implicit`` is the deterministic method, a folder.

The stochastic methods: ``probe`` measures noise and curvature from counted values, ``tuning`` turns these into units,
radii and steps, ``stages`` runs the registered solver stage by stage, ``ahead`` hands all points of an iteration over
at once, and ``course`` notes where it has been. ``steps`` is what ``solve(tune=True)`` takes from there.
"""

from zoba_bench.minimization.automatic import minimize

__all__ = ["minimize"]


def __dir__() -> list[str]:
    return sorted(__all__)
