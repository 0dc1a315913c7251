"""Texts that run as scripts if a page treats them as markup, and their entry points."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

#: What runs calls this. A browser test defines it and waits for a call that must not come.
CANARY = "canary"
CORPUS = (
    f"<script>{CANARY}()</script>",
    f"</script><script>{CANARY}()</script>",
    f'"><img src=x onerror={CANARY}()>',
    f"'><svg onload={CANARY}()>",
    f"</textarea><img src=x onerror={CANARY}()>",
    f"</title></style><iframe srcdoc='<script>parent.{CANARY}()</script>'></iframe>",
    f'" autofocus onfocus="{CANARY}()" x="',
    f"' onmouseover='{CANARY}()' x='",
    f"javascript:{CANARY}()",
    f"]]><!-- --!><math><mi//xlink:href='javascript:{CANARY}()'>",
    "{{ 7*'7' }}${7*7}{% raw %}",
    f"<!--<script>--><img src=x onerror={CANARY}()>",
)
ALL = " ".join(CORPUS)
#: What a page of ours is made of.
OWN_SCRIPTS = ("/static/", "/vendor/")
ADDRESSES = ("href", "src", "action", "formaction", "data", "xlink:href", "srcdoc")


@dataclass
class _Collector(HTMLParser):
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        for name, value in attributes.items():
            if name.startswith("on"):
                self.problems.append(f"<{tag} {name}={value!r}>")
            if name in ADDRESSES and value.strip().casefold().startswith(("javascript:", "data:")):
                self.problems.append(f"<{tag} {name}={value!r}>")
        if tag in {"iframe", "object", "embed", "math", "base"} or attributes.get("src") == "x":
            self.problems.append(f"<{tag}>")
        own = attributes.get("src", "").startswith(OWN_SCRIPTS)
        self._script = tag == "script" and not own and attributes.get("type") != "application/json"
        if self._script:
            self.problems.append(f"<script> {attributes}")

    handle_startendtag = handle_starttag


def markup_in(page: str) -> list[str]:
    """Return every element and attribute of a page that no template contains."""
    collector = _Collector()
    collector.feed(page)
    collector.close()
    return collector.problems


def infect(value: Any, keys: frozenset[str], text: str = ALL) -> Any:
    """Return a JSON value with a hostile text in every string below the given keys."""
    if isinstance(value, dict):
        return {
            key: _replace(item, text) if key in keys else infect(item, keys, text)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [infect(item, keys, text) for item in value]
    return value


def _replace(value: Any, text: str) -> Any:
    if isinstance(value, str):
        return text
    if isinstance(value, list):
        return [_replace(item, text) for item in value]
    if isinstance(value, dict):
        return {key: _replace(item, text) for key, item in value.items()}
    return value
