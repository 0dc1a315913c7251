"""Explanations of files, and the tests of the rest, with an encoder that counts words."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from monitor.settings import Drift, Settings
from monitor.store.windows.assessment import Assessment
from monitor.windows.file_comparison import compare_files
from monitor.windows.reading.two_files import read_two_files
from tests.support.encoders.word_encoder import WordEncoder

SETTINGS = Settings(drift=Drift(n_permutations=1999))
HEADER = "[Sent from the web widget on a phone] "
N = 300
VERBS = ("block", "find", "order", "replace", "cancel", "renew", "lost", "break")
THINGS = ("card", "loan", "account", "cheque", "password", "address", "statement", "branch")
PLACES = ("corner", "garden", "holiday", "office", "river", "school", "station", "summer")
COINS = ("wallet", "bitcoin", "ledger", "mining", "token", "staking")


def known(row: int, rng: np.random.Generator) -> str:
    return f"{rng.choice(VERBS)} my {rng.choice(THINGS)} at the {rng.choice(PLACES)} please {row}"


def coins(row: int, rng: np.random.Generator) -> str:
    return f"crypto {rng.choice(COINS)} {rng.choice(COINS)} {row}"


class _Encoder(WordEncoder):
    identity, dimension = "words@1", 256


def compare(
    folder: Path,
    prompt: Callable[[int, np.random.Generator], str],
    *,
    before: Callable[[int, np.random.Generator], str] = known,
    response: Callable[[int], str] = lambda row: (
        f"Go to the {PLACES[row % 8]} and ask at desk {row} there."
    ),
    messages: Callable[[int], list[dict[str, str]]] | None = None,
) -> Assessment:
    """Compare N exchanges with N of the baseline, which has neither."""
    sides = []
    for seed, write, respond in (
        (1, before, lambda row: f"Go to the {PLACES[row % 8]} and ask at desk {row} there."),
        (2, prompt, response),
    ):
        rng = np.random.default_rng(seed)
        lines = []
        for row in range(N):
            text = write(row, rng)
            line = {"prompt": text, "response": respond(row), "user": f"user {row}"}
            if messages is not None:
                system = "Be brief." if seed == 1 else messages(row)
                request = [{"role": "system", "content": system}, {"role": "user", "content": text}]
                line = {
                    "request": {"messages": request, "user": f"user {row}"},
                    "response": {"choices": [{"message": {"content": respond(row)}}]},
                }
            lines.append(json.dumps(line))
        sides.append(folder / f"{seed}.jsonl")
        sides[-1].write_text("\n".join(lines))
    files = read_two_files(*sides, SETTINGS)
    return compare_files(files, SETTINGS, lambda *_: None, encoder=_Encoder()).assessment


def test_header_alone_leaves_rest_without_drift(tmp_path: Path) -> None:
    result = compare(tmp_path, lambda row, rng: HEADER + known(row, rng))

    (prefix,) = result.input.explanations
    assert (prefix.kind, prefix.text, prefix.n_end_users) == ("prefix", HEADER.strip(), N)
    assert (prefix.reference.estimate, prefix.current.estimate) == (0.0, 1.0)
    assert result.alarm
    assert result.input.drifted_share is not None
    assert result.input.drifted_share.estimate > 0.8
    assert result.input.rest is not None
    assert result.input.rest.verdict == "no_drift"
    assert not result.input.topics
    assert not result.input.outliers


def test_header_with_new_topic_leaves_topic_and_its_share(tmp_path: Path) -> None:
    def prompt(row: int, rng: np.random.Generator) -> str:
        return HEADER + (coins if row % 5 == 0 else known)(row, rng)

    result = compare(tmp_path, prompt)

    rest = result.input.rest
    assert rest is not None
    assert rest.verdict == "drift"
    assert rest.drifted_share is not None
    assert rest.drifted_share.lower <= 0.2 <= rest.drifted_share.upper < 0.4
    topic = result.input.topics[0]
    assert "crypto" in topic.name
    assert set(topic.name.split(", ")).isdisjoint({"sent", "web", "widget", "phone"})
    # As the exchange is stored, so that erasure recognises it.
    assert topic.examples[0].prompt.startswith(HEADER.strip())


def test_a_topic_that_is_gone_is_named(tmp_path: Path) -> None:
    def before(row: int, rng: np.random.Generator) -> str:
        return (coins if row % 3 == 0 else known)(row, rng)

    result = compare(tmp_path, known, before=before)

    (rarer,) = [item for item in result.input.explanations if item.kind == "rarer_topic"]
    assert "crypto" in rarer.before
    assert rarer.reference.lower <= 1 / 3 <= rarer.reference.upper
    assert rarer.current.estimate == 0.0
    assert f"“{rarer.before}” fell from 33% of the prompts to none." in result.findings
    assert "various" not in " ".join(result.findings)


def test_header_hides_responses_but_not_from_rest(tmp_path: Path) -> None:
    long = "word " * 200
    result = compare(tmp_path, lambda row, rng: long + known(row, rng))

    assert result.output.untested_reason == "few_comparable_prompts"
    # The page has no second sentence that says otherwise.
    assert not any("could not be compared" in text for text in (*result.findings, *result.remarks))
    assert result.output.rest is not None
    assert result.output.rest.verdict == "no_drift"
    assert not result.output.alarm


def test_other_language_is_set_apart_with_raw_novelty(tmp_path: Path) -> None:
    spanish = "por favor necesito bloquear la tarjeta de mi cuenta porque la perdí ayer en la calle"

    def prompt(row: int, rng: np.random.Generator) -> str:
        return f"{spanish} {rng.choice(PLACES)} {row}" if row % 10 == 0 else known(row, rng)

    result = compare(tmp_path, prompt)

    language = next(own for own in result.input.explanations if own.kind == "language")
    assert language.current.estimate == pytest.approx(0.1)
    assert result.input.rest is not None
    assert result.input.rest.n_current == N - 30
    assert result.input.rest.verdict == "no_drift"
    assert not result.input.topics


def test_empty_responses_are_set_apart(tmp_path: Path) -> None:
    result = compare(
        tmp_path,
        known,
        response=lambda row: (
            "" if row % 3 == 0 else f"Go to the {PLACES[row % 8]} and ask at desk {row} there."
        ),
    )

    assert result.output.explanations[0].kind == "empty"
    assert result.output.explanations[0].is_taken_out
    assert result.output.rest is not None
    assert result.output.rest.n_current == 200
    assert result.output.rest.verdict == "no_drift"


def test_system_message_explains_changed_responses_first(tmp_path: Path) -> None:
    result = compare(
        tmp_path,
        known,
        response=lambda row: f"We explain the {THINGS[row % 8]} in many more words today",
        messages=lambda row: "Explain each step.",
    )

    assert result.output.verdict == "drift"
    first = result.output.explanations[0]
    assert (first.kind, first.side) == ("system_message", "prompt")
    assert (first.text, first.before) == ("Explain each step.", "Be brief.")
    assert not result.input.explanations


def test_system_message_without_drift_is_stated(tmp_path: Path) -> None:
    result = compare(tmp_path, known, messages=lambda row: "Explain each step.")

    assert not result.alarm
    assert [own.kind for own in result.input.explanations] == ["system_message"]
