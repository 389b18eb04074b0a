"""Claims, the protocols that measure them, and verdicts.

Read ``claim`` (what is said, measured and decided), ``suite`` (claims with their controls, and a selection of them)
and ``parameters`` (what a protocol takes). Then the folders: ``protocols`` (how a claim is measured, a file a
protocol), ``claims`` (which claims are made; files of the same names) and ``suites`` (lists of them). ``controls``
holds all that must be rejected: wrong estimators, and the wrong steps of ``wrong_solvers``, ``wrong_first_order`` and
``wrong_zeroth_order``. ``checking`` holds a claim against what its protocol takes, and ``run`` runs a suite.
``declarations`` is what a solver of one's own says of itself, and ``solver_spec`` what names it in a cell.
``self_test`` plants errors in this project's own code and says which claim sees each, and ``power`` says how small an
error each claim refuses.

``SUITES`` is what this project registers: suite -> "module:function".
"""

SUITES: dict[str, str] = {
    "quick": "zoba_bench.verification.suites.quick:quick",
    "smoke": "zoba_bench.verification.suites.quick:smoke",
    "bounds": "zoba_bench.verification.suites.bounds:bounds",
    "standard": "zoba_bench.verification.suites.standard:standard",
    "full": "zoba_bench.verification.suites.standard:full",
    "calibration": "zoba_bench.verification.suites.calibration:calibration",
}
