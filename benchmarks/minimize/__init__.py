"""``zb.minimize`` against what else an engineer would use: evaluations of F and G until x is near x*.

``ridge`` has functions with exact derivatives, ``white_box`` the exact solutions, ``problems`` the families,
``classes`` the list of what is run; ``referee`` counts evaluations and judges what a method reports; ``inner_solve``,
``fd_implicit`` and ``peers`` are the others, ``methods`` lists all of them with ``zb.minimize``; ``race`` runs,
``scores`` compares, ``tables`` and ``page`` write. ``python -m benchmarks.minimize --help`` says what can be chosen.
"""
