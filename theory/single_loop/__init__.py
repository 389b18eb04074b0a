"""The theorems of the single loop, from one-step inequalities to the count of evaluations.

What one step does. ``state`` has linear and quadratic forms in the errors. ``contributions`` splits the mean
errors after one step, ``inequalities`` are those of z, v and x. ``roots`` bounds root variances and biases by
linear forms, for the bound of a run, and ``variance`` the variances by squares of the errors, for plan and count.
What both are proved by: ``young`` says how a variance is put together from its parts, and ``smoothing`` integrates
what smoothing moves.

The Lyapunov function W. ``drift`` writes its mean change as one quadratic form and certifies it in exact
rationals; ``drift_steps`` states this as steps. ``virtual`` does so with Psi at a virtual iterate, and
``virtual_steps`` states it. ``weights`` has explicit weights of W, for plan and count.

Runs. ``run`` says what is known of a run, ``bound`` is the smallest certified bound of a run and
``step_bound`` that of one step. ``plan`` chooses radii, directions, steps and iterations for an accuracy and
counts evaluations; ``plan_search`` looks for cheaper ones; ``plan_steps`` states the plan as steps,
``sampled_steps`` those about samples alone. ``curved`` has the radii that a G with third derivatives asks for, and
``curved_steps`` proves that they are small enough. ``certificate`` writes what a plan follows from, for a checker that
needs Python alone.

Theorems. ``assumptions`` lists A1 to A6, ``assemble`` puts the steps together, ``theorem`` is what a user
holds. One file a method: ``zoba``, ``zoba_mixed``, ``hf_zoba``, ``soba``; ``fixed_directions`` has their theorems for
directions that do not grow with 1/eps, ``finite_sums`` that of SABA, and ``lower_bound`` says what one radius needs.
``estimator_table`` compares their estimators.
"""
