"""Checks a certificate that ``zoba-bench derive NAME --export FILE`` wrote: ``python check_certificate.py FILE``.

What is "derived" in a file is computed again from what is "given", exactly and by the formulas below, and must be the
same; what must hold is required on the way. a = |z - z*|, b = |v - v*|, g = |grad Psi|, D = |E D_x|, q = 1/eps.
"""

import argparse
import hashlib
import json
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from math import isqrt, prod
from typing import Any

FORMAT, ZERO, ONE = "zoba-bench certificate 1", Fraction(0), Fraction(1)
SPREADS, RADII = ("gz", "zz", "xz", "fz", "fx"), {"D_z": "h", "f_z": "h", "f_x": "eta"}
#: Values of G and of F an iteration, c l + e with l directions, as (c, e, c, e).
VALUES = {"zoba": (4, 1, 2, 1), "zoba-tuned": (4, 1, 2, 1), "zoba-mixed": (6, 1, 2, 1), "hf-zoba": (4, 2, 2, 1)}
VALUES |= {"hf-zoba-shared": VALUES["hf-zoba"], "soba": (0, 3, 0, 2)}


class Poly(dict[Any, Fraction]):
    """A polynomial: sorted ((name, exponent), ...) -> coefficient. Exponents may be negative."""

    def __add__(self, other: Any) -> "Poly":
        other = other if isinstance(other, Poly) else Poly({(): Fraction(other)})
        return Poly({m: c for m in self.keys() | other.keys() if (c := self.get(m, ZERO) + other.get(m, ZERO))})

    def __mul__(self, other: Any) -> "Poly":
        total, other = Poly(), other if isinstance(other, Poly) else {(): Fraction(other)}
        for (m, c), (n, e) in product(self.items(), other.items()):
            one, two = dict(m), dict(n)
            powers = ((x, one.get(x, 0) + two.get(x, 0)) for x in sorted(one.keys() | two.keys()))
            total += Poly({tuple(x for x in powers if x[1]): c * e})
        return total

    __radd__, __rmul__ = __add__, __mul__

    def __pow__(self, k: int) -> "Poly":
        return prod([self] * range(k + 1)[k], start=Poly({(): ONE}))  # an error where k < 0

    def __str__(self) -> str:
        return " + ".join(" ".join([str(c), *(f"{n}^{k}" for n, k in m)]) for m, c in sorted(self.items())) or "0"

    def at(self, **values: Any) -> "Poly":
        """With numbers or polynomials in place of all names."""
        return sum((prod((values[n] ** k for n, k in m), start=Poly({(): c})) for m, c in self.items()), Poly())

    @classmethod
    def of(cls, terms: list[list[str]]) -> "Poly":
        """From terms, each a coefficient and the exponents of p, d and q."""
        return sum(
            (Fraction(c) * var("p") ** int(i) * var("d") ** int(j) * var("q") ** int(k) for c, i, j, k in terms), cls()
        )

    def part(self, name: str, k: int) -> "Poly":
        """The factor of a power of a name."""
        return Poly({tuple(x for x in m if x[0] != name): c for m, c in self.items() if dict(m).get(name, 0) == k})


def var(name: str) -> Poly:
    """A name."""
    return Poly({((name, 1),): ONE})


def require(condition: object, words: str) -> None:
    """Refuse what does not hold."""
    if not condition:
        raise ValueError(words)


def root(x: Fraction) -> Fraction:
    """At or above the root: exact for squares, else within 2^-80 of its size."""
    above = Fraction(isqrt(x.numerator), isqrt(x.denominator))
    k = 82 + max(0, x.denominator.bit_length() - x.numerator.bit_length())
    return above if above**2 == x else Fraction(isqrt((x.numerator << 2 * k) // x.denominator) + 1, 1 << k)


def hypot(*forms: Poly) -> Poly:
    """At or above the root of the sum of squares of linear forms in non-negative names, coefficient by coefficient."""
    return Poly({m: root(sum((f.get(m, ZERO) ** 2 for f in forms), ZERO)) for m in set().union(*forms)})


class Certificate:
    """What is given: constants c, numbers n of the plan, the start, the weights of W. Methods are what follows."""

    def __init__(self, given: Any) -> None:
        self.given, self.c, self.n, self.start = given, given["constants"], given["plan"], given["start"]
        m, self.samples = given["method"], given["samples"] == "yes"
        self.method, self.exact, self.shared, self.hf = m, m == "soba", m == "hf-zoba-shared", m[:2] == "hf"
        self.independent = not self.samples and (self.exact or self.hf)  # the noises of (z, v) and of x
        self.sigma = {x: Poly() + self.c.get("sigma_" + x, ZERO) for x in SPREADS}

    def needed(self) -> list[str]:
        """Names of the constants that occur."""
        names = ["mu", "L_zz", "L_xz", "L_Psi", "m_zz", "m_xz", "k_z", "k_v"] + ["m_xx"] * (not self.exact)
        names += ["L_xx"] * (self.method in ("zoba", "zoba-tuned")) + ["sigma_" + x for x in SPREADS] * self.samples
        return names + (["R"] * self.samples if self.exact or self.shared else ["C_z", "C_x", "R"])

    def check(self) -> dict[str, str]:
        """Require that nothing is missing or stands there unused, and that all is in range."""
        given, c, n, weights = self.given, self.c, self.n, self.given["weights"]
        names = "rho gamma K b1 b2 gap z_error v_error s o phi_a phi_b" + " h eta l1 l2 p d" * (not self.exact)
        names += " constants count eps method orders plan samples start tau weights"
        needed = sorted([*self.needed(), *(x for x in ("s_z", "s_v") if c.get(x) == 0), *names.split()])
        require(needed == sorted([*given, *c, *n, *self.start, *weights]), f"numbers: needed are {needed}")
        signs = min([*c.values(), *self.start.values(), *weights.values(), given["tau"]]) >= 0
        require(signs and min(*n.values(), c["mu"], c["L_Psi"]) > 0, "numbers: one has the wrong sign")
        require(all(n[x].denominator == 1 for x in n if x[0] in "Klb"), "numbers: one that counts is not whole")
        require(not self.shared or n["b1"] / n["b2"] == n["l1"] / n["l2"] == 1, "numbers: directions are not shared")
        require(c["mu"] <= c["L_zz"] and n["rho"] * (c["mu"] + c["L_zz"]) <= 2, "numbers: rho exceeds 2/(mu + L_zz)")
        require(min(given.get(x, ONE) for x in "pd") >= 1 >= given["eps"] > 0, "numbers: p, d or eps is out of range")
        return {"2 - rho (mu + L_zz)": str(2 - n["rho"] * (c["mu"] + c["L_zz"]))}

    def variances(self, c: Any, p: Any, d: Any) -> dict[str, list[Any]]:
        """Largest variances of one direction per |gradient|^2, radius^2; per |v|^2, of Cv r^2 |v|^2, |v|^2/r^2 too."""
        curved = [x * (x + 2) * (x + 4) * Fraction(1, 4) for x in (p, d)]
        hessian = p + 1 if self.hf else (p + 2) ** 2 + -1
        cross = [c["L_xz"] ** 2 * (d + 1 if self.hf else (p + 2) * (d + 2) + -1)]
        if self.method in ("zoba", "zoba-tuned"):
            hessian = (p + 2) * (p**2 + 9 * p + 16) * Fraction(1, 4) + -1
            cross[0] += c["L_zz"] * c["L_xx"] * Fraction(1, 2) * d * (d + 2) * (p + 2)
            cross += [c["L_zz"] ** 2 * Fraction(1, 4) * d * (p + 2) * (p + 4), c["L_xx"] ** 2 * curved[1]]
        first = {"D_z": [p + 1, c["L_zz"] ** 2 * curved[0] * self.hf], "f_z": [p + 1, c["m_zz"] ** 2 * curved[0]]}
        return first | {"f_x": [d + 1, c["m_xx"] ** 2 * curved[1]], "Hv": [c["L_zz"] ** 2 * hessian], "Cv": cross}

    def mean(self, spread: Poly, one: Poly, level: str) -> Poly:
        """Root variance of a mean over b samples of l directions each."""
        one *= root(1 / self.n["l" + level])
        return hypot(spread, one) * root(1 / self.n["b" + level]) if self.samples else one

    def roots(self) -> dict[str, Poly]:
        """Root variances of the directions of z, v, x and biases of those of v, x, as linear forms in a, b, g, D."""
        if self.exact:
            return dict.fromkeys(("z", "v", "x", "bias_v", "bias_x"), Poly())
        c, n, sigma, a, b, r2 = self.c, self.n, self.sigma, var("a"), var("b"), (self.n["h"] / self.n["eta"]) ** 2
        of = self.variances(c, self.given["p"], self.given["d"])
        forms = {"bias_v": Poly() + c["m_zz"] * n["h"] * root(self.given["p"])}
        forms["bias_x"] = Poly() + c["m_xx"] * n["eta"] * root(self.given["d"])
        v = b + c["R"] if "R" in c else Poly()
        inner, outer = (v * sigma["zz"], v * sigma["xz"]), (sigma["fz"], sigma["fx"])
        if self.shared:  # Hv + f_z is a difference of A v + F_z itself, and Cv + f_x of D, but for its bias
            outer = inner[0] + sigma["fz"], inner[1] + sigma["fx"]
            slopes = b * c["L_zz"] + a * c["m_zz"], var("D") + forms["bias_x"]
        else:
            slopes = a * c["m_zz"] + c["C_z"], Poly() + c["C_x"]
        norms = hypot(a * c["L_zz"], sigma["gz"]), hypot(slopes[0], outer[0]), hypot(slopes[1], outer[1])
        first = [
            x * root(of[k][0]) + root(of[k][1] * n[r] ** 2) for x, (k, r) in zip(norms, RADII.items(), strict=True)
        ]
        forms["z"] = self.mean(sigma["gz"], first[0], "1")
        hv = v * root(of["Hv"][0]), v * root(sum(x * y for x, y in zip(of["Cv"], (ONE, r2, 1 / r2), strict=False)))
        for i, x in enumerate("vx"):
            joined = Poly() if self.shared else self.mean(inner[i], hv[i], "1")
            forms[x] = self.mean(outer[i], first[1 + i], "2") + joined
        return forms

    def drift(self, forms: dict[str, Poly]) -> Poly:
        """A form at or above the mean change of W = s (Psi - inf Psi) + phi_a a^2 + phi_b b^2 in one step."""
        c, n, w, x, (a, b, g, D) = self.c, self.n, self.given["weights"], forms["x"], map(var, "abgD")
        e, gamma = a * c["m_xz"] + b * c["L_xz"] + forms["bias_x"], n["gamma"]
        polar, smooth = (e**2 + g**2 * -1 + D**2 * -1) * gamma, (D**2 + x**2) * (c["L_Psi"] * gamma**2 / 2)
        total: Poly = (polar * Fraction(1, 2) + smooth) * w["s"] + (polar + 2 * gamma * g * D) * w["o"]
        for row, error, phi, by in (("z", a, "phi_a", Poly()), ("v", b, "phi_b", a * c["m_zz"] + forms["bias_v"])):
            # The noise of x moves z*, v* by at most k gamma times its root in the mean, and by nothing where s = 0.
            slope, own, other = c["k_" + row] * gamma, forms[row] * n["rho"], x * (c["k_" + row] * gamma)
            mean = error * (1 - n["rho"] * c["mu"]) + by * n["rho"] + D * slope + other * ("s_" + row not in c)
            noise = own**2 + other**2 if self.independent else (own + other) ** 2
            total += (mean**2 + noise + error**2 * -1) * w[phi]
        return total

    def squares(self, drift: Poly, tau: Fraction) -> Iterator[str]:
        """tau - g^2 - drift / gamma as positive multiples of squares of forms in a, b, g, D, 1: it is not negative."""
        form = drift * (-1 / self.n["gamma"]) + tau + var("g") ** 2 * -1
        for y in "abgD":
            pivot = form.part(y, 2).get((), ZERO)
            require(pivot > 0, f"definite: the pivot of {y} is not positive")
            line = var(y) + form.part(y, 1) * (1 / (2 * pivot))
            form += line**2 * -pivot
            yield f"{pivot} ({line})^2"
        require(set(form) <= {()} and form.get((), ZERO) >= 0, "definite: what is left is negative")
        yield str(form)

    def parts(self) -> Iterator[tuple[str, Any]]:
        """All that follows, part by part, as text."""
        yield "numbers", self.check()
        n, given, start, w = self.n, self.given, self.start, self.given["weights"]
        of = {} if self.exact else self.variances({x: var(x) for x in self.needed()}, var("p"), var("d"))
        yield "moments", {name: [str(Poly() + x) for x in of[name]] for name in of}
        forms = self.roots()
        yield "roots", {name: str(forms[name]) for name in forms}
        drift, state = self.drift(forms), [*map(var, "abgD"), var("a") ** 0]
        double = [[drift.get(next(iter(x * y)), ZERO) * (1 + (x == y)) for y in state] for x in state]
        yield "matrix of the drift", [[str(entry / 2) for entry in row] for row in double]
        yield "definite", list(self.squares(drift, given["tau"]))
        W_0 = w["s"] * start["gap"] + w["phi_a"] * start["z_error"] ** 2 + w["phi_b"] * start["v_error"] ** 2
        bound = W_0 / (n["gamma"] * n["K"]) + given["tau"]
        require(bound <= given["eps"], "bound at most eps: it exceeds eps")
        yield "bound at most eps", {"W_0": str(W_0), "W_0/(gamma K) + tau": str(bound)}
        one, once, two, twice = VALUES[self.method]
        used = n["K"] * (n["b1"] * (one * n.get("l1", 0) + once) + n["b2"] * (two * n.get("l2", 0) + twice))
        count = Poly.of(given["count"])
        found = count.at(p=given.get("p", ONE), d=given.get("d", ONE), q=1 / given["eps"])[()]
        require(used <= found, "count: the plan takes more values")
        yield "count", {"of the plan": str(used), "n": str(found)}
        yield "order of the count", [str(dominated(count, **order)) for order in given["orders"]]


def dominated(count: Poly, constant: Fraction, order: list[list[str]], regime: str) -> Poly:
    """constant * order - count at d = 1 + t, q = 1 + q' and p = 1 + s or 1 + s + t: no coefficient is negative."""
    first = {"p, d >= 1": var("s") + 1, "p >= d >= 1": var("s") + var("t") + 1}[regime]
    rest = (Poly.of(order) * constant + count * -1).at(p=first, d=var("t") + 1, q=var("q") + 1)
    require(min(rest.values(), default=ZERO) >= 0, "order of the count: a coefficient is negative")
    return rest


def checks(text: str) -> Iterator[str]:
    """Make the checks one after the other; the first that fails is an error that says which."""
    file = json.loads(text)
    as_written = text == json.dumps(file, indent=1, sort_keys=True) + "\n"
    rest = {"format": FORMAT} | {name: file[name] for name in ("given", "derived", "text")}
    checksum = hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()
    require(as_written and {**rest, "checksum": checksum} == file, "checksum: the file is not as it was written")
    yield "checksum: the file is as it was written"
    text = json.dumps(file["given"])
    given = json.loads(text, object_hook=lambda x: {k: Fraction(y) if str(y)[0].isdigit() else y for k, y in x.items()})
    require(json.dumps(given, default=str) == text, "numbers: one is not in lowest terms")
    for name, value in Certificate(given).parts():
        require(file["derived"].pop(name) == value, f"{name}: another one follows from what is given")
        yield name
    require(not file["derived"], f"unused: {[*file['derived']]}")


def main(arguments: list[str] | None = None) -> int:
    """Print one line a check; 0, or 1 with the first check that fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file")
    try:
        with open(parser.parse_args(arguments).file, encoding="utf-8") as stream:
            for name in checks(stream.read()):
                print("ok  ", name)
        return 0
    except (OSError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        print("FAIL", f"{type(error).__name__}: {error}")
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
