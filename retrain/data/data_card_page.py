"""Data card as a Markdown page, in the run's folder and with the adapter."""

from collections.abc import Mapping

from retrain.data.data_card import Card, SelfGenerated, Tokens
from retrain.data.exclusions import LEAKED, TOO_LONG, describe_excluded


def data_card(card: Card) -> str:
    """Render a card."""
    parts = [
        "# Training data\n",
        _overview(card),
        _table("Task types", ("task type", "training", "validation"), _task_types(card)),
        _table("Sources", ("source", "training"), _rows(card.by_source)),
        _table("Guidelines", ("version", "gold"), _guidelines(card)),
        _table("Resolution of the gold", ("resolution", "gold"), _rows(card.by_resolution)),
        _agreement(card.agreement),
        _tokens(card.tokens),
        _self_generated(card.self_generated),
        _dropped(card),
        _table("Excluded because of leakage", ("benchmark", "examples"), _rows(card.leaked)),
        _list("Possible paraphrases of benchmark items, not excluded", card.paraphrases),
        _list("Gold that differs from a benchmark", card.differs_from_benchmark),
        _list("Near-duplicate gold with different responses", card.differing_gold),
        _list("Remarks", card.remarks),
        _list(
            "Removed later", tuple(f"{entry['n_rows']}: {entry['why']}" for entry in card.removed)
        ),
        _table("Inputs", ("input", "digest"), [list(item) for item in sorted(card.inputs.items())]),
    ]
    return "\n".join(part for part in parts if part)


def left_out_lines(card: Card) -> list[str]:
    """Return a line for each reason of exclusion, with names where they can't be trained on."""
    return [
        describe_excluded(reason, n, card.dropped_examples.get(reason, ()))
        if reason in {LEAKED, TOO_LONG}
        else f"{n} {reason}"
        for reason, n in card.dropped.items()
    ]


def _overview(card: Card) -> str:
    replayed = f"{card.n_replay} replayed ({card.replay_share:.0%})"
    lines = [
        f"- {card.n_examples} examples: {card.n_gold} gold, {replayed}.",
        f"- {card.n_validation} validation examples; {card.n_groups} groups kept together."
        if card.n_validation
        else "- No validation examples.",
        f"- Near-duplicates: {card.near_duplicates or 'no search'}.",
        f"- Digest of `train.jsonl`: `{card.digest}`.",
    ]
    if card.validation_digest:
        lines.append(f"- Digest of `validation.jsonl`: `{card.validation_digest}`.")
    return "\n".join(lines) + "\n"


def _task_types(card: Card) -> list[list[str]]:
    names = sorted({*card.by_task_type, *card.validation_by_task_type})
    return [
        [
            name or "(none)",
            str(card.by_task_type.get(name, 0)),
            str(card.validation_by_task_type.get(name, 0)),
        ]
        for name in names
    ]


def _guidelines(card: Card) -> list[list[str]]:
    return [[name[:12] or "(no guidelines)", str(n)] for name, n in card.by_guidelines.items()]


def _agreement(agreement: Mapping[str, float | None] | None) -> str:
    if not agreement:
        return ""
    text = [f"- {agreement['n_items']} items with two reviews or more."]
    raw = agreement["raw"]
    if raw is not None:
        text.append(f"- The same verdict in {raw:.1%} of the pairs of reviews.")
    for name, title in (("alpha", "Krippendorff's alpha"), ("ac1", "Gwet's AC1")):
        value, lower, upper = (agreement[key] for key in (name, f"{name}_lower", f"{name}_upper"))
        if value is not None:
            interval = "" if lower is None else f" [{lower:.3f}, {upper:.3f}]"
            text.append(f"- {title}: {value:.3f}{interval}.")
    return "## Agreement of the reviewers\n\n" + "\n".join(text) + "\n"


def _tokens(tokens: Tokens | None) -> str:
    if tokens is None:
        return ""
    return (
        "## Tokens\n\n"
        f"- {tokens.training} in training, {tokens.validation} in validation.\n"
        f"- Per example: {tokens.median} (median), {tokens.p90} (90th percentile), "
        f"{tokens.p99} (99th).\n"
        f"- Longest example: {tokens.longest} ({tokens.longest_example}).\n"
    )


def _self_generated(replay: SelfGenerated | None) -> str:
    if replay is None:
        return ""
    wanted = replay.wanted_training + replay.wanted_validation
    if replay.n_usable is None:
        text = f"- {replay.n_prompts} prompts for {wanted} wanted responses.\n"
    else:
        base = f"`{replay.base}`" if replay.base else "the base"
        author = f"the adapter in `{replay.adapter}` on {base}" if replay.adapter else base
        text = f"- {replay.n_usable} of {wanted} responses, by {author}.\n" + "".join(
            f"- {n} not used: {reason}.\n" for reason, n in sorted(replay.unusable.items())
        )
    return (
        "## Self-generated replay\n\nThe original training data is missing: the serving model "
        f"responds to prompts of its baseline, to preserve its behaviour.\n\n{text}"
    )


def _dropped(card: Card) -> str:
    rows = [
        [reason, str(n), ", ".join(card.dropped_examples.get(reason, ()))]
        for reason, n in card.dropped.items()
    ]
    return _table("Excluded", ("reason", "examples", "first examples"), rows)


def _rows(counts: Mapping[str, int]) -> list[list[str]]:
    return [[name, str(n)] for name, n in counts.items()]


def _table(title: str, header: tuple[str, ...], rows: list[list[str]]) -> str:
    if not rows:
        return ""
    lines = [f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows)]
    return f"## {title}\n\n" + "\n".join(lines) + "\n"


def _list(title: str, entries: tuple[str, ...]) -> str:
    if not entries:
        return ""
    return f"## {title}\n\n" + "".join(f"- {entry}\n" for entry in entries)
