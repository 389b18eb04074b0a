"""Claims, verdicts and the suites that measure them: suite name -> "module:function"."""

SUITES: dict[str, str] = {
    "quick": "zoba_bench.verification.quick:quick",
    "smoke": "zoba_bench.verification.quick:smoke",
    "bounds": "zoba_bench.verification.bounds:bounds",
    "standard": "zoba_bench.verification.standard:standard",
    "full": "zoba_bench.verification.standard:full",
    "calibration": "zoba_bench.verification.calibration:calibration",
}
