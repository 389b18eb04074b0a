"""Zeroth-order methods with an inner loop: ZMDSBA, the penalty method, PZOBO and HOZOG.

``directional`` has their estimators as one-direction surrogates. ``two_loop`` is ZDSBA and ZMDSBA,
``penalty`` the penalty method, ``response`` PZOBO and HOZOG, ``sphere_descent`` the descent of HOZOG.
"""
