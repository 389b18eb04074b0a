"""The derivations, a book that is read in this order.

``symbols`` holds the letters. ``proof`` says what a proof is. ``estimators`` is about one direction: what
an estimator of a derivative has for mean, bias and second moment. ``noise`` is about one iteration and
whole runs, exactly and without inequalities. ``single_loop`` has the theorems of the single loop: one-step
inequalities, a Lyapunov function, the bound of a run, a plan and its cost. ``methods`` has the other
papers' methods. ``counts`` says what an iteration of every solver queries, ``run_counts`` the same in
numbers for a run, and ``updates`` where it goes in the mean.

``THEOREMS`` maps a name to the "module:factory" of a theorem, which is loaded when it is asked for.
"""

__all__ = ["THEOREMS"]

THEOREMS: dict[str, str] = {
    "zoba": "zoba_bench.theory.single_loop.zoba:zoba",
    "zoba-tuned": "zoba_bench.theory.single_loop.zoba:zoba_tuned",
    "zoba-mixed": "zoba_bench.theory.single_loop.zoba_mixed:zoba_mixed",
    "hf-zoba": "zoba_bench.theory.single_loop.hf_zoba:hf_zoba",
    "hf-zoba-shared": "zoba_bench.theory.single_loop.hf_zoba:hf_zoba_shared",
    "zoba-samples": "zoba_bench.theory.single_loop.zoba:zoba_samples",
    "zoba-tuned-samples": "zoba_bench.theory.single_loop.zoba:zoba_tuned_samples",
    "zoba-mixed-samples": "zoba_bench.theory.single_loop.zoba_mixed:zoba_mixed_samples",
    "hf-zoba-samples": "zoba_bench.theory.single_loop.hf_zoba:hf_zoba_samples",
    "hf-zoba-shared-samples": "zoba_bench.theory.single_loop.hf_zoba:hf_zoba_shared_samples",
    "zoba-fixed": "zoba_bench.theory.single_loop.zoba:zoba_fixed",
    "zoba-tuned-fixed": "zoba_bench.theory.single_loop.zoba:zoba_tuned_fixed",
    "zoba-mixed-fixed": "zoba_bench.theory.single_loop.zoba_mixed:zoba_mixed_fixed",
    "hf-zoba-fixed": "zoba_bench.theory.single_loop.hf_zoba:hf_zoba_fixed",
    "hf-zoba-shared-fixed": "zoba_bench.theory.single_loop.hf_zoba:hf_zoba_shared_fixed",
    "zoba-lower": "zoba_bench.theory.single_loop.lower_bound:zoba_lower",
    "soba": "zoba_bench.theory.single_loop.soba:soba",
    "saba": "zoba_bench.theory.single_loop.finite_sums.saba:saba",
    "estimators": "zoba_bench.theory.single_loop.estimator_table:estimators",
    "ufom": "zoba_bench.theory.methods.truncated.ufom:ufom",
    "fom": "zoba_bench.theory.methods.truncated.ufom:fom",
    "aid-bio": "zoba_bench.theory.methods.differentiation.aid:aid_bio",
    "itd-bio": "zoba_bench.theory.methods.differentiation.itd:itd_bio",
    "stocbio": "zoba_bench.theory.methods.differentiation.stocbio:stocbio",
    "meha": "zoba_bench.theory.methods.envelope.meha:meha",
    "zmdsba": "zoba_bench.theory.methods.two_loops.two_loop:zmdsba",
    "zo-penalty": "zoba_bench.theory.methods.two_loops.penalty:zo_penalty",
    "pzobo": "zoba_bench.theory.methods.two_loops.response:pzobo",
    "hozog": "zoba_bench.theory.methods.two_loops.response:hozog",
}


def __dir__() -> list[str]:
    return sorted(__all__)
