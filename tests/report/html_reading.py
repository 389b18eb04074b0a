"""Reading pages: every element is closed in order; tags, attributes and texts are collected."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

VOID = {"meta", "br", "link", "img", "hr", "input"}


class Checker(HTMLParser):
    """Every element is closed in order; collects tags with attributes, and text."""

    def __init__(self):
        super().__init__()
        self.open, self.elements, self.text = [], [], []

    @property
    def tags(self):
        return [tag for tag, _ in self.elements]

    @property
    def ids(self):
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]

    @property
    def references(self):
        """What links, pictures, styles and scripts point to."""
        return [a[name] for _, a in self.elements for name in ("href", "src", "srcset", "action") if name in a]

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data):
        self.text.append(data)


def parse(text):
    checker = Checker()
    checker.feed(text)
    checker.close()
    assert not checker.open, checker.open
    return checker


def words(text):
    """All that is written on a page, with single spaces."""
    return " ".join(" ".join(parse(text).text).split())


def broken_links(folder):
    """References of the folder's pages to a file or anchor that is not there, or out of the folder."""
    pages = {path.name: parse(path.read_text(encoding="utf-8")) for path in folder.glob("*.html")}
    found = []
    for name, page in pages.items():
        for reference in page.references:
            parts = urlsplit(reference)
            file = unquote(parts.path) or name
            there = (
                not parts.scheme and not parts.netloc and not file.startswith(("/", "..")) and (folder / file).is_file()
            )
            if not there or (parts.fragment and unquote(parts.fragment) not in pages[file].ids):
                found.append(f"{name}: {reference}")
    return found
