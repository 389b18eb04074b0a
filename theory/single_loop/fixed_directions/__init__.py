"""Theorems for directions that do not grow with 1/eps: the steps shrink instead.

With gamma of order 1/sqrt(K), or with gamma_k = gamma_1/sqrt(k + 1), everything that is noisy carries a factor gamma,
as long as the mean motion of z* and v* is of second order: these maps are affine ("flat"), or their Jacobians are
Lipschitz and v is projected ("smooth") or not ("free").

``noise`` says what one step adds and how large it may be, ``noise_steps`` states this as steps, with the rate in K;
``decreasing`` is about steps that fall like 1/sqrt(k + 1). ``route`` has plan and count of a preset, stated by
``route_steps``, ``bound`` the bound of a run, ``theorem`` puts all of it together.
"""
