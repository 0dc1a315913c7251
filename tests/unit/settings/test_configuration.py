"""Consistency of config.toml, settings and environment; messages of errors."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter

from monitor.errors import ConfigurationError
from monitor.settings import (
    Secrets,
    Sections,
    Settings,
    all_sections,
    load_configuration,
    load_secrets,
    load_settings,
)
from monitor.settings.models.table import OVERRIDABLE, ModelSection
from monitor.store.tables.facts import columns_of, period_of, table_names
from tests.unit.settings.setting_reads import reads_in

ROOT = Path(__file__).resolve().parents[3]
CONFIG = ROOT / "config.toml"
#: section.key = value  # comment, where the value may hold a "#" inside quotes
LINE = re.compile(
    r'^(?P<section>[\w.]+)\.(?P<key>\w+) = (?P<value>"[^"]*"|\[[^\]]*\]|[^#\s]+)'
    r"\s*(?P<comment>#\s*\S.*)?$"
)
#: What a site sets first stands above this line.
ADVANCED = "# ---- Advanced"


@pytest.fixture(autouse=True)
def without_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Ignore the developer's environment and config.toml."""
    import os

    for name in list(os.environ):
        if name.startswith(("DRIFTWARDEN_", "SLACK_", "KAFKA_SASL_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def declared_keys() -> dict[tuple[str, str], Any]:
    """Return (section, key) -> default of every setting."""
    return {
        (name, key): field.default
        for name, section in all_sections().items()
        for key, field in section.model_fields.items()
        if f"{name}.{key}" not in all_sections()
    }


def documented_lines() -> Iterator[re.Match[str]]:
    """Yield the line of every key in config.toml; other lines are an error."""
    for number, line in enumerate(CONFIG.read_text(encoding="utf-8").splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        match = LINE.match(line)
        assert match, f"config.toml:{number}: not `section.key = value  # comment`: {line!r}"
        yield match


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_config_toml_has_every_setting() -> None:
    written = [(line["section"], line["key"]) for line in documented_lines()]
    assert sorted(declared_keys()) == sorted(written)


def test_thirteen_keys_precede_the_advanced_keys() -> None:
    first, advanced = CONFIG.read_text(encoding="utf-8").split(ADVANCED)
    assert len(re.findall(r"^\w", first, re.MULTILINE)) == 13
    assert len(declared_keys()) - 13 == len(re.findall(r"^\w", advanced, re.MULTILINE))


@cache
def sources() -> list[str]:
    """Return the modules that may read settings."""
    settings = ROOT / "monitor" / "settings"
    declaring = {settings, ROOT / "monitor" / "setting_types"}
    paths = [path for folder in ("monitor", "retrain") for path in (ROOT / folder).rglob("*.py")]
    paths = [
        path for path in paths if path.name != "settings.py" and declaring.isdisjoint(path.parents)
    ]
    paths += [settings / "configuration.py", settings / "loading.py"]
    return [path.read_text("utf-8") for path in paths]


@pytest.mark.slow
def test_every_setting_is_read_from_its_section() -> None:
    declared = all_sections()
    # A model's settings are read as `settings.model`.
    sections = {**declared, "model": ModelSection}
    read = {read for source in sources() for read in reads_in(source, sections)}
    read |= {("models.assistant", key) for section, key in read if section == "model"}
    # Sections that a model overrides are read by their names, periods by those of the columns.
    read |= {("models.assistant", section) for section in OVERRIDABLE}
    read |= {("retention", period_of(*column)) for column in columns_of_personal_data()}
    assert sorted(set(declared_keys()) - read) == []


def columns_of_personal_data() -> list[tuple[str, str]]:
    return [(name, column) for name in table_names() for column in columns_of(name)]


@pytest.mark.parametrize(
    ("source", "is_read"),
    [
        ("settings.alerts.status", True),
        ("row.status", False),
        ("def send(limits: Alerts): return limits.status", True),
        ("def send(limits: 'Alerts | None'): return limits.status", True),
        ("rules = own = settings.alerts; own.status", True),
        ("first, rules = 1, site().alerts; rules.status", True),
        ("(rules := site.alerts).channel; rules.status", True),
        ("settings.review.status", False),
        ("settings.alerts = status", False),
    ],
)
def test_read_of_a_setting_is_distinguished_from_other_attributes(
    source: str, is_read: bool
) -> None:
    assert (("alerts", "status") in reads_in(source, all_sections())) == is_read


def test_every_secret_is_read() -> None:
    code = "\n".join(sources())
    read = set(re.findall(r"\.(\w+)\b", code))
    read |= {name.lower() for name in re.findall(r'read_variable\("(\w+)"\)', code)}
    assert [name for name in Secrets.model_fields if name not in read] == []


@pytest.mark.parametrize("name", Secrets.model_fields)
def test_every_secret_has_a_description(name: str) -> None:
    assert Secrets.model_fields[name].description


@pytest.mark.parametrize(("section", "key"), sorted(declared_keys()))
def test_limits_and_durations_have_one_form(section: str, key: str) -> None:
    assert not re.search(
        r"^(minimum|maximum|least|most)_|_(seconds|minutes|hours|days|weeks)$", key
    )


def test_config_toml_is_the_defaults() -> None:
    assert Settings().model_dump() == load_settings(CONFIG).model_dump()


@pytest.mark.parametrize(("section", "key"), sorted(declared_keys()))
def test_every_key_has_its_default_and_a_comment(section: str, key: str) -> None:
    line = next(x for x in documented_lines() if (x["section"], x["key"]) == (section, key))
    written = tomllib.loads(f"value = {line['value']}")["value"]
    field = all_sections()[section].model_fields[key]
    adapter = TypeAdapter(Annotated[field.annotation, field])
    assert field.default == adapter.validate_python(written), f"{section}.{key} in config.toml"
    assert line["comment"], f"{section}.{key} has no comment in config.toml"
    assert len(line["comment"].strip("# ").split()) >= 2


def test_sections_are_documented_in_code() -> None:
    sections = {*Sections.model_fields, "models.assistant"}
    assert sections <= set(all_sections())
    for name, section in all_sections().items():
        assert section.__doc__, name


def test_secrets_have_no_key_in_the_file() -> None:
    text = CONFIG.read_text(encoding="utf-8")
    for name in Secrets.model_fields:
        assert not re.search(rf"\b{name}\s*=", text, re.MULTILINE | re.IGNORECASE)


def test_a_secret_is_read_from_the_environment_and_never_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-never-show-this")
    secrets = load_secrets()
    assert secrets.slack_bot_token.get_secret_value() == "xoxb-never-show-this"
    assert "never-show-this" not in repr(secrets)


def test_without_a_file_the_defaults_hold() -> None:
    assert load_settings().monitoring.sample_rate == 0.05


def test_config_toml_in_the_working_directory_is_read(tmp_path: Path) -> None:
    write(tmp_path / "config.toml", "[monitoring]\nsample_rate = 0.2\n")
    assert load_settings().monitoring.sample_rate == 0.2


def test_a_named_file_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml: no such configuration file"):
        load_settings(tmp_path / "nowhere.toml")


def test_invalid_toml_is_an_error_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "c.toml", "[monitoring]\nsample_rate = \n")
    with pytest.raises(ConfigurationError, match=r"c\.toml: not valid TOML: .*line 2"):
        load_settings(path)


def test_a_misspelt_key_is_named_with_what_was_meant(tmp_path: Path) -> None:
    path = write(tmp_path / "c.toml", "[monitoring]\nsample_ratio = 0.2\n")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(path)
    message = str(caught.value)
    assert "monitoring.sample_ratio = 0.2: unknown key" in message
    assert "did you mean 'sample_rate'?" in message
    assert "alert_threshold, drift_detection, false_alarms_a_year, large_changes, " in message


def test_a_misspelt_section_is_named_with_what_was_meant(tmp_path: Path) -> None:
    path = write(tmp_path / "c.toml", '[kafak]\ntopic = "t"\n')
    with pytest.raises(ConfigurationError) as caught:
        load_settings(path)
    message = str(caught.value)
    assert "kafak" in message
    assert "did you mean 'kafka'?" in message


@pytest.mark.parametrize(
    ("text", "key", "value", "allowed"),
    [
        (
            "[monitoring]\nsample_rate = 5\n",
            "monitoring.sample_rate",
            "5",
            "less than or equal to 1",
        ),
        ("[monitoring]\nsample_rate = 0.0\n", "monitoring.sample_rate", "0.0", "greater than 0"),
        (
            '[monitoring]\ndrift_detection = "hourly"\n',
            "monitoring.drift_detection",
            "'hourly'",
            "'weekly' or 'daily'",
        ),
        ('[web]\nport = "http"\n', "web.port", "'http'", "valid integer"),
        ("[web]\nport = 70000\n", "web.port", "70000", "less than or equal to 65535"),
        (
            '[kafka]\nsession_timeout = "1s"\n',
            "kafka.session_timeout",
            "'1s'",
            "must be at least 6s",
        ),
        (
            '[retrain.gates]\ngate = "line"\n',
            "retrain.gates.gate",
            "'line'",
            "'point' or 'bound'",
        ),
        ("[rollout]\nstages = [5, 200]\n", "rollout.stages.1", "200", "less than or equal to 100"),
        (
            '[drift]\nhigher_is_better = "resolved"\n',
            "drift.higher_is_better",
            "'resolved'",
            'not a list; write higher_is_better = ["resolved"]',
        ),
        (
            '[models.bot.drift]\nlower_is_better = "cost"\n',
            "models.bot.drift.lower_is_better",
            "'cost'",
            'write lower_is_better = ["cost"]',
        ),
        ("[rollout]\nstages = 5\n", "rollout.stages", "5", "write stages = [5]"),
        ('[redaction]\nenabled = "perhaps"\n', "redaction.enabled", "'perhaps'", "valid boolean"),
        (
            "[redaction.patterns]\nORDER = 'ORD-('\n",
            "redaction.patterns.ORDER",
            "'ORD-('",
            "not a regular expression of Python's re: missing )",
        ),
        (
            "[redaction.patterns]\nORDER = '(ORD)?'\n",
            "redaction.patterns.ORDER",
            "'(ORD)?'",
            "matches the empty text",
        ),
        (
            "[redaction.patterns]\nORDER = 'ORD-[0-9]+'\n",
            "redaction.patterns.ORDER",
            "'ORD-[0-9]+'",
            "write {1,64} instead of +",
        ),
        (
            "[redaction.patterns]\nORDER = '(?:[0-9]{1,20}-?){1,20}'\n",
            "redaction.patterns.ORDER",
            "'(?:[0-9]{1,20}-?){1,20}'",
            "more than 5000 ways",
        ),
        (
            "[redaction.patterns]\nORDER = '([0-9])\\1'\n",
            "redaction.patterns.ORDER",
            "'([0-9])\\\\1'",
            "refers back to a group",
        ),
        (
            "[redaction.patterns]\norder = 'ORD-[0-9]{8}'\n",
            "redaction.patterns.order",
            "'order'",
            "capital letters",
        ),
    ],
)
def test_a_bad_value_is_explained(
    tmp_path: Path, text: str, key: str, value: str, allowed: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(write(tmp_path / "c.toml", text))
    message = str(caught.value)
    assert f"{key} = {value}: " in message
    assert allowed in message


def test_own_patterns_are_read_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "[redaction.patterns]\nORDER = 'ORD-\\d{8}'\nTICKET = 'T-[0-9]{4,9}(?:-[A-Z])?'\n"
    patterns = load_settings(write(tmp_path / "c.toml", text)).redaction.patterns
    assert patterns == {"ORDER": r"ORD-\d{8}", "TICKET": "T-[0-9]{4,9}(?:-[A-Z])?"}
    monkeypatch.setenv("DRIFTWARDEN_REDACTION__PATTERNS", '{"ROOM": "R[0-9]{3}"}')
    assert load_settings().redaction.patterns == {"ROOM": "R[0-9]{3}"}


def test_every_mistake_has_its_own_line(tmp_path: Path) -> None:
    path = write(tmp_path / "c.toml", "[monitoring]\nsample_rate = 5\n\n[web]\nprot = 80\n")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(path)
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert all(line.startswith(f"{path}: ") for line in lines)


def test_shares_of_the_review_budget_must_leave_room(tmp_path: Path) -> None:
    path = write(tmp_path / "c.toml", "[review]\ncontrol_share = 0.9\ndrift_share = 0.2\n")
    with pytest.raises(ConfigurationError, match=r"control_share \+ drift_share"):
        load_settings(path)


def test_the_environment_overrides_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "c.toml", "[monitoring]\nsample_rate = 0.2\nalert_threshold = 0.3\n")
    monkeypatch.setenv("DRIFTWARDEN_MONITORING__SAMPLE_RATE", "0.5")
    monitoring = load_settings(path).monitoring
    assert monitoring.sample_rate == 0.5
    assert monitoring.alert_threshold == 0.3


def test_a_table_within_a_table_is_overridden_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "c.toml", '[traffic.join]\ntimeout = "1m"\n')
    monkeypatch.setenv("DRIFTWARDEN_TRAFFIC__JOIN__ENABLED", "true")
    join = load_settings(path).traffic.join
    assert (join.enabled, join.timeout.total_seconds()) == (True, 60.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[traffic.fields]\nprompt = "a..b"\n', r"traffic.fields.prompt = 'a..b': .*input\.text"),
        ('[traffic.fields]\nresponse = "a"\n', r"fields.prompt must be set"),
        ('[traffic]\nformat = "mapped"\n', r'format = "mapped" needs traffic.fields.prompt'),
        (
            '[traffic.fields]\nprompt = "a"\nmetadata = ["=b"]\n',
            r"traffic.fields.metadata.0 = '=b': .*name=path",
        ),
        ("[traffic.join]\nenable = true\n", r"traffic.join.enable = True: .*mean 'enabled'"),
    ],
)
def test_paths_of_mapped_traffic_are_checked(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load_settings(write(tmp_path / "c.toml", text))


def test_lists_come_from_the_environment_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTWARDEN_ROLLOUT__STAGES", "[10, 100]")
    assert load_settings().rollout.stages == (10, 100)


def test_a_bad_value_in_the_environment_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTWARDEN_MONITORING__SAMPLE_RATE", "lots")
    with pytest.raises(ConfigurationError, match=r"monitoring\.sample_rate = 'lots'"):
        load_settings()


@pytest.mark.parametrize("key", ["drift.higher_is_better", "models.bot.aliases"])
def test_no_list_in_the_environment_is_explained(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv(f"DRIFTWARDEN_{key.upper().replace('.', '__')}", "csat")
    name = key.rpartition(".")[2]
    with pytest.raises(ConfigurationError, match=rf'{key} = .*write {name} = \["csat"\]'):
        load_settings()


def test_a_misspelt_key_in_the_environment_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTWARDEN_MONITORING__SAMPLERATE", "0.5")
    with pytest.raises(ConfigurationError, match=r"did you mean 'sample_rate'\?"):
        load_settings()


def test_arguments_win_over_environment_and_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTWARDEN_WEB__PORT", "1234")
    assert load_settings(web={"port": 4321}).web.port == 4321


def test_settings_are_frozen() -> None:
    from pydantic import ValidationError

    with pytest.raises(ValidationError, match="frozen"):
        load_settings().web.port = 1  # type: ignore[misc]  # the point of the test


@pytest.mark.parametrize(
    ("web", "url"),
    [
        ("port = 9090", "http://127.0.0.1:9090"),
        ('host = "0.0.0.0"', "http://127.0.0.1:8080"),
        ('host = "::1"\nport = 81', "http://[::1]:81"),
        ('host = "drift.internal"', "http://drift.internal:8080"),
    ],
)
def test_links_lead_to_the_web_server(web: str, url: str, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[web]\n{web}\n[models."a"]\nalerts.channel = "C1"\n')
    configuration = load_configuration(file)
    assert configuration.alerts.public_url == url
    assert configuration.only().alerts.public_url == url
    file.write_text(f'[web]\n{web}\n[alerts]\npublic_url = "https://drift.example"\n')
    assert load_settings(file).alerts.public_url == "https://drift.example"


def test_a_section_in_two_forms_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('kafka.topic = "x"\n[kafka]\ngroup_id = "g"\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"either a \[table\] or dotted keys"):
        load_settings(path)
