"""Fingerprints of ids and passages: what they find, and what they don't."""

import random
import time

import pytest

from monitor.privacy.proof.fingerprints import (
    PASSAGE_WORDS,
    STRIDE,
    Fingerprint,
    FingerprintSearch,
    Keyed,
    passages_of,
    remove_shared,
)

ANN = "ann@example.org"
WORDS = (
    "please send the parcel of my late aunt to the old lighthouse near Rye because I moved there "
    "in March with my two grey cats and the piano"
)


@pytest.fixture
def search() -> FingerprintSearch:
    keyed = Keyed(b"secret")
    prints = keyed.of_ids([ANN, "+49 151 2345678", "ab"]) + keyed.of_passages(passages_of([WORDS]))
    return FingerprintSearch([(keyed, {7: prints})])


def kinds(search: FingerprintSearch, text: str) -> set[str]:
    return {hit.kind for hit in search.find(text)}


@pytest.mark.parametrize(
    "text",
    [
        "write to ANN@example.org!",
        '{"user": "ann\\u0040example.org"}',
        "{\\\"user\\\": \\\"ann\\\\u0040example.org\\\"}",
        "ann%40example.org.json",
        "ann&#64;example.org",
        "ann@example\uff0eorg",
        "ann\u200b@example.org",
        "<mailto:ann@example.org>",
        "\\nann@example.org",
        "ann\\x40example.org",
        "to\\u000aann@example.org\\u000d",
        "call +49 151 2345678",
    ],
)  # fmt: skip
def test_id_is_found_in_any_spelling(search: FingerprintSearch, text: str) -> None:
    assert kinds(search, text) == {"id"}


@pytest.mark.parametrize(
    "text",
    ["ann example org", "joann@example.org", "ann@example.com", "ab", "an ann", "", "hello " * 50],
)
def test_other_words_are_no_id(search: FingerprintSearch, text: str) -> None:
    assert kinds(search, text) == set()


def test_each_quote_of_eleven_words_is_found(search: FingerprintSearch) -> None:
    words = WORDS.split()
    length = PASSAGE_WORDS + STRIDE - 1
    for at in range(len(words) - length + 1):
        quote = ",\n ".join(words[at : at + length]).upper()
        assert kinds(search, f"They wrote {quote} yesterday") == {"passage"}, at
    assert kinds(search, " ".join(words[1:8])) == set()  # too short
    assert kinds(search, " ".join(reversed(words))) == set()
    assert list(search.find(WORDS, ids_only=True)) == []


def test_chinese_passage_is_found() -> None:
    text = "我的姑姑去年冬天在海边的旧灯塔里住了三个月然后搬到了北京"
    keyed = Keyed(b"secret")
    prints = keyed.of_passages(passages_of([text]))
    search = FingerprintSearch([(keyed, {1: prints})])
    assert kinds(search, f"她说 {text[3:25]}。") == {"passage"}
    assert kinds(search, "我的姑姑去年冬天在海边") == set()


def test_shared_passage_is_not_kept() -> None:
    passages = passages_of([WORDS, "hello how are you"])
    assert all(len(passage) == PASSAGE_WORDS for passage in passages)
    before = set(passages)
    remove_shared(passages, ["Well: PLEASE send the parcel, of late aunt to the OLD lighthouse"])
    assert before - passages == {
        passage
        for passage in before
        for half in ("please send the parcel", "aunt to the old", "to the old lighthouse")
        if half in " ".join(passage)
    }
    assert passages
    remove_shared(passages, [WORDS])
    assert passages == set()


def test_common_prompt_matches_nobody() -> None:
    """Eight words that nobody else has used so far, of halves that others have."""
    passages = passages_of(
        ["can you tell me the balance of my account please because I need it", WORDS]
    )
    n = len(passages)
    remove_shared(passages, ["Can you tell me the weather, because I need it?", "hello"])
    assert len(passages_of([WORDS])) <= len(passages) < n
    keyed = Keyed(b"secret")
    search = FingerprintSearch([(keyed, {1: keyed.of_passages(passages)})])
    later = ["can you tell me the balance of my savings", "of my account please because I need it"]
    assert [kinds(search, text) for text in later] == [set(), set()]
    assert kinds(search, WORDS) == {"passage"}


def test_fingerprints_need_their_key(search: FingerprintSearch) -> None:
    prints = Keyed(b"secret").of_ids([ANN])
    assert [Fingerprint.parse(str(print_)) for print_ in prints] == prints
    other = FingerprintSearch([(Keyed(b"other"), {7: prints})])
    assert kinds(other, ANN) == set()
    assert all(ANN not in str(print_) and "ann" not in str(print_) for print_ in prints)


def test_path_is_masked(search: FingerprintSearch) -> None:
    assert search.mask("runs/of-ann@example.org.txt") == "runs/of-[erased].txt"


def test_time_grows_with_the_text_only() -> None:
    keyed = Keyed(b"secret")
    prints = {n: keyed.of_ids([f"customer-{n:05}@example.org"]) for n in range(3000)}
    draw = random.Random(1)
    text = " ".join(f"word{draw.randrange(5000)}" for _ in range(60_000))

    def seconds(search: FingerprintSearch) -> float:
        begin = time.process_time()
        assert list(search.find(text)) == []
        return time.process_time() - begin

    few, many = FingerprintSearch([(keyed, {0: prints[0]})]), FingerprintSearch([(keyed, prints)])
    seconds(few)
    assert min(seconds(many) for _ in range(3)) < 4 * max(0.05, min(seconds(few) for _ in range(3)))
