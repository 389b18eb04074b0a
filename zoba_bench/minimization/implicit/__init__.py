"""``method="implicit"``: Newton in z, quasi-Newton in x, the implicit hypergradient, all from differences of values.

Read in this order:

noise         one level: its values, their noise and unit, and the steps and errors of differences
differences   gradients and second derivatives from stencils, each stencil one call
sizes         natural sizes of the variables, by second differences at lengths over nine decades
symmetric     measured symmetric matrices: floors, solving, secant updates
inner         z follows z*(x); the adjoint and its check
outer         the Hessian of Psi, trust-region steps inside of bounds
stopping      the error model
state         where a run stands, and how far the solution may be
start         noise, units, the first inner solution
ending        whether a run may end, and with which status
kinks         a search along z*(x) where the loop stalls, by the bundle method of ``bundle``
method        the loop
certificate   what all this says of a point that another method found

``reuse`` and ``together`` save evaluations and rounds: values at hand, and stencils of both levels in one call.
"""

from zoba_bench.minimization.implicit.certificate import Certificate, certify
from zoba_bench.minimization.implicit.method import minimize_implicit
from zoba_bench.minimization.implicit.sizes import UNEVEN

__all__ = ["UNEVEN", "Certificate", "certify", "minimize_implicit"]
