"""One iteration and whole runs, without inequality and without simulation.

The linear law: ``covariance`` is that of the three directions of one iteration, ``curvature`` the Jacobian of
their mean with third derivatives of G, and ``stationary`` takes both through the linearised iteration: the mean
of |grad Psi|^2 in the long run and over a horizon. ``run_moments`` follows mean and second moment of (z, v, x)
from any start, exactly on quadratics, and ``least_cost`` tries with it what the cheapest run to an accuracy costs.

The second order: ``averaged`` is the noise over a cloud of states, ``cubature`` the points that stand for the
cloud, ``skewness`` the third moments of the surrogates. ``local_law`` says what a run is before it is predicted,
``third_cumulants`` what a Gaussian leaves out, ``closure`` carries mean and covariance through the iterations,
and ``predictions`` are the numbers that claims need.

``rest`` finds the point at which a method with a biased hypergradient stops.
"""
