"""The derivations: name -> "module:factory" of a theorem, loaded when asked for."""

THEOREMS: dict[str, str] = {
    "zoba": "zoba_bench.theory.zoba:zoba",
    "zoba-tuned": "zoba_bench.theory.zoba:zoba_tuned",
    "zoba-mixed": "zoba_bench.theory.zoba_mixed:zoba_mixed",
    "hf-zoba": "zoba_bench.theory.hf_zoba:hf_zoba",
    "hf-zoba-shared": "zoba_bench.theory.hf_zoba:hf_zoba_shared",
    "soba": "zoba_bench.theory.soba:soba",
    "estimators": "zoba_bench.theory.estimators:estimators",
    "ufom": "zoba_bench.theory.algorithms.truncated.ufom:ufom",
    "fom": "zoba_bench.theory.algorithms.truncated.ufom:fom",
    "aid-bio": "zoba_bench.theory.algorithms.differentiation.implicit:aid_bio",
    "itd-bio": "zoba_bench.theory.algorithms.differentiation.implicit:itd_bio",
    "stocbio": "zoba_bench.theory.algorithms.differentiation.implicit:stocbio",
    "meha": "zoba_bench.theory.algorithms.envelope.meha:meha",
    "zmdsba": "zoba_bench.theory.algorithms.two_loops.two_loop:zmdsba",
    "zo-penalty": "zoba_bench.theory.algorithms.two_loops.penalty:zo_penalty",
    "pzobo": "zoba_bench.theory.algorithms.two_loops.response:pzobo",
    "hozog": "zoba_bench.theory.algorithms.two_loops.response:hozog",
}
