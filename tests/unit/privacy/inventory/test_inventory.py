"""The inventory covers both registries, and says what the settings are."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from monitor.cli.app import app
from monitor.privacy.inventory.content import TO_FILL_IN, Inventory, build_inventory
from monitor.privacy.inventory.pages import to_markdown, to_text
from monitor.privacy.retention.period_text import describe_period
from monitor.privacy.run_files import RUN_FILES
from monitor.setting_types.durations import parse_duration
from monitor.settings import Configuration, Retention
from monitor.store.tables import metadata
from monitor.store.tables.facts import columns_of, table_names
from monitor.table_types.contents import Content

SECRETS = ("hunter2", "tok-123", "T0P5ECRET")


def inventory(**sections: Any) -> Inventory:
    return build_inventory(Configuration(**sections))


def test_every_table_is_listed_once() -> None:
    listed = inventory()
    stores = [store.name for store in listed.stores if store.place == "database"]
    assert sorted([*stores, *listed.without_personal_data]) == sorted(metadata.tables)


def test_every_column_with_personal_data_is_listed() -> None:
    listed = {
        (store.name, column.name)
        for store in inventory().stores
        if store.place == "database"
        for column in store.columns
    }
    assert listed == {
        (name, column)
        for name in table_names()
        for column, content in columns_of(name).items()
        if content.content is not Content.NONE
    }


def test_every_file_of_a_run_is_listed() -> None:
    names = {store.name for store in inventory().stores if store.place == "files"}
    assert {f"runs/*/{kind.pattern}" for kind in RUN_FILES if kind.content is not Content.NONE} <= (
        names
    )


def test_every_entry_has_purpose_period_and_readers() -> None:
    for store in inventory().stores:
        assert store.purpose, store.name
        assert store.period, store.name
        assert store.readers, store.name


def test_periods_are_those_of_the_settings() -> None:
    retention = Retention(exchanges=parse_duration("90d"), reviews=parse_duration("365d"))
    assert "90d (retention.exchanges)" in describe_period("exchanges", retention)
    assert "365d (retention.reviews)" in describe_period("reviews", retention)
    assert "90d" in describe_period("embedding_blocks", retention)
    assert "no limit" in describe_period("exchanges", Retention())


def test_period_that_is_off_is_not_named_as_one() -> None:
    period = describe_period("dead_letters", Retention(dead_letters=None))
    assert period == "no limit is set (retention.dead_letters)"


def test_services_of_the_settings_are_named_without_secrets() -> None:
    listed = inventory(
        database={"url": "postgresql+psycopg2://ann:hunter2@db.internal/driftwarden"},
        alerts={
            "channel": "C0123456789",
            "channels": {
                "pager": {
                    "kind": "alertmanager",
                    "url": "https://u:tok-123@pager.example/T0P5ECRET",
                }
            },
        },
        retrain={"judge": {"url": "https://judge.example/v1?key=tok-123", "model": "judge"}},
    )
    addresses = {recipient.setting: recipient.address for recipient in listed.recipients}
    assert {
        "database.url",
        "kafka.bootstrap_servers",
        "alerts.channel",
        "retrain.judge.url",
    } <= set(addresses)
    assert addresses["retrain.judge.url"] == "https://judge.example"
    for text in (to_markdown(listed), to_text(listed), str(listed)):
        assert not any(secret in text for secret in SECRETS)


def test_service_of_one_model_is_named_with_it() -> None:
    listed = inventory(
        models={"a": {"probes": {"url": "https://one.example/v1", "model": "a"}}, "b": {}}
    )
    probes = [recipient for recipient in listed.recipients if recipient.setting == "probes.url"]
    assert [(recipient.model, recipient.address) for recipient in probes] == [
        ("a", "https://one.example")
    ]


def test_all_formats_list_the_fields_for_the_site() -> None:
    listed = inventory()
    for field in TO_FILL_IN:
        assert field.name in to_markdown(listed)
        assert field.name in to_text(listed)
    assert {"Controller", "Legal basis", "Recipients", "Transfers"} <= {
        field.name for field in TO_FILL_IN
    }


def test_settings_can_not_break_the_tables() -> None:
    text = to_markdown(inventory(alerts={"channel": "a|b\n| c"}))
    rows = [line for line in text.splitlines() if "alerts.channel" in line]
    assert [row.replace(r"\|", "").count("|") for row in rows] == [4]


def test_command_reads_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["privacy", "inventory", "--json"])
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert {store["place"] for store in document["stores"]} == {"database", "files"}
    assert list(tmp_path.iterdir()) == []


def test_json_with_markdown_is_refused() -> None:
    assert CliRunner().invoke(app, ["privacy", "inventory", "--json", "--markdown"]).exit_code == 2


def test_code_in_markdown_is_not_nested() -> None:
    spans = re.findall(r"`([^`]*)`", to_markdown(inventory()))
    assert [] == [span for span in spans if not span or span != span.strip()]
