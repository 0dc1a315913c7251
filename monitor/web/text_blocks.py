"""Splitting of long texts into blocks, which a browser lays out one by one.

The time to break a line grows with the length of what has no line break yet: 200,000 characters
without a space took a browser seconds. A block that is out of sight isn't laid out at all.
"""

#: A block ends at the first line break after so many characters.
BLOCK = 2_000
#: A line that is longer is cut, at a space where it has one.
MAX_BLOCK = 4_000


def split_blocks(text: str) -> list[str]:
    """Split a text into blocks, which concatenated give it back; a short one is one block."""
    blocks = []
    start = 0
    while len(text) - start > MAX_BLOCK:
        end = text.find("\n", start + BLOCK, start + MAX_BLOCK) + 1
        end = end or text.rfind(" ", start + BLOCK, start + MAX_BLOCK) + 1
        blocks.append(text[start : end or start + MAX_BLOCK])
        start += len(blocks[-1])
    return [*blocks, text[start:]]
