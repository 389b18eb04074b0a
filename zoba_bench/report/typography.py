"""What was written in ASCII, as readers see it: Unicode for figures, sub- and superscripts and code for pages."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

__all__ = ["pretty", "rich"]

_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "eps": "ε", "epsilon": "ε", "eta": "η", "kappa": "κ",
    "lam": "λ", "mu": "μ", "phi": "φ", "rho": "ρ", "sigma": "σ", "tau": "τ", "Psi": "Ψ",
}  # fmt: skip
_SIGNS = (
    (r"\bgrad (?=Psi)", "∇"),
    (rf"(?<![A-Za-z])({'|'.join(sorted(_GREEK, key=len, reverse=True))})(?![A-Za-z])", lambda m: _GREEK[m.group(1)]),
    (r"\bsqrt(?=\()", "√"),
    (r"\*\*", "^"),
    (r"(?<= )<=(?= )", "≤"),
    (r"(?<= )>=(?= )", "≥"),
    (r"->(?= )", "→"),
    (r"\boo\b", "∞"),
    # A product, but not z*(x), which is the solution.
    (r"(?<=[\w)])(?<!\b[vxz])\*(?=[\w(√])", "·"),
    (r"(?<= )x (?=10\b)|(?<= )x (?=mean\b)", "× "),
    (r"(?<=[ \[(=,])-(?=\d)|^-(?=\d)", "−"),
    (r"(?<= )-(?= )", "−"),
    (r"(?<![\w.])1e\+?(-?)0*(\d{1,3})\b", lambda m: f"10^{m.group(1)}{m.group(2)}"),
    # A number, but not part of a hash.
    (r"(?<![\w.])(\d[\d.]{0,9})e\+?(-?)0*(\d{1,3})\b", lambda m: f"{m.group(1)}×10^{m.group(2)}{m.group(3)}"),
)
_RULES = tuple((re.compile(pattern), sign) for pattern, sign in _SIGNS)
_RAISED = str.maketrans("0123456789-−+", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻⁺")
_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_POWER = re.compile(r"\^([-−]?\d+)(?!\.?\d)")
_NUMBERED = re.compile(r"(?<![\w/-])([abhlvxz])([0-3])(?![\w./-])")
_ANY_POWER = re.compile(r"\^(\((?:[^()]+)\)|[-−]?\w+(?:\.\d+)?)")
_INDEX = re.compile(r"(?<![A-Za-z_])([A-Za-zα-ωΨ])_([A-Za-z]{1,2}|[0-9]{1,2})(?![A-Za-z0-9_])")


# A role's text, and what stands between double or single backticks.
_CODE = re.compile(r":\w+:`~?([^`]+)`|``([^`]+)``|`([^`]+)`")


def pretty(text: str) -> str:
    """Mathematical signs in place of their ASCII spelling, in plain Unicode; words stay as they are."""
    for pattern, sign in _RULES:
        text = pattern.sub(sign, text)
    text = _POWER.sub(lambda m: m.group(1).translate(_RAISED), text)
    return _NUMBERED.sub(lambda m: m.group(1) + m.group(2).translate(_LOWERED), text)


def rich(text: str) -> Markup:
    """The same for a page, escaped, with the powers and indices that Unicode lacks as ``<sup>`` and ``<sub>``.

    Code, as reStructuredText marks it, is left as it is and becomes ``<code>``.
    """
    parts, end = [], 0
    for found in _CODE.finditer(text):
        code = next(group for group in found.groups() if group)
        parts += [_mathematics(text[end : found.start()]), f"<code>{escape(code)}</code>"]
        end = found.end()
    return Markup("".join([*parts, _mathematics(text[end:])]))


def _mathematics(text: str) -> str:
    shown = str(escape(pretty(text)))
    shown = _ANY_POWER.sub(lambda m: f"<sup>{m.group(1).removeprefix('(').removesuffix(')')}</sup>", shown)
    return _INDEX.sub(lambda m: f"{m.group(1)}<sub>{m.group(2)}</sub>", shown)
