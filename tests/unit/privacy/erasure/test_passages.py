"""Quotes of a text in other texts."""

import json

import pytest

from monitor.privacy.erasure.passages import MIN_WORDS, Passages, Words

TEXT = "Please send the parcel of my late aunt to the old mill near Rye."
GERMAN = "Wo bleibt das Päckchen für meine Großtante aus Völklingen?"
CHINESE = "我的包裹在哪里我已经等了三个星期"


def quoted(text: str, *texts: str) -> list[str]:
    """Return the quotes that are found in a text."""
    return [text[slice(*passage.span)] for passage in Passages(texts).find(text)]


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.upper(),
        f"he wrote «{TEXT}»!",
        TEXT.replace(" ", "\n\t"),
        TEXT.replace(" ", " **"),
        repr(TEXT.replace(" ", "\n")),
        TEXT.replace(" ", "&nbsp;"),
    ],
)
def test_whole_text_is_found_in_any_form(text: str) -> None:
    (quote,) = quoted(text, TEXT)
    assert quote.lower().startswith("please")
    assert quote.lower().endswith("rye")


def test_part_of_a_text_is_found() -> None:
    assert quoted("about the parcel of my late aunt to the moon", TEXT) == [
        "the parcel of my late aunt to the"
    ]


@pytest.mark.parametrize(
    "text", ["the parcel of my", "send the old aunt the mill of my late parcel near Rye", ""]
)
def test_other_words_are_no_quote(text: str) -> None:
    assert quoted(text, TEXT) == []


def test_escapes_of_json_are_read() -> None:
    assert len(quoted(json.dumps({"prompt": GERMAN}), GERMAN)) == 1


def test_script_without_spaces_is_found() -> None:
    assert quoted(f"他写道{CHINESE[:12]}等等", CHINESE) == [CHINESE[:12]]
    assert quoted(CHINESE[:5], CHINESE) == []


@pytest.mark.parametrize(
    ("text", "is_quote"), [("Storno Vertrag 4711", True), ("ok thanks", False)]
)
def test_brief_text_is_found_as_a_whole(text: str, is_quote: bool) -> None:
    assert bool(quoted(f"she said {text} twice", text)) == is_quote


def test_words_that_others_have_too_are_no_quote() -> None:
    requests: list[Words] = []

    def is_shared(words: Words) -> bool:
        requests.append(words)
        return True

    passages = Passages([TEXT], is_shared)
    assert passages.find(TEXT) == []
    assert passages.find(TEXT) == []
    assert len(requests) == 1
    assert list(passages.brief()) == []


def test_separate_quotes_are_found_separately() -> None:
    parts = TEXT.split()
    first, second = " ".join(parts[:MIN_WORDS]), " ".join(parts[-MIN_WORDS - 1 :])
    assert len(quoted(f"{first} --- and then --- {second}", TEXT)) == 2
