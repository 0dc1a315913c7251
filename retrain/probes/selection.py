"""The probe set of a model: prompts of its benchmarks, and the form in which they are sent."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection

from monitor.errors import ConfigurationError, InputError
from monitor.settings import Settings
from monitor.settings.evaluation_file import BenchmarkPlan, read_plan
from monitor.store.probes.runs import ProbeSetRow, insert_set, newest_set
from monitor.table_types.documents import read_document
from retrain.data.benchmarks.dataset_file import read_dataset
from retrain.data.benchmarks.item import BenchmarkItem, parse_items
from retrain.evaluation.metrics.refusal import over_refused, refused_harmful

Kind = Literal["quality", "safety"]

#: Share of a set that is drawn from prompts that must be refused, where there are as many.
SAFETY_SHARE = 0.2
#: Fewer prompts can't tell a change from noise.
MIN_PROMPTS = 20


class ProbeItem(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt of a probe set."""

    #: Benchmark and id of the item.
    key: str
    kind: Kind
    stratum: str
    #: With the system prompt of production.
    messages: tuple[dict[str, str], ...]
    #: Whether a refusal is required, or wrong; ``None``: neither.
    harmful: bool | None = None
    expected: str | None = None

    def passed(self, response: str) -> bool | None:
        """Return whether a response meets the requirement; ``None``: there is none."""
        if self.harmful is None:
            return None
        item = BenchmarkItem(
            id=self.key, messages=self.messages, harmful=self.harmful, expected=self.expected
        )
        return bool(
            refused_harmful(item, response) if self.harmful else not over_refused(item, response)
        )


def form_of(settings: Settings) -> dict[str, Any]:
    """Return the form of the requests; another form needs another set and another reference."""
    return {
        "system_prompt": settings.model.system_prompt,
        "max_tokens": settings.probes.max_tokens,
        "body": settings.probes.body,
        "prompts": settings.probes.prompts,
        "evaluation": settings.retrain.evaluation,
    }


def current_set(connection: Connection, settings: Settings) -> ProbeSetRow | None:
    """Return the stored set of a model; ``None``: it was drawn for another form, or never.

    The file of a benchmark may change: the set stays, because a reference is of one set.
    """
    known = newest_set(connection, settings.model.name)
    return known if known and known.form_digest == _digest(form_of(settings)) else None


def store_set(
    connection: Connection, settings: Settings, items: Sequence[ProbeItem], now: Any
) -> ProbeSetRow:
    """Store the set of a model and return it."""
    form = form_of(settings)
    rows = [msgspec.to_builtins(item) for item in items]
    digest, form_digest = _digest([form, rows]), _digest(form)
    return insert_set(connection, settings.model.name, digest, form_digest, form, rows, now)


def items_of(row: ProbeSetRow) -> dict[str, ProbeItem]:
    """Return the items of a stored set by key."""
    return {item.key: item for item in read_document(row.items, list[ProbeItem])}


def draw_items(settings: Settings) -> list[ProbeItem]:
    """Draw the prompts from the benchmarks of evaluation.yaml.

    Each stratum gets a share in proportion to its items, and at least one prompt where there are
    as many as strata. A hash decides which, so that the same files give the same set.

    Raises:
        ConfigurationError: There is no evaluation file, or it is malformed.
        InputError: A data set can't be read, or there are fewer than 20 different prompts.
        DatasetUnavailableError: The storage of a data set is unavailable.
    """
    if not settings.retrain.evaluation:
        raise ConfigurationError(
            f"{settings.model.name}: probes.url is set without retrain.evaluation; name the "
            "evaluation file whose benchmarks have the prompts"
        )
    plan = read_plan(Path(settings.retrain.evaluation))
    pool: dict[str, ProbeItem] = {}
    for benchmark in plan.benchmarks:
        content = read_dataset(benchmark.dataset, plan.origin.parent)
        for item in parse_items(content, benchmark.dataset):
            probe = _probe(benchmark, item, settings.model.system_prompt)
            pool.setdefault(_digest(probe.messages), probe)  # a prompt of two benchmarks once
    n = settings.probes.prompts
    harmful = [probe for probe in pool.values() if probe.kind == "safety"]
    other = [probe for probe in pool.values() if probe.kind == "quality"]
    n_safety = min(len(harmful), max(round(SAFETY_SHARE * n), n - len(other)))
    items = _stratified(harmful, n_safety) + _stratified(other, n - n_safety)
    if len(items) < MIN_PROMPTS:
        raise InputError(
            f"{plan.origin}: {len(items)} different prompts; probes need at least {MIN_PROMPTS}",
            code="few_prompts",
        )
    return items


def _probe(benchmark: BenchmarkPlan, item: BenchmarkItem, system_prompt: str) -> ProbeItem:
    fields = benchmark.stratify_by or ("task_type",)
    messages = item.messages
    if system_prompt and messages[0]["role"] != "system":
        messages = ({"role": "system", "content": system_prompt}, *messages)
    return ProbeItem(
        key=f"{benchmark.name}/{item.id}",
        kind="safety" if item.harmful else "quality",
        stratum="/".join((benchmark.name, *(item.stratum_of(field) for field in fields))),
        messages=messages,
        harmful=item.harmful,
        expected=item.expected,
    )


def _stratified(probes: Sequence[ProbeItem], n: int) -> list[ProbeItem]:
    strata: dict[str, list[ProbeItem]] = defaultdict(list)
    for probe in sorted(probes, key=lambda probe: _digest(probe.key)):
        strata[probe.stratum].append(probe)
    n = min(n, len(probes))
    # In turns, by the share that a stratum has of its quota, the largest strata first.
    quotas = {name: n * len(rows) / len(probes) for name, rows in strata.items()}
    taken = dict.fromkeys(strata, 0)
    for _ in range(n):
        free = [name for name in strata if taken[name] < len(strata[name])]
        name = min(free, key=lambda s: (taken[s] > 0, (taken[s] + 0.5) / quotas[s], s))
        taken[name] += 1
    return [probe for name, rows in strata.items() for probe in rows[: taken[name]]]


def _digest(content: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()
