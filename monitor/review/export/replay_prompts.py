"""Prompts of a model's baseline, as production sends them, for self-generated replay."""

from typing import Any

from sqlalchemy import Connection

from monitor.review.export.training_examples import TaxonomyVersions
from monitor.settings import ModelSection
from monitor.store.review.taxonomies import latest_publication
from monitor.store.traffic.baselines import latest_baseline
from monitor.store.training.conversations import baseline_conversations

#: Roles of a training example; responses to tool output can't be replayed.
ROLES = frozenset({"system", "user", "assistant"})


def replay_prompts(connection: Connection, model: ModelSection, name: str) -> list[dict[str, Any]]:
    """Return the prompts of a model's newest baseline, to which it generates responses itself.

    A prompt without a recorded system prompt gets that of the current taxonomy, as gold does.
    Without a taxonomy it is the model's. ``name`` is the model's in the traffic. A row is
    ``{"messages", "metadata", "group_keys"}``, the messages ending with the user's turn; there is
    none if the model has no baseline.
    """
    baseline = latest_baseline(connection, name)
    if baseline is None:
        return []
    current = latest_publication(connection, name)
    taxonomy = TaxonomyVersions(connection, model.system_prompt).of(
        "" if current is None else current.version
    )
    rows = []
    for exchange in baseline_conversations(connection, baseline.id):
        messages = [
            {"role": turn["role"], "content": turn["content"]} for turn in exchange.messages
        ]
        if not messages or messages[-1]["role"] != "user":
            continue
        if not {turn["role"] for turn in messages} <= ROLES:
            continue
        if taxonomy is not None and all(turn["role"] != "system" for turn in messages):
            system_prompt = taxonomy.system_prompt_of(exchange.task_type).strip()
            if system_prompt:
                messages.insert(0, {"role": "system", "content": system_prompt})
        rows.append(
            {
                "messages": messages,
                "metadata": {
                    "exchange_id": exchange.exchange_id,
                    "model": exchange.model,
                    "task_type": exchange.task_type,
                    "baseline": baseline.digest,
                },
                "group_keys": [f"user={exchange.end_user}"] if exchange.end_user else [],
            }
        )
    return rows
