"""The solvers: name -> "module:class", loaded when asked for.

``base`` is what all share; it comes first. Then a file an algorithm, by family:

``single_loop``     the zeroth-order single loop: ``zoba``, ``zoba_mixed``, ``hf_zoba`` differ in their surrogates;
                    ``drawing`` says which directions are drawn, and in which blocks
``soba``, ``saba``  the single loop with exact derivatives, and with remembered ones
``hypergradient``   loops around a hypergradient: ``aid_bio``, ``itd_bio``, ``stocbio``; ``iaptt`` learns the start too
``truncated``       gradients through an inner loop: ``fom``, ``ufom``
``f2sa``, ``meha``, ``bome``   penalties and envelopes, with first derivatives
``fednest``         several clients
``sampled``, ``series``   what the methods of benchopt's bilevel benchmark share, and their Neumann series
``amigo``, ``bsa``, ``recursions``, ``periodic``   of these: warm starts, random series (BSA, TTSA), remembered
                    directions (SUSTAIN, MRBO, FSLA), passes through all samples now and then (SRBA, VRBO)
``implicit``        differences along coordinates: Newton in z, quasi-Newton in x
``zmdsba``, ``zo_penalty``, ``pzobo``, ``hozog``   zeroth-order methods with two loops
``black_box``, ``gfm``, ``structured``, ``subspaces``   descents on the value after an inner run (``training``)
``zo_sogd``, ``vrzsbo``   the zeroth-order single loop with directions that are corrected from step to step
"""

__all__ = ["SOLVERS", "base"]

SOLVERS: dict[str, str] = {
    "zoba": "zoba_bench.solvers.zoba:Zoba",
    "zoba-tuned": "zoba_bench.solvers.zoba:ZobaTuned",
    "zoba-mixed": "zoba_bench.solvers.zoba_mixed:ZobaMixed",
    "hf-zoba": "zoba_bench.solvers.hf_zoba:HfZoba",
    "hf-zoba-shared": "zoba_bench.solvers.hf_zoba:HfZobaShared",
    "implicit": "zoba_bench.solvers.implicit:Implicit",
    "soba": "zoba_bench.solvers.soba:Soba",
    "saba": "zoba_bench.solvers.saba:Saba",
    "f2sa": "zoba_bench.solvers.f2sa:F2sa",
    "meha": "zoba_bench.solvers.meha:Meha",
    "fednest": "zoba_bench.solvers.fednest:FedNest",
    "aid-bio": "zoba_bench.solvers.aid_bio:AidBio",
    "itd-bio": "zoba_bench.solvers.itd_bio:ItdBio",
    "stocbio": "zoba_bench.solvers.stocbio:StocBio",
    "amigo": "zoba_bench.solvers.amigo:Amigo",
    "bsa": "zoba_bench.solvers.bsa:Bsa",
    "ttsa": "zoba_bench.solvers.bsa:Ttsa",
    "sustain": "zoba_bench.solvers.recursions:Sustain",
    "mrbo": "zoba_bench.solvers.recursions:Mrbo",
    "fsla": "zoba_bench.solvers.recursions:Fsla",
    "srba": "zoba_bench.solvers.periodic:Srba",
    "vrbo": "zoba_bench.solvers.periodic:Vrbo",
    "bome": "zoba_bench.solvers.bome:Bome",
    "iaptt-gm": "zoba_bench.solvers.iaptt:IapttGm",
    "zdsba": "zoba_bench.solvers.zmdsba:Zdsba",
    "zmdsba": "zoba_bench.solvers.zmdsba:Zmdsba",
    "zo-penalty": "zoba_bench.solvers.zo_penalty:ZoPenalty",
    "pzobo": "zoba_bench.solvers.pzobo:Pzobo",
    "hozog": "zoba_bench.solvers.hozog:Hozog",
    "zo-sogd": "zoba_bench.solvers.zo_sogd:ZoSogd",
    "vrzsbo-like": "zoba_bench.solvers.vrzsbo:VrzsboLike",
    "gfm": "zoba_bench.solvers.gfm:Gfm",
    "s-szd": "zoba_bench.solvers.structured:SSzd",
    "o-zd": "zoba_bench.solvers.structured:OZd",
    "mezo-bcd": "zoba_bench.solvers.subspaces:MezoBcd",
    "lozo": "zoba_bench.solvers.subspaces:Lozo",
    "fom": "zoba_bench.solvers.fom:Fom",
    "ufom": "zoba_bench.solvers.ufom:Ufom",
    "ufom-adaptive": "zoba_bench.solvers.ufom:UfomAdaptive",
}


def __dir__() -> list[str]:
    return sorted(__all__)
