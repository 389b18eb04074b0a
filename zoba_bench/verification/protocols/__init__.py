"""The protocols: name -> module.

Each has ``plan(claim, seed)``, ``judge(claim, plan, results, level)`` and ``PARAMETERS``, what its claims' parameters
may be.
"""

PROTOCOLS: dict[str, str] = {
    "P0": "zoba_bench.verification.protocols.error_rates",
    "P1": "zoba_bench.verification.protocols.counts",
    "P2": "zoba_bench.verification.protocols.moments",
    "P2s": "zoba_bench.verification.protocols.mean_step",
    "P2b": "zoba_bench.verification.protocols.one_step",
    "P3": "zoba_bench.verification.protocols.inequalities",
    "P4a": "zoba_bench.verification.protocols.horizon",
    "P4b": "zoba_bench.verification.protocols.transient",
    "P5": "zoba_bench.verification.protocols.bounds",
    "P6": "zoba_bench.verification.protocols.complexity",
    "P6b": "zoba_bench.verification.protocols.floors",
    "P7": "zoba_bench.verification.protocols.accuracy",
    "P8": "zoba_bench.verification.protocols.determinism",
    "P9": "zoba_bench.verification.protocols.proofs",
    "P10": "zoba_bench.verification.protocols.whole_step",
    "P11": "zoba_bench.verification.protocols.independence",
}
