"""Markdown of untrusted texts, rendered beside their source.

No raw HTML, no image, and no link to follow: the address of a link stands behind its text, as a
page of reviews must not lead to a site that an end user names.
"""

import re
from collections.abc import MutableMapping, Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup

from monitor.web.hidden_characters import mark_hidden

#: A longer text is shown as source only.
MAX_CHARACTERS = 10_000
#: A text with more of the characters that open something is shown as source only: the time to pair
#: them grows with the square of their number, and 10,000 brackets took 0.3 s.
MAX_DELIMITERS = 2_000
DELIMITERS = "[]*_~`!<&"
#: A text without any of them looks the same as its source.
_TELLING = {
    "table_open", "heading_open", "bullet_list_open", "ordered_list_open", "blockquote_open", "hr",
    "strong_open", "em_open", "s_open", "code_inline", "link_open",
}  # fmt: skip

#: What begins Markdown that tells, in a text that is too long to be parsed.
_SIGNS = re.compile(
    r"^ {0,3}(?:#{1,6} |[-*+] |\d{1,9}[.)] |> |\|)|\*\*\S|__\S|`[^`\n]+`", re.MULTILINE
)

_CODE = Markup('<pre class="text code" tabindex="0" role="group" aria-label="Code">{}</pre>')

Environment = MutableMapping[str, Any]


def render_markdown(text: str) -> Markup | None:
    """Return a text as HTML; ``None`` where it has no Markdown, or is too long."""
    if _is_too_long(text):
        return None
    parser = _parser()
    tokens = parser.parse(text)
    inline = (child for token in tokens for child in token.children or ())
    if not any(token.type in _TELLING for token in (*tokens, *inline)):
        return None
    for token in tokens:
        _align_by_class(token)
    html = parser.renderer.render(tokens, parser.options, {})
    return Markup(html)  # noqa: S704 - every rule below escapes


def is_unrendered(text: str) -> bool:
    """Return whether a text has Markdown that is not rendered, as it is too long."""
    return _is_too_long(text) and _SIGNS.search(text) is not None


def _is_too_long(text: str) -> bool:
    n_delimiters = sum(text.count(character) for character in DELIMITERS)
    return len(text) > MAX_CHARACTERS or n_delimiters > MAX_DELIMITERS


def _align_by_class(token: Token) -> None:
    """Replace the style of a table's cell, which the page's policy refuses, by a class."""
    style = token.attrs.pop("style", "")
    if style:
        token.attrs["class"] = str(style).replace("text-align:", "to-")


class _Renderer(RendererHTML):
    """HTML of tokens, without links, and without headings, which belong to the page."""

    def text(
        self, tokens: Sequence[Token], at: int, _options: OptionsDict, _env: Environment
    ) -> str:
        return mark_hidden(tokens[at].content)

    def code_inline(
        self, tokens: Sequence[Token], at: int, _options: OptionsDict, _env: Environment
    ) -> str:
        return Markup("<code>{}</code>").format(mark_hidden(tokens[at].content))

    def code_block(
        self, tokens: Sequence[Token], at: int, _options: OptionsDict, _env: Environment
    ) -> str:
        return _CODE.format(mark_hidden(tokens[at].content))

    def fence(
        self, tokens: Sequence[Token], at: int, options: OptionsDict, env: Environment
    ) -> str:
        return self.code_block(tokens, at, options, env)

    def heading_open(self, *_: Any) -> str:
        return '<p class="heading">'

    def heading_close(self, *_: Any) -> str:
        return "</p>\n"

    def table_open(self, *_: Any) -> str:
        return '<div class="scroll" tabindex="0" role="region" aria-label="Table"><table>\n'

    def table_close(self, *_: Any) -> str:
        return "</table></div>\n"

    def link_open(self, *_: Any) -> str:
        return '<span class="link">'

    def link_close(
        self, tokens: Sequence[Token], at: int, _options: OptionsDict, _env: Environment
    ) -> str:
        opening = next(token for token in reversed(tokens[:at]) if token.type == "link_open")
        return Markup("</span> <code>{}</code>").format(mark_hidden(str(opening.attrGet("href"))))


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer)
    return parser.enable(["table", "strikethrough"]).disable(["image", "reference"])
