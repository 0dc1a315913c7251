"""Known pairs whose responses, instructions or metrics changed, or did not."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from pandas import DataFrame

from bench.explanations.known_pair import KnownPair
from bench.explanations.prompt_pairs import ALL, NO_CHANGE
from bench.explanations.sources import Sources

N = 380
BEFORE = "You are a helpful assistant of the bank. Answer in full sentences."
AFTER = "You are a helpful assistant of the bank. Answer in one short sentence only."
REFUSAL = "I'm sorry, but I can't help with that request."
Rows = list[dict[str, Any]]


def response_pairs(sources: Sources) -> Iterator[KnownPair]:
    """Yield the pairs."""
    yield from _events(sources)
    yield from _characters(sources)
    yield from _metrics(sources)
    yield from _instructions(sources)


def _sides(sources: Sources, n: int = N, release: int = 1) -> tuple[Rows, Rows]:
    """Return exchanges of one release with other prompts."""
    drawn = sources.release(release, sources.instructions(2 * n))
    rows = [
        {"prompt": prompt, "response": response, "user": f"u{row}"}
        for row, (prompt, response) in enumerate(drawn)
    ]
    return rows[:n], rows[n:]


def _pair(
    name: str, sides: tuple[Rows, Rows], *, alarms: bool | None = True, **truth: Any
) -> KnownPair:
    never = (r"-0\.0\b", r"baseline's median", *truth.pop("never", ()))
    frames = [DataFrame(side) for side in sides]
    return KnownPair(
        name=name, reference=frames[0], current=frames[1], alarms=alarms, never=never, **truth
    )


def _change(rows: Rows, share: float, change: Callable[[str], str]) -> Rows:
    n = round(share * len(rows))
    changed = [row | {"response": change(row["response"])} for row in rows[:n]]
    return changed + rows[n:]


def _json_rows(rows: Rows, n_broken: int) -> Rows:
    valid = [json.dumps({"answer": row["response"][:60], "score": 1}) for row in rows]
    return [
        row | {"response": text[: len(text) // 2] if at < n_broken else text}
        for at, (row, text) in enumerate(zip(rows, valid, strict=True))
    ]


def _events(sources: Sources) -> Iterator[KnownPair]:
    reference, current = _sides(sources)
    yield _pair(
        "10% of the responses are empty",
        (reference, _change(current, 0.1, lambda _: "")),
        first=r"\b(9|10|11)% of the responses are empty",
        never=(r"“various",),
    )
    reference, current = _sides(sources, 150)
    yield _pair(
        "15 of 150 responses are empty",
        (reference, _change(current, 0.1, lambda _: "")),
        first=r"\b10% of the responses are empty",
        never=(NO_CHANGE + r" of (the )?responses",),
    )
    reference, current = _sides(sources)
    yield _pair(
        "8% refusals",
        (reference, _change(current, 0.08, lambda _: REFUSAL)),
        first=r"refus",
    )
    reference, current = _sides(sources)
    yield _pair(
        "20% of the responses are cut off",
        (
            reference,
            _change(current, 0.2, lambda text: text[: max(40, len(text) // 3)].rstrip(".")),
        ),
        first=r"cut off|shorter",
    )
    reference, current = _sides(sources)
    yield _pair(
        "10% malformed JSON",
        (_json_rows(reference, 0), _json_rows(current, round(0.1 * N))),
        first=r"JSON|format",
    )


def _characters(sources: Sources) -> Iterator[KnownPair]:
    yield _pair("nothing changed", _sides(sources), alarms=False, first=NO_CHANGE)
    rows = sources.instructions(2 * N)
    sides = [
        [
            {"prompt": prompt, "response": response, "user": f"{release}{at}"}
            for at, (prompt, response) in enumerate(sources.release(release, part))
        ]
        for release, part in ((0, rows[:N]), (2, rows[N:]))
    ]
    yield _pair(
        "another release, other prompts", (sides[0], sides[1]), first=r"respon", never=(r"\+0\.0",)
    )
    same = sources.instructions(200)
    releases = [
        [
            {"prompt": prompt, "response": response, "user": f"u{at}"}
            for at, (prompt, response) in enumerate(sources.release(release, same))
        ]
        for release in (1, 2)
    ]
    yield _pair(
        "the same 200 prompts, another release",
        (releases[0], releases[1]),
        alarms=None,
        first=r"respon",
        also=(r"same (200 )?prompts|pairs",),
    )
    reference, current = _sides(sources)
    half = [
        row
        | {
            "response": " ".join(
                row["response"].split()[: max(5, len(row["response"].split()) // 2)]
            )
            + "."
        }
        for row in current
    ]
    yield _pair("responses half as long", (reference, half), first=r"shorter")
    reference, current = _sides(sources)
    listed = _change(current, 1.0, lambda text: "- " + text.replace(". ", ".\n- "))
    yield _pair("every response is a list", (reference, listed), first=r"respon.*|list|markup")
    reference, current = _sides(sources)
    closing = _change(current, 1.0, lambda text: text + "\n\nIs there anything else I can do?")
    yield _pair(
        "every response ends with a question",
        (reference, closing),
        first=rf"{ALL}.*anything else",
    )


def _metric(rows: Rows, **metrics: Callable[[int], float]) -> Rows:
    return [
        row | {name: function(at) for name, function in metrics.items()}
        for at, row in enumerate(rows)
    ]


def _metrics(sources: Sources) -> Iterator[KnownPair]:
    rng = sources.rng
    reference, current = _sides(sources)
    yield _pair(
        "`resolved` falls by 40%",
        (
            _metric(reference, resolved=lambda _: float(rng.random() < 0.8)),
            _metric(current, resolved=lambda _: float(rng.random() < 0.48)),
        ),
        first=r"resolved.* fell by",
    )
    reference, current = _sides(sources)
    judge_before = _metric(reference, judge=lambda _: float(rng.choice((3, 4, 5))))
    judge_after = _metric(current, judge=lambda _: float(rng.choice((2, 3, 4))))
    yield _pair(
        "`judge` falls, its direction unknown",
        (judge_before, judge_after),
        alarms=None,
        first=r"judge.* fell by 2[0-9]%",
        also=(r"higher_is_better",),
    )
    yield _pair(
        "`judge` and `resolved` fall",
        (
            _metric(judge_before, resolved=lambda _: float(rng.random() < 0.8)),
            _metric(judge_after, resolved=lambda _: float(rng.random() < 0.48)),
        ),
        first=r"resolved.* fell by",
        also=(r"judge.* fell by 2[0-9]%",),
    )
    reference, current = _sides(sources)
    yield _pair(
        "a metric rises by a hair",
        (
            _metric(reference, latency_seconds=lambda _: float(rng.normal(2.0, 0.05))),
            _metric(current, latency_seconds=lambda _: float(rng.normal(2.02, 0.05))),
        ),
        alarms=False,
        first=NO_CHANGE,
    )


def _instructions(sources: Sources) -> Iterator[KnownPair]:
    def with_system(rows: Rows, system: str) -> Rows:
        return [
            row
            | {
                "prompt": [
                    {"role": "system", "content": system.format(at)},
                    {"role": "user", "content": row["prompt"]},
                ]
            }
            for at, row in enumerate(rows)
        ]

    reference, current = _sides(sources)
    yield _pair(
        "another system message",
        (with_system(reference, BEFORE), with_system(current, AFTER)),
        alarms=None,
        first=rf"system message.*{ALL}|{ALL}.*system message",
        also=(r"one short sentence",),
    )
    reference, current = _sides(sources)
    dated = BEFORE + " This is request {}."
    yield _pair(
        "a system message with a number of each request",
        (with_system(reference, dated), with_system(current, dated)),
        alarms=False,
        first=NO_CHANGE,
        never=(r"system message",),
    )
    reference, current = _sides(sources)
    short = [row | {"response": " ".join(row["response"].split()[:12]) + "."} for row in current]
    yield _pair(
        "another system message makes responses shorter",
        (with_system(reference, BEFORE), with_system(short, AFTER)),
        first=r"system message|shorter",
        also=(r"system message", r"shorter"),
    )
