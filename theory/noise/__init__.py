"""One iteration and whole runs, exactly: no inequality and no simulation.

``covariance`` is that of the three directions of one iteration. ``stationary`` takes it through the
linearised iteration: the mean of |grad Psi|^2 in the long run and over a horizon. ``run_moments`` follows
mean and second moment of (z, v, x) from any start. ``rest`` finds the point at which a method with a biased
hypergradient stops.
"""
