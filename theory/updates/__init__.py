"""The mean of one whole step of every registered solver, written from the paper's algorithm box with exact derivatives.

Nothing here calls a solver or an estimator: what a solver does is measured against these formulas, so they are written
a second time, published defaults included. Read in this order:

expected          what an update is: the mean of the next state, a bound on the bias, published defaults, rounding
smoothness        bounds on the bias that finite differences leave, from third and fourth derivatives
single_loop       ZOBA and its variants, HF-ZOBA
sums              SOBA and SABA
differentiation   AID-BiO, ITD-BiO, stocBiO, IAPTT-GM
recursions        AmIGO, BSA, TTSA, SUSTAIN, MRBO, FSLA
periodic          SRBA, VRBO
truncated         FOM, UFOM and its adaptive form
penalties         F2SA, MEHA, BOME
two_loops         ZDSBA, ZMDSBA, the zeroth-order penalty method
responses         PZOBO, HOZOG
federated         FedNest
implicit          the implicit hypergradient by differences, Newton in z, BFGS in x
black_box         GFM, S-SZD, O-ZD, MeZO-BCD, LOZO: differences of the value after an inner run
recursive         ZO-SOGD, VRZSBO-like: directions corrected from one iteration to the next
"""

_HERE = "zoba_bench.theory.updates"

#: Solver -> "module:attribute" of its :class:`~zoba_bench.theory.updates.expected.Update`.
UPDATES: dict[str, str] = {
    "zoba": f"{_HERE}.single_loop:ZOBA",
    "zoba-tuned": f"{_HERE}.single_loop:ZOBA_TUNED",
    "zoba-mixed": f"{_HERE}.single_loop:ZOBA_MIXED",
    "hf-zoba": f"{_HERE}.single_loop:HF_ZOBA",
    "hf-zoba-shared": f"{_HERE}.single_loop:HF_ZOBA_SHARED",
    "soba": f"{_HERE}.sums:SOBA",
    "saba": f"{_HERE}.sums:SABA",
    "aid-bio": f"{_HERE}.differentiation:AID_BIO",
    "itd-bio": f"{_HERE}.differentiation:ITD_BIO",
    "stocbio": f"{_HERE}.differentiation:STOCBIO",
    "amigo": f"{_HERE}.recursions:AMIGO",
    "bsa": f"{_HERE}.recursions:BSA",
    "ttsa": f"{_HERE}.recursions:TTSA",
    "sustain": f"{_HERE}.recursions:SUSTAIN",
    "mrbo": f"{_HERE}.recursions:MRBO",
    "fsla": f"{_HERE}.recursions:FSLA",
    "srba": f"{_HERE}.periodic:SRBA",
    "vrbo": f"{_HERE}.periodic:VRBO",
    "bome": f"{_HERE}.penalties:BOME",
    "iaptt-gm": f"{_HERE}.differentiation:IAPTT_GM",
    "fom": f"{_HERE}.truncated:FOM",
    "ufom": f"{_HERE}.truncated:UFOM",
    "ufom-adaptive": f"{_HERE}.truncated:UFOM_ADAPTIVE",
    "f2sa": f"{_HERE}.penalties:F2SA",
    "meha": f"{_HERE}.penalties:MEHA",
    "zdsba": f"{_HERE}.two_loops:ZDSBA",
    "zmdsba": f"{_HERE}.two_loops:ZMDSBA",
    "zo-penalty": f"{_HERE}.two_loops:ZO_PENALTY",
    "pzobo": f"{_HERE}.responses:PZOBO",
    "hozog": f"{_HERE}.responses:HOZOG",
    "fednest": f"{_HERE}.federated:FEDNEST",
    "implicit": f"{_HERE}.implicit:IMPLICIT",
    "zo-sogd": f"{_HERE}.recursive:ZO_SOGD",
    "vrzsbo-like": f"{_HERE}.recursive:VRZSBO_LIKE",
    "gfm": f"{_HERE}.black_box:GFM",
    "s-szd": f"{_HERE}.black_box:S_SZD",
    "o-zd": f"{_HERE}.black_box:O_ZD",
    "mezo-bcd": f"{_HERE}.black_box:MEZO_BCD",
    "lozo": f"{_HERE}.black_box:LOZO",
}
