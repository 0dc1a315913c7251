"""Names as Evidently may show them: it writes them into a script of its page."""

from collections.abc import Sequence

from monitor.rendering.excerpts import excerpt


def plain(text: str) -> str:
    """Return a name without what HTML or a script could read as markup."""
    return "".join(
        character if character.isalnum() or character in " .,:;_()/-" else " "
        for character in excerpt(text, 60)
    ).strip()


def distinct(names: Sequence[str]) -> list[str]:
    """Return names, numbered where one occurs again."""
    seen: dict[str, int] = {}
    numbered = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        numbered.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return numbered
