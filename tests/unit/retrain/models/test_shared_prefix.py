"""Batches of prompts that begin alike, and the tokens that they have in common."""

import pytest

from retrain.models.shared_prefix import MIN_ALIKE, MIN_PREFIX, batch_alike, common_prefix

HEAD = list(range(MIN_PREFIX))


def conversation(*texts: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text} for text in texts]


def test_equal_prefixes_share_batches_and_single_prompts_the_rest() -> None:
    few = [conversation("few", str(n)) for n in range(MIN_ALIKE - 1)]
    many = [conversation("many", str(n)) for n in range(MIN_ALIKE + 1)]
    single = [conversation(str(n)) for n in range(3)]
    conversations = [*many[:2], *few, *single, *many[2:]]
    n_few = MIN_ALIKE - 1
    # Without a beginning of their own batch: of similar length.
    batches = batch_alike(conversations, [[0] * (9 - n % 3) for n in range(len(conversations))], 4)
    assert sorted(index for batch in batches for index in batch) == list(range(len(conversations)))
    assert max(map(len, batches)) <= 4
    of_many = {0, 1, *range(2 + n_few + 3, len(conversations))}
    assert all(set(batch) <= of_many or not set(batch) & of_many for batch in batches)


def test_batches_have_similar_lengths() -> None:
    conversations = [conversation("head", str(n)) for n in range(8)]
    encoded = [[0] * length for length in (9, 1, 8, 2, 7, 3, 6, 4)]
    assert [[1, 3, 5, 7], [6, 4, 2, 0]] == batch_alike(conversations, encoded, 4)


@pytest.mark.parametrize(
    ("encoded", "n_common"),
    [
        ([], 0),
        ([[*HEAD, 1]], 0),
        ([[*HEAD, 1], [*HEAD, 2]], MIN_PREFIX),
        ([[*HEAD, 7, 1], [*HEAD, 7, 2], [*HEAD, 7]], MIN_PREFIX),
        ([HEAD, HEAD], 0),
        ([[*HEAD, 1], [*HEAD, 1]], MIN_PREFIX),
        ([[*HEAD[1:], 1, 1], [*HEAD[1:], 2, 2]], 0),
        ([[*HEAD, 1], []], 0),
    ],
)
def test_common_prefix_leaves_a_token_of_each(encoded: list[list[int]], n_common: int) -> None:
    assert HEAD[:n_common] == common_prefix(encoded)
