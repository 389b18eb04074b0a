"""The solvers: name -> "module:class", loaded when asked for."""

SOLVERS: dict[str, str] = {
    "zoba": "zoba_bench.solvers.zoba:Zoba",
    "zoba-tuned": "zoba_bench.solvers.zoba:ZobaTuned",
    "zoba-mixed": "zoba_bench.solvers.zoba_mixed:ZobaMixed",
    "hf-zoba": "zoba_bench.solvers.hf_zoba:HfZoba",
    "hf-zoba-shared": "zoba_bench.solvers.hf_zoba:HfZobaShared",
}
