"""The page of the documentation: all numbers are from the run, the words around them are here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .methods import METHODS, OWN
from .race import TRIED
from .referee import LEVELS, Run
from .scores import ALLOWED_CLASS, ClassScore
from .tables import classes_table, conclusion, methods_table

__all__ = ["page"]

_TOP = """\
# `zb.minimize` against its peers

How many evaluations of F and G (together) does it take until |x - x*| <= {accuracy:g}? The problems have a known x*;
one counter outside of the methods counts, so no number here depends on the machine. Written by

```sh
pip install -e ".[peers]"
{command}
```

{conclusion}

{above}

## How to read the table

- `zb.minimize`: the median of its evaluations until its own end. *within*: problems on which the reported x is within
  the accuracy. *wrong success*: problems on which it says CONVERGED and is not. *largest error*: |x - x*| of the
  worst problem.
- *first value (a)*: evaluations until a peer first asks for a value within the accuracy of x*. Only the referee knows
  that, no peer could stop there. *its end (b)*: evaluations until a peer ends by itself within the accuracy. Both are
  of the best peer on each problem, and the medians over problems. *best peer*: the one that is most often the best.
- Ratios are `zb.minimize` at its own end over (a) and over (b): the median over the problems, in brackets the worst.
  Below 1 `zb.minimize` needs fewer. *no peer*: none got there, which counts as 0. *failed*: a peer got there and
  `zb.minimize` did not, which counts as infinite.
- Where no method ends within the accuracy on a problem, the first of {levels} within which one ends takes its place.
- A problem that starts at x* has no (a): the first value is there.

## Where a peer needs fewer

- *start at the solution*: FD-implicit ends on the first hypergradient, after 68 values at p = d = 5, and looks at no
  curvature; it says success at a saddle point too. `zb.minimize` says CONVERGED where |x - x*| is bounded. That takes
  the curvature of Psi: p (p + 3) / 2 values for G_zz, d + p d for G_xz, p + d for the slopes of F and d (d + 3) / 2 for
  its second derivatives, 80 at p = d = 5, which is above 68 before noise (18) and third derivatives (10) are looked at.
- *kinks*: Psi has no derivative at a kink, so no distance is known, and the status is STOPPED. What counts here is the
  point that is returned.
- *noise 1e-03 in G*, nonquadratic: a mixed difference of step h has an error of eps / (2 h^2) + M4 h^2 / 3, at best
  0.8 (eps M4)^(1/2), which is 0.06 for eps = 1e-3 and fourth derivatives M4 of 6, as these problems have along their
  coordinates. The adjoint multiplies that, and x is off by a few 1e-2 whatever the number of evaluations, since
  averages lower the first part only. The status is NOISE_LIMITED.

## Problems

Sizes p,d are of z and x. Each class has its own seeds; all problems of a class are drawn anew. |x0 - x*| is between 1
and 4.

- *quadratic*: G = (z - Mx)'A(z - Mx)/2 + 0.15 |x|^2, eigenvalues of A from 1 to 10 in random directions (0.01 to 100
  for *condition 1e4*); F = |z - t|^2/2 + z'Kx + x'Bx/2 - b'x, eigenvalues of B from 1 to 5.
- *nonquadratic*: both also have p terms log cosh(a'(z, x) + c), so that G_zz changes by a factor of a few along a
  run.
- b is such that a drawn x* is stationary; Newton's method with exact derivatives confirms x* to 1e-11, and Psi curves
  upwards at x* and at 12 points around it up to 1.5 |x0 - x*| away. A draw that does not is refused.
- *z times*, *x times*: the same problem in other units; the accuracy is in the units of x.
- *noise*: independent normal errors of this standard deviation. *6 digits*: values of both functions with six
  significant digits. *F + 1e9*, *G + 1e9*: a constant that leaves about seven digits behind the point.
- *kink of F at x\\**: F has sum of w_i |z_i - t_i|, two of the kinks at z*(x*). *kinks of F passed*: the kinks are
  elsewhere. *curvature of G jumps*: G has 1.5 max(r, 0)^2 of r = z - Mx, so that G_zz jumps at z*(x) for every x.
  *kinks of F in all*: F = sum of w_i |z_i - t_i|, G = |z - x|^2.

## Methods

Each is told F, G, the start and the accuracy. Peers are also told what `zb.minimize` is not: the size of the noise,
and the natural size of x where their interface demands a range or a first spread.

{methods}

Runs are stored (`--store`), and the command goes on where it was ended. A peer stops where it cannot be the best any
more, and one that was first in nothing on the first {tried} problems of a class leaves that class; `--full` lets all
run on. The inner solve is scipy's L-BFGS-B, to a gradient of 1e-6 with forward differences where values are exact,
with central differences of the right step where they are not; each starts where the last one ended. Where p is 100 or
more, only FD-implicit and, up to d = 50, Py-BOBYQA are run: an inner solve takes thousands of evaluations there, and
the others need hundreds of them.
"""


def page(
    scores: Sequence[ClassScore], runs: Mapping[str, Sequence[Mapping[str, Run]]], methods: Sequence[str],
    skipped: Sequence[str], command: str,
) -> str:  # fmt: skip
    """Markdown, from the results alone."""
    listed = [f"- {name}: {_first_line(name)}" for name in methods if name != OWN]
    listed += [f"- {name}: not run, its package was not installed" for name in skipped]
    top = _TOP.format(
        accuracy=LEVELS[0], command=command, conclusion=conclusion(scores), above=_above(scores),
        levels=", ".join(f"{level:g}" for level in LEVELS[1:]), methods="\n".join(listed), tried=TRIED,
    )  # fmt: skip
    return "\n".join(
        [top, "## Classes\n", classes_table(scores), "\n## All runs of a method\n", methods_table(runs), ""]
    )


def _first_line(name: str) -> str:
    return " ".join((METHODS[name].run.__doc__ or "").split())


def _above(scores: Sequence[ClassScore]) -> str:
    """Which classes do not hold what is asked, and where a success was wrong."""
    above = [s.name for s in scores if not s.holds]
    wrong = [f"{s.name} ({s.wrong} of {s.problems})" for s in scores if s.wrong]
    return (
        f"Classes above {ALLOWED_CLASS} by (a) or (b): {'; '.join(above) or 'none'}.\n"
        f"Classes in which `zb.minimize` says CONVERGED further from x* than asked: {'; '.join(wrong) or 'none'}."
    )
