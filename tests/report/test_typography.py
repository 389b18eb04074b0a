"""Mathematics in ASCII, as readers see it."""

from __future__ import annotations

import re

import pytest

from zoba_bench.registry import entry
from zoba_bench.report.typography import pretty, rich
from zoba_bench.verification.protocols import PROTOCOLS, descriptions


@pytest.mark.parametrize(
    ("plain", "expected"),
    [
        ("mean of |grad Psi|^2", "mean of |∇Ψ|²"),
        ("l / gamma x mean", "l / γ × mean"),
        ("4 A T e / eps^2", "4 A T e / ε²"),
        ("1/eps**2 and 1/eps^2.", "1/ε² and 1/ε²."),
        ("steps of Epsilon, gammas", "steps of Epsilon, gammas"),
        ("E|x1 - x*|^2", "E|x₁ − x*|²"),
        ("-rho_k times z*(x)", "-ρ_k times z*(x)"),
        ("2*l1*sqrt(p)", "2·l₁·√(p)"),
        ("1.5e-07 in [-1e+06, 2]", "1.5×10⁻⁷ in [−10⁶, 2]"),
        ("in cell 3d6510b528cf1c63295ef2aa9d793e30, 2e5", "in cell 3d6510b528cf1c63295ef2aa9d793e30, 2×10⁵"),
        ("cell be1e30 and 1e30", "cell be1e30 and 10³⁰"),
        ("p -> oo", "p → ∞"),
        ("mu-strongly convex, mu > 0", "μ-strongly convex, μ > 0"),
        ("P2/x1-a/hf-zoba 3x3", "P2/x1-a/hf-zoba 3x3"),
    ],
)
def test_pretty_replaces_symbols_and_no_parts_of_words(plain, expected):
    assert pretty(plain) == expected


@pytest.mark.parametrize(
    ("plain", "expected"),
    [
        ("|G_zz| <= L_zz", "|G<sub>zz</sub>| ≤ L<sub>zz</sub>"),
        ("p^(1/2) d^k", "p<sup>1/2</sup> d<sup>k</sup>"),
        ("quad_general n_inner smd6_x", "quad_general n_inner smd6_x"),
        ("<b> & 'c'", "&lt;b&gt; &amp; &#39;c&#39;"),
        ("as :mod:`zoba_bench.theory.updates` says", "as <code>zoba_bench.theory.updates</code> says"),
        ("mu of ``plan(eps, x0, <d>)``, eps", "μ of <code>plan(eps, x0, &lt;d&gt;)</code>, ε"),
        ("`zoba-bench check` says more", "<code>zoba-bench check</code> says more"),
    ],
)
def test_rich_has_what_unicode_lacks_and_stays_escaped(plain, expected):
    assert rich(plain) == expected


@pytest.mark.parametrize("name", PROTOCOLS)
def test_no_page_of_a_protocol_shows_marks_of_restructured_text(name):
    (texts,) = descriptions([name]).values()
    for text in texts.values():
        assert not re.search(r"`|:(mod|class|func|meth|attr):", rich(text))


def test_no_claim_shows_marks_of_restructured_text():
    for suite in ("quick", "standard", "bounds", "calibration"):
        whole = entry("claims", suite)()
        for text in (whole.description, *(claim.statement for claim in whole.claims)):
            assert "`" not in rich(text)
