"""Counters that begin at 0: one that is born with its first event alerts nobody."""

import re
from pathlib import Path

from monitor.daemon.leader_metrics import create_counters as create_counters_of_models
from monitor.telemetry import REGISTRY
from monitor.traffic.dead_letters import REASONS
from monitor.traffic.ingest.storage_metrics import create_counters

TRAFFIC = Path(__file__).parents[3] / "monitor" / "traffic"


def test_every_counter_exists_before_its_first_event() -> None:
    create_counters("a-topic")
    create_counters_of_models(["a-model"])
    counters = [family for family in REGISTRY.collect() if family.type == "counter"]
    assert not [family.name for family in counters if not family.samples]
    for family in counters:
        labels = [sample.labels for sample in family.samples]
        for label, value in (("source", "a-topic"), ("model", "a-model")):
            if label in labels[0]:
                assert value in [of_sample.get(label) for of_sample in labels], family.name


def test_every_reason_in_the_code_is_listed() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in TRAFFIC.rglob("*.py"))
    raised = set(re.findall(r'RecordError\(\s*"(\w+)"', source))
    assert len(raised) > 10
    assert raised <= set(REASONS)
