"""The derivations: name -> "module:factory" of a theorem, loaded when asked for."""

THEOREMS: dict[str, str] = {
    "zoba": "zoba_bench.theory.single_loop.zoba:zoba",
    "zoba-tuned": "zoba_bench.theory.single_loop.zoba:zoba_tuned",
    "zoba-mixed": "zoba_bench.theory.single_loop.zoba_mixed:zoba_mixed",
    "hf-zoba": "zoba_bench.theory.single_loop.hf_zoba:hf_zoba",
    "hf-zoba-shared": "zoba_bench.theory.single_loop.hf_zoba:hf_zoba_shared",
    "soba": "zoba_bench.theory.single_loop.soba:soba",
    "estimators": "zoba_bench.theory.single_loop.estimator_table:estimators",
    "ufom": "zoba_bench.theory.methods.truncated.ufom:ufom",
    "fom": "zoba_bench.theory.methods.truncated.ufom:fom",
    "aid-bio": "zoba_bench.theory.methods.differentiation.implicit:aid_bio",
    "itd-bio": "zoba_bench.theory.methods.differentiation.implicit:itd_bio",
    "stocbio": "zoba_bench.theory.methods.differentiation.implicit:stocbio",
    "meha": "zoba_bench.theory.methods.envelope.meha:meha",
    "zmdsba": "zoba_bench.theory.methods.two_loops.two_loop:zmdsba",
    "zo-penalty": "zoba_bench.theory.methods.two_loops.penalty:zo_penalty",
    "pzobo": "zoba_bench.theory.methods.two_loops.response:pzobo",
    "hozog": "zoba_bench.theory.methods.two_loops.response:hozog",
}
