"""FOM and UFOM: gradients through r inner gradient steps (arXiv 2106.02487).

``unrolled`` is the adjoint of the inner loop and its cost. ``coin`` adds the randomised correction: mean,
second moment, descent. ``optimal_q`` finds the probability of the correction that costs least.
``counterexample`` has two tasks on which the first-order gradient fails, and ``counterexample_steps`` derives
them. ``smoothness`` derives the smoothness of M from the constants of the inner loop. ``ufom`` puts the two
theorems together.
"""
