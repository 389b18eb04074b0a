"""The solvers: name -> "module:class", loaded when asked for."""

SOLVERS: dict[str, str] = {
    "zoba": "zoba_bench.solvers.zoba:Zoba",
    "zoba-tuned": "zoba_bench.solvers.zoba:ZobaTuned",
    "zoba-mixed": "zoba_bench.solvers.zoba_mixed:ZobaMixed",
    "hf-zoba": "zoba_bench.solvers.hf_zoba:HfZoba",
    "hf-zoba-shared": "zoba_bench.solvers.hf_zoba:HfZobaShared",
    "soba": "zoba_bench.solvers.soba:Soba",
    "saba": "zoba_bench.solvers.saba:Saba",
    "f2sa": "zoba_bench.solvers.f2sa:F2sa",
    "meha": "zoba_bench.solvers.meha:Meha",
    "fednest": "zoba_bench.solvers.fednest:FedNest",
    "aid-bio": "zoba_bench.solvers.aid_bio:AidBio",
    "itd-bio": "zoba_bench.solvers.itd_bio:ItdBio",
    "stocbio": "zoba_bench.solvers.stocbio:StocBio",
    "zdsba": "zoba_bench.solvers.zmdsba:Zdsba",
    "zmdsba": "zoba_bench.solvers.zmdsba:Zmdsba",
    "zo-penalty": "zoba_bench.solvers.zo_penalty:ZoPenalty",
    "pzobo": "zoba_bench.solvers.pzobo:Pzobo",
    "hozog": "zoba_bench.solvers.hozog:Hozog",
}
