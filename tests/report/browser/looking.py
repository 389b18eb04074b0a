"""What a browser is asked about a page, in its language."""

from __future__ import annotations

#: WCAG's contrast of every piece of text with what lies behind it, where it is less than 4.5 (3 for large text).
FAINT = """() => {
  const channels = (color) => {
    const found = color.match(/[\\d.]+/g).map(Number);
    return found.length === 4 ? found : [...found, 1];
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const [r, g, b, a] = channels(getComputedStyle(e).backgroundColor);
      if (a === 1) return [r, g, b];
      if (a > 0) throw new Error("half transparent: " + e.outerHTML.slice(0, 80));
    }
    return [255, 255, 255];
  };
  const faint = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const pair = [light(channels(style.color).slice(0, 3)), light(behind(element))].sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (contrast < (large ? 3 : 4.5)) faint.push(`${node.textContent.trim().slice(0, 40)}: ${contrast.toFixed(2)}`);
  }
  return faint;
}"""
UNFOLD = "() => document.querySelectorAll('main details').forEach((folded) => (folded.open = true))"
#: By how much a page is wider than the window, and what sticks out.
WIDER = """() => [document.documentElement.scrollWidth - document.documentElement.clientWidth,
  ...[...document.querySelectorAll('main *, footer *')]
    .filter((e) => !e.closest('.scroll, .formula, pre, math') && e.getBoundingClientRect().right > innerWidth + 1)
    .map((e) => e.outerHTML.slice(0, 100))]"""
#: The second column of the rows that are shown.
SHOWN = "() => [...document.querySelectorAll('tbody tr:not([hidden]) td:nth-child(2)')].map((cell) => cell.textContent)"
#: Where an element ends, from the top of the page.
BOTTOM = (
    "(name) => Math.max(...[...document.querySelectorAll(name)].map((e) => e.getBoundingClientRect().bottom + scrollY))"
)


def names(folder):
    """The pages of a report."""
    return sorted(path.name for path in folder.glob("*.html"))


def contrast(*colors):
    """WCAG's contrast of two colours "rgb(r, g, b)"."""

    def light(color):
        shares = [int(part) / 255 for part in color[4:-1].split(",")]
        r, g, b = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    low, high = sorted(map(light, colors))
    return (high + 0.05) / (low + 0.05)
