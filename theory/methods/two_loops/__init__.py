"""Zeroth-order methods with an inner loop: ZMDSBA, the penalty method, PZOBO and HOZOG.

``directional`` has their estimators as one-direction surrogates. ``two_loop`` is ZDSBA and ZMDSBA,
``penalty`` the penalty method, ``response`` PZOBO and HOZOG, ``sphere_descent`` the descent of HOZOG. The rate of
PZOBO: ``response_errors`` bounds mean and variance of its estimate for curved G, ``response_run`` follows a run that
starts its inner loops where the last ones ended, ``response_plan`` has sizes for an accuracy, ``response_theorem`` what
a user holds.
"""
