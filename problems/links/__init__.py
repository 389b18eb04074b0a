"""Inner objectives built so that z* is known, from links between z and x.

Read ``_coupling`` (the map m(x) = g(Mx) that z* is), then ``_link`` (inner objectives around it, and the closed forms
that follow). :mod:`zoba_bench.problems.combinators` offers both to users.

The families are ``linear`` (logistic_bregman, logcosh_ripple), ``curved`` (quartic_cardano, poisson_bregman), ``xdep``,
``softmax``, ``classic_outer`` (rastrigin, logistic_outer) and ``rosenbrock``.
In symbols: ``_symbols`` (links and planted losses), ``_softmax_symbols``, and ``_constants`` (the declared constants,
derived a second time).
"""
