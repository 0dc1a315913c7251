"""Prompts with topic labels, from CLINC150 or from a folder of exchanges."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.bench.labelled import OUT_OF_SCOPE
from monitor.errors import InputError
from monitor.settings import Traffic
from monitor.traffic.files.reading import read_exchanges

CLINC_FILES = ("data_full.json", "domains.json")

ACCEPTED = (
    "give a folder with CLINC150 (data_full.json and domains.json, or a folder clinc150 with "
    "them), or with .jsonl files of exchanges that have a topic each"
)


@dataclass(frozen=True)
class LabelledTexts:
    """Texts with the numbers of their topics and domains, as in :class:`Labelled`."""

    name: str
    texts: Sequence[str]
    topics: NDArray[np.int64]
    domains: NDArray[np.int64]


def read_texts(folder: Path, settings: Traffic) -> LabelledTexts:
    """Return the data set of a folder, CLINC150 or exchanges.

    Raises:
        InputError: The folder has no data set, or one that can't be read.
    """
    if not folder.is_dir():
        raise InputError(f"no such folder: {folder}; {ACCEPTED}")
    for place in (folder, folder / "clinc150"):
        if all((place / name).is_file() for name in CLINC_FILES):
            return read_clinc(place)
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        raise InputError(f"no data set in folder: {folder}; {ACCEPTED}")
    return read_labelled_exchanges(files, settings)


def read_clinc(folder: Path) -> LabelledTexts:
    """Return CLINC150: intents are topics, ``oos`` is out of scope (Larson et al., EMNLP 2019)."""
    try:
        splits = json.loads((folder / "data_full.json").read_text(encoding="utf-8"))
        intents_of = json.loads((folder / "domains.json").read_text(encoding="utf-8"))
        pairs = [(text, intent) for split in splits.values() for text, intent in split]
        domain_of = {intent: name for name, intents in intents_of.items() for intent in intents}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise InputError(f"not CLINC150: {folder}: {error}; {ACCEPTED}") from None
    topics = ["" if intent == "oos" else intent for _, intent in pairs]
    return LabelledTexts(
        "CLINC150",
        [text for text, _ in pairs],
        number_labels(topics),
        number_labels([domain_of.get(topic, topic) for topic in topics]),
    )


def read_labelled_exchanges(files: Sequence[Path], settings: Traffic) -> LabelledTexts:
    """Return the prompts of exchanges in any traffic format.

    The topic is ``metadata.topic``, else ``task_type``; an exchange without one is out of scope.
    The domain, a group of topics, is ``metadata.domain``, else the topic. Lines that can't be read
    are an error: a benchmark on part of the data would be biased.

    Raises:
        InputError: A line can't be read, or there are fewer than two topics.
    """
    texts, topics, domains = [], [], []
    for path in files:
        content = read_exchanges(path, settings, default_model="", redactor=None)
        if content.bad_lines:
            raise InputError(f"{path}: {content.bad_lines[0]}")
        for exchange in content.exchanges:
            topic = str(exchange.attributes.get("topic", "")) or exchange.task_type
            texts.append(exchange.prompt)
            topics.append(topic)
            domains.append(str(exchange.attributes.get("domain", "")) if topic else "")
    n_topics = len(set(topics) - {""})
    if n_topics < 2:
        raise InputError(
            f"too few topics in {files[0].parent}: {n_topics} in {len(texts)} exchanges; set the "
            "topic of each in `metadata.topic` or `task_type`"
        )
    group_names = [domain or topic for domain, topic in zip(domains, topics, strict=True)]
    return LabelledTexts(
        files[0].parent.resolve().name, texts, number_labels(topics), number_labels(group_names)
    )


def number_labels(labels: Sequence[str]) -> NDArray[np.int64]:
    """Return numbers from 0 for labels in alphabetical order; the empty label is out of scope."""
    number = {label: i for i, label in enumerate(sorted(set(labels) - {""}))}
    return np.array([number.get(label, OUT_OF_SCOPE) for label in labels], dtype=np.int64)
