"""The derivations: name -> "module:factory" of a theorem, loaded when asked for."""

THEOREMS: dict[str, str] = {
    "zoba": "zoba_bench.theory.zoba:zoba",
    "zoba-tuned": "zoba_bench.theory.zoba:zoba_tuned",
    "zoba-mixed": "zoba_bench.theory.zoba_mixed:zoba_mixed",
    "hf-zoba": "zoba_bench.theory.hf_zoba:hf_zoba",
    "hf-zoba-shared": "zoba_bench.theory.hf_zoba:hf_zoba_shared",
    "soba": "zoba_bench.theory.soba:soba",
}
