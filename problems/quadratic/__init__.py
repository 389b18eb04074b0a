"""A quadratic inner objective, and an outer one that is quadratic or nearly so.

Read ``_maps`` (the blocks of two quadratics, and z* and v* as affine maps), then ``_affine`` (every closed form and
constant that follows) and ``_affine_symbols`` (the same in symbols, for any matrices), and ``_pointwise`` (both
objectives at one point, for numba). The families are ``general`` (quad_general, quad_tracking, minimax_quad),
``structured`` (nesterov_chain, imaml_quad; ``_structured_symbols``), ``finite_sum`` (quad_sum, a mean over samples),
``reference`` (``_reference_symbols``) and ``hidden`` (hidden_curvature, on which one radius needs d^3).
"""
