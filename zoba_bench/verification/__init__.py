"""Claims, verdicts and the suites that measure them: suite name -> "module:function"."""

SUITES: dict[str, str] = {
    "quick": "zoba_bench.verification.suites.quick:quick",
    "smoke": "zoba_bench.verification.suites.quick:smoke",
    "bounds": "zoba_bench.verification.claims.bounds:bounds",
    "standard": "zoba_bench.verification.suites.standard:standard",
    "full": "zoba_bench.verification.suites.standard:full",
    "calibration": "zoba_bench.verification.claims.error_rates:calibration",
}
