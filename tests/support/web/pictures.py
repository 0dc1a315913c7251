"""Small pictures of pages."""

from pathlib import Path

from PIL import Image


def reduce_colours(path: Path, n: int = 256) -> None:
    """Write a picture again with at most ``n`` colours: a page has few."""
    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(n, kmeans=2, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
