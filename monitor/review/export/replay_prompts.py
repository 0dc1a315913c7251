"""What the model's baseline was asked, in the words with which production asks it."""

from typing import Any

from sqlalchemy import Connection

from monitor.review.export.training_examples import TaxonomyVersions
from monitor.settings import ModelSection
from monitor.store.review.taxonomies import current_taxonomy_version
from monitor.store.traffic.baselines import latest_baseline
from monitor.store.training.conversations import baseline_conversations

#: What a training example may hold; an answer to a tool's output can't be replayed.
ROLES = frozenset({"system", "user", "assistant"})


def replay_prompts(connection: Connection, model: ModelSection, name: str) -> list[dict[str, Any]]:
    """Return the prompts of a model's newest baseline, for it to answer itself.

    A prompt that was recorded without a system prompt gets that of the taxonomy in force, as gold
    does.

    Args:
        connection: Inside the caller's transaction.
        model: Its system prompt is for models without a taxonomy.
        name: The model, as the traffic names it.

    Returns:
        ``{"messages", "metadata", "group_keys"}``, the messages ending with the user's turn; nothing
        where the model has no baseline.
    """
    baseline = latest_baseline(connection, name)
    if baseline is None:
        return []
    taxonomy = TaxonomyVersions(connection, model.system_prompt).of(
        current_taxonomy_version(connection) or ""
    )
    rows = []
    for asked in baseline_conversations(connection, baseline.id):
        messages = [{"role": one["role"], "content": one["content"]} for one in asked.messages]
        if not messages or messages[-1]["role"] != "user":
            continue
        if not {one["role"] for one in messages} <= ROLES:
            continue
        if taxonomy is not None and all(one["role"] != "system" for one in messages):
            system_prompt = taxonomy.system_prompt_of(asked.task_type).strip()
            if system_prompt:
                messages.insert(0, {"role": "system", "content": system_prompt})
        rows.append(
            {
                "messages": messages,
                "metadata": {
                    "exchange_id": asked.exchange_id,
                    "model": asked.model,
                    "task_type": asked.task_type,
                    "baseline": baseline.digest,
                },
                "group_keys": [f"user={asked.end_user}"] if asked.end_user else [],
            }
        )
    return rows
