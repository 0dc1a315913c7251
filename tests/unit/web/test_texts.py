"""Untrusted texts on the page: blocks, marks of hidden characters, Markdown."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.web.hidden_characters import MAX_MARKS, mark_hidden
from monitor.web.markdown import (
    DELIMITERS,
    MAX_CHARACTERS,
    MAX_DELIMITERS,
    is_unrendered,
    render_markdown,
)
from monitor.web.text_blocks import MAX_BLOCK, split_blocks
from tests.support.web.hostile_texts import CORPUS

TAGS = {
    "p", "div", "table", "thead", "tbody", "tr", "th", "td", "ul", "ol", "li", "strong", "em", "s",
    "code", "pre", "span", "blockquote", "hr", "br",
}  # fmt: skip
ATTRIBUTES = {"class", "tabindex", "role", "aria-label", "title", "data-name", "start"}


class Reader(HTMLParser):
    """The text of a page, its tags, and its marks."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.tags, self.attributes, self.names = "", set(), set(), []
        self.feed(str(html))
        self.close()

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.names += [value for name, value in attrs if name == "data-name"]


@given(st.text(st.sampled_from("a \n[\u05d0"), max_size=40), st.integers(1, 900))
def test_blocks_give_the_text_back(text: str, times: int) -> None:
    blocks = split_blocks(text * times)
    assert text * times == "".join(blocks)
    assert all(len(block) <= MAX_BLOCK for block in blocks)
    assert len(blocks) <= 1 + len(text * times) // 1_000


def test_a_block_ends_at_a_line_break() -> None:
    blocks = split_blocks(("word " * 30 + "\n") * 200)
    assert len(blocks) > 5
    assert all(block.endswith("\n") for block in blocks[:-1])


@given(st.text(st.sampled_from("a<&\u202e\u200b\u200d\ufeff\U000e0041\U0001f469"), max_size=60))
def test_a_marked_text_keeps_its_characters(text: str) -> None:
    reader = Reader(mark_hidden(text))
    assert text == reader.text
    assert reader.tags <= {"span"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("pay \u202eJOHN\u202c now", ["U+202E", "U+202C"]),
        ("pass\u200bword", ["U+200B"]),
        ("a\u200b\u200b\u200bb", ["U+200B \u00d73"]),
        ("hi\U000e0041\U000e0042", ["U+E0041", "U+E0042"]),
        ("\x1b[31m", ["U+001B"]),
        ("a\u200db", ["U+200D"]),
        ("\u2066x\u2069", ["U+2066", "U+2069"]),
        ("blank\u3164", ["U+3164"]),
        ("\U0001f469\u200d\U0001f52c and \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", []),
        ("tab\tand\r\nline", []),
    ],
)
def test_hidden_characters_are_named(text: str, names: list[str]) -> None:
    assert names == Reader(mark_hidden(text)).names


def test_the_number_of_marks_is_bounded() -> None:
    reader = Reader(mark_hidden("a\u200b" * 100_000))
    assert len(reader.names) == MAX_MARKS + 1
    assert reader.text == "a\u200b" * 100_000


@pytest.mark.parametrize("text", [*CORPUS, *(f"# t\n\n[a]({text}) **{text}**" for text in CORPUS)])
def test_rendered_markdown_has_no_link_image_or_script(text: str) -> None:
    text += (
        '\n\n**b** [x](https://a.example "t") ![i](https://b.example/i.png) <https://c.example> '
        "[r]\n\n[r]: https://d.example\n"
    )
    reader = Reader(render_markdown(text) or "")
    assert reader.tags <= TAGS
    assert reader.attributes <= ATTRIBUTES
    assert {"strong"} <= reader.tags


def test_tables_lists_and_code_are_rendered() -> None:
    html = render_markdown("| a | b |\n|:--|--:|\n| 1 | `2` |\n\n1. x\n\n```sh\nls\n```\n")
    assert {"table", "ol", "code", "pre"} <= Reader(html or "").tags


@pytest.mark.parametrize("text", ["Plain text.", "Two\n\nparagraphs, 3 * 4 = 12", "```\ncode\n```"])
def test_text_without_markdown_is_source_only(text: str) -> None:
    assert render_markdown(text) is None
    assert render_markdown("**b** " * MAX_CHARACTERS) is None


@pytest.mark.parametrize("begin", ["# Title\n", "- a\n", "1. a\n", "| a |\n", "**b** ", "`c` "])
def test_is_unrendered_with_long_markdown_is_true(begin: str) -> None:
    text = begin + "word " * MAX_CHARACTERS
    assert is_unrendered(text)
    assert not is_unrendered(begin)
    assert not is_unrendered("word " * MAX_CHARACTERS)


@pytest.mark.parametrize("opening", ["[", "*a_", "[a](", "**_", "`a``", "<a "])
def test_a_text_of_openings_is_source_only(opening: str) -> None:
    """Pairing them takes time in the square of their number: 10,000 brackets took 0.3 s."""
    text = opening * (MAX_DELIMITERS // len([c for c in opening if c in DELIMITERS]) + 1)
    assert render_markdown(text[:MAX_CHARACTERS]) is None or len(text) > MAX_CHARACTERS
    usual = "| **a** | `b` |\n|---|---|\n" + "| *c* | [d](https://e.example) |\n" * 150
    assert render_markdown(usual) is not None
