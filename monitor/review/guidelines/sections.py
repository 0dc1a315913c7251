"""Sections of a Markdown file: a tree of headings with their texts, fences, lists and lines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token

#: Deepest heading that begins a section; deeper ones are part of the text.
MAX_LEVEL = 3


@dataclass(frozen=True)
class Fence:
    """A fenced block."""

    #: The words after the opening fence, in lower case.
    info: str
    content: str
    #: Line of the opening fence, from 1; the content begins on the next.
    line: int


@dataclass
class GuidelineSection:
    """A heading with its content, up to the next heading."""

    #: 0 for the content before the first heading.
    level: int
    heading: str
    line: int
    #: Kind (``text``, ``list`` or ``fence``) and source of each block in order, without comments.
    blocks: list[tuple[str, str]] = field(default_factory=list)
    fences: list[Fence] = field(default_factory=list)
    #: Items of the lists.
    items: list[str] = field(default_factory=list)
    children: list["GuidelineSection"] = field(default_factory=list)

    @property
    def markdown(self) -> str:
        """The whole content in Markdown."""
        return "\n\n".join(source for _, source in self.blocks).strip()

    @property
    def text(self) -> str:
        """The content without fences, in Markdown."""
        return "\n\n".join(source for kind, source in self.blocks if kind != "fence").strip()

    @property
    def has_loose_text(self) -> bool:
        """Whether the content has text outside of lists and fences."""
        return any(kind == "text" for kind, _ in self.blocks)


def parse_sections(source: str, first_line: int = 1) -> GuidelineSection:
    """Return the root of a file's sections.

    The source is Markdown (CommonMark), and ``first_line`` the number of its first line in the
    file.
    """
    tokens = MarkdownIt("commonmark").parse(source)
    lines = source.split("\n")
    root = GuidelineSection(level=0, heading="", line=first_line)
    path = [root]
    for block in _top_level(tokens):
        opening = block[0]
        begin, end = opening.map or (0, 0)
        text = "\n".join(lines[begin:end]).strip()
        if opening.type == "heading_open" and (level := int(opening.tag[1])) <= MAX_LEVEL:
            while path[-1].level >= level:
                path.pop()
            section = GuidelineSection(
                level=level, heading=block[1].content, line=begin + first_line
            )
            path[-1].children.append(section)
            path.append(section)
        elif opening.type == "fence":
            info = " ".join(opening.info.split()).lower()
            content = opening.content.removesuffix("\n")
            path[-1].fences.append(Fence(info, content, begin + first_line))
            path[-1].blocks.append(("fence", text))
        elif opening.type in {"bullet_list_open", "ordered_list_open"}:
            path[-1].items.extend(_items(block, lines))
            path[-1].blocks.append(("list", text))
        elif not (opening.type == "html_block" and text.startswith("<!--")):
            path[-1].blocks.append(("text", text))
    return root


def _top_level(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Yield the tokens of each outermost block."""
    block: list[Token] = []
    for token in tokens:
        block.append(token)
        if token.level == 0 and token.nesting <= 0:
            yield block
            block = []


def _items(block: Sequence[Token], lines: Sequence[str]) -> Iterator[str]:
    """Yield the items of a list in Markdown; an item of a single paragraph on one line."""
    for token in block:
        if token.type != "list_item_open" or token.level != 1 or token.map is None:
            continue
        begin, end = token.map
        inner = [
            nested
            for nested in block
            if nested.map and begin <= nested.map[0] and nested.map[1] <= end
        ]
        paragraphs = [nested for nested in inner if nested.type == "inline"]
        if len(paragraphs) == 1 and all(
            nested.type in {"list_item_open", "paragraph_open", "inline"}
            for nested in inner
            if nested.level
        ):
            yield " ".join(paragraphs[0].content.split())
            continue
        first = lines[begin].lstrip()
        text = first[len(token.markup) :] if token.markup in "-+*" else first.partition(" ")[2]
        rest = [
            line.removeprefix(" " * _indent(lines[begin + 1 : end]))
            for line in lines[begin + 1 : end]
        ]
        yield "\n".join([text.strip(), *rest]).strip()


def _indent(lines: Sequence[str]) -> int:
    return min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
