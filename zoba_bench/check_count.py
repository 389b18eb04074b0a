"""Computes the count of a certificate a second time, exactly, from the constants it is for.

``check_certificate`` takes the count n(p, d, 1/eps) as given, and shows its order and that the plan stays below it.
Here the explicit plan is made again, with formulas that are written apart from the derivation.
"""

import json
from fractions import Fraction
from typing import Any

from zoba_bench.check_certificate import ONE, VALUES, Certificate, Poly, root, var

__all__ = ["count_of", "same_count", "steps_of"]


def steps_of(certificate: Certificate) -> dict[str, Fraction]:
    """Weights and steps of the explicit plan, the same for all p, d and eps; c = gamma/rho is rounded down."""
    c, start, shared = certificate.c, certificate.start, certificate.shared
    w_b = 3 * c["L_xz"] ** 2 or ONE
    w_a = 3 * c["m_xz"] ** 2 + 8 * w_b * c["m_zz"] ** 2 / c["mu"] ** 2 or Fraction(1, 10**9)
    # theta = (c/mu)^2 moving is what the motion of z* and v* costs: the plan allows 1/4, or 1/8 where D^2 needs room.
    moving, allowed = 3 * w_a * c["k_z"] ** 2 + 4 * w_b * c["k_v"] ** 2, Fraction(1, 8 if shared else 4)
    ratio = 1 / root(moving / (allowed * c["mu"] ** 2)) if moving else ONE
    gamma = 1 / (2 * c["L_Psi"] + (c["mu"] + c["L_zz"]) / (2 * ratio))
    W_0 = start["gap"] + ratio / c["mu"] * (w_a * start["z_error"] ** 2 + w_b * start["v_error"] ** 2)
    found = {"w_a": w_a, "w_b": w_b, "c": ratio, "gamma": gamma, "rho": gamma / ratio, "W_0": W_0}
    if not certificate.exact:
        noise = ratio * gamma * (w_a * c["k_z"] ** 2 + w_b * c["k_v"] ** 2) / c["mu"]
        theta = (ratio / c["mu"]) ** 2 * moving
        found["X"] = c["L_Psi"] * gamma / 2 + noise * (1 if certificate.independent else 2) + theta
        biases = 3 * c["m_xx"] ** 2 / 10 + 4 * w_b * c["m_zz"] ** 2 / (5 * c["mu"] ** 2)
        found["radius_share"] = 1 / (1 + 6 * biases)
    return found


def count_of(certificate: Certificate) -> Poly:
    """Evaluations in p, d and q = 1/eps with which the explicit plan reaches eps."""
    e, q = steps_of(certificate), var("q")
    one, once, two, twice = VALUES[certificate.method]
    iterations: Poly = q * ((2 if certificate.exact else 6) * e["W_0"] / e["gamma"]) + 1
    if certificate.exact:
        return iterations * (once + twice)
    V_z, V_v, V_x = _variances(certificate, e["radius_share"] * Poly({(("q", -1),): ONE}))
    weight = (1 if certificate.independent else 2) * e["rho"] / certificate.c["mu"]
    total = (V_z * e["w_a"] + V_v * e["w_b"]) * weight + V_x * e["X"]
    # Half of each weight, the 1/8 that shared directions keep for D^2, and a third of eps for the rest.
    size: Poly = total.part("a", 2) * (2 / e["w_a"]) + total.part("b", 2) * (2 / e["w_b"]) + total.part("D", 2) * 8
    size += 6 * q * total.part("a", 0).part("b", 0).part("D", 0) + 1
    if certificate.samples:
        return iterations * size * (one + once + two + twice)
    return iterations * (size * (one + two) + once + twice)


def _variances(certificate: Certificate, share: Poly) -> tuple[Poly, Poly, Poly]:
    """Variances of the directions of z, v and x at size 1 in a, b, D, by Young's inequality with equal weights."""
    c, s = certificate.c, {x: y**2 for x, y in certificate.sigma.items()}
    p, d, a, b, D = map(var, "pdabD")
    of, v = certificate.variances(c, p, d), 4 * (b**2 + c["R"] ** 2) if "R" in c else Poly()
    cross = sum(of["Cv"], Poly())  # at r = 1; or at r^2 = (L_xx/L_zz) (d + 2)/(p + 2):
    if certificate.method == "zoba-tuned":
        tuned = (d + 2) * (p + 4) + (p + 2) * (d + 4)
        cross = of["Cv"][0] + c["L_zz"] * c["L_xx"] * Fraction(1, 4) * d * tuned
    # h^2 p (p + 4) and eta^2 d (d + 4) are at most the share: curvature adds L^2 (p + 2)/4 times it.
    curved = {L: (x + 2) * share * (c[L] ** 2 / 4) for L, x in (("L_zz", p), ("m_zz", p), ("m_xx", d))}
    V_z = (a**2 * c["L_zz"] ** 2 + s["gz"]) * (p + 1) + s["gz"] + curved["L_zz"] * certificate.hf
    if certificate.shared:
        s_v, s_x = v * s["zz"] + 2 * s["fz"], v * s["xz"] + 2 * s["fx"]
        V_v = s_v + 2 * (p + 1) * (2 * b**2 * c["L_zz"] ** 2 + 2 * a**2 * c["m_zz"] ** 2 + s_v) + 2 * curved["m_zz"]
        V_x = s_x + 2 * (d + 1) * (2 * D**2 + s_x) + 4 * c["m_xx"] ** 2 * share + 2 * curved["m_xx"]
        return V_z, V_v, V_x
    f_z = (p + 1) * (2 * c["C_z"] ** 2 + 2 * a**2 * c["m_zz"] ** 2 + s["fz"]) + curved["m_zz"]
    f_x = (d + 1) * (c["C_x"] ** 2 + s["fx"]) + curved["m_xx"]
    V_v, V_x = v * (of["Hv"][0] + s["zz"]) + 2 * s["fz"] + 4 * f_z, v * (cross + s["xz"]) + 2 * s["fx"] + 4 * f_x
    return V_z, V_v, V_x


def same_count(text: str) -> bool:
    """Whether the count in the text of a certificate, which ``check_certificate`` accepts, is that of its constants."""

    def fractions(pairs: dict[str, Any]) -> dict[str, Any]:
        return {name: Fraction(x) if str(x)[0].isdigit() else x for name, x in pairs.items()}

    given = json.loads(json.dumps(json.loads(text)["given"]), object_hook=fractions)
    return Poly.of(given["count"]) == count_of(Certificate(given))
