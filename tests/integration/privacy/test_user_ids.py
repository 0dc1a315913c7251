"""Stored ids of end users: keyed pseudonyms, all spellings, other keys, and databases of before."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from typer.testing import CliRunner

from monitor.cli.app import app
from monitor.daemon.readiness.end_users import suppression_finding, user_ids_finding
from monitor.errors import ConfigurationError
from monitor.privacy.end_users.end_user import ErasureRequest
from monitor.privacy.end_users.erasure_request import read_user_ids, resolve
from monitor.privacy.end_users.near_matches import near_matches
from monitor.privacy.end_users.rekeying import rekey, stored_ids
from monitor.privacy.end_users.suppression import suppress
from monitor.privacy.erasure.erasure_record import subject_digests
from monitor.privacy.erasure.forget import forget
from monitor.settings import Secrets, Settings
from monitor.store.engine import transaction
from monitor.store.privacy.erasures import erasures_of
from monitor.store.tables import Erasure, Exchange, PendingHalf, RolloutObservation
from monitor.store.traffic.position import Position
from monitor.telemetry import REGISTRY
from monitor.traffic.baseline_import import ImportedBaseline, import_baseline
from monitor.traffic.end_users.rules import open_rules
from monitor.traffic.ingest.preparation import BatchPreparer
from monitor.traffic.ingest.writer import store_batch
from monitor.traffic.record import RawRecord
from monitor.traffic.redaction import pseudonym_of
from tests.support.encoders.fake_encoder import FakeEncoder
from tests.support.refusals import refusal
from tests.support.stamped import stamped
from tests.support.traffic import observed_traffic
from tests.support.traffic.end_users import stored_texts

ANN = "Ann@Example.org"
OLD, NEW = "o" * 32, "n" * 32
#: Ids with unkeyed pseudonyms of personal data, the rest in clear.
BEFORE = "before"


def settings(**sections: Any) -> Settings:
    watched = {"sample_rate": 1.0, "unlisted_models": "watch"}
    return Settings(monitoring=watched, **sections)


def secrets(keys: str = "") -> Secrets:
    return Secrets(driftwarden_user_id_key=keys)


def store(
    engine: Engine, users: Sequence[str], clock: datetime, keys: str = "", **privacy: Any
) -> list[str]:
    """Store an exchange of each user; return the stored ids in the order of the users."""
    own = settings(privacy=privacy)
    rules = None if keys == BEFORE else open_rules(engine, own, secrets(keys))
    with transaction(engine) as connection:
        first = len(connection.execute(select(Exchange.id)).all())
    records = [
        RawRecord(
            Position("topic", 0, first + n), b"k",
            json.dumps({"prompt": "Where?", "response": "There.", "user": user}).encode(), clock,
        )
        for n, user in enumerate(users)
    ]  # fmt: skip
    prepared = BatchPreparer.build(own, FakeEncoder(), rules=rules).prepare(
        records, received_at=clock
    )
    store_batch(engine, prepared, [], now=clock)
    return list(prepared.exchanges.end_users)


def stored(engine: Engine) -> list[str]:
    with transaction(engine) as connection:
        return list(connection.execute(select(Exchange.end_user).order_by(Exchange.id)).scalars())


@pytest.fixture
def site(engine: Engine) -> Iterator[Engine]:
    with stamped(engine):
        yield engine


def request(engine: Engine, subject: str, keys: str = "", **privacy: Any) -> ErasureRequest:
    return resolve(engine, settings(privacy=privacy), ErasureRequest(subject), secrets(keys))


def test_spellings_of_one_end_user_are_one_pseudonym(any_engine: Engine, clock: datetime) -> None:
    users = [ANN, "ann@example.org ", "+49 30 901820", "0049 30 901820", "17", "customer-1"]
    ids = store(any_engine, users, clock)
    assert ids[0] == ids[1]
    assert ids[2] == ids[3]
    assert len(set(ids)) == 4
    assert all(id_.startswith("user-") for id_ in ids)
    assert stored_texts(any_engine, ["example.org", "901820", "customer-1"]) == []


def test_numbers_and_texts_are_one_id_and_space_is_none(engine: Engine, clock: datetime) -> None:
    ids = store(engine, [17, "17", " ", ""], clock)  # type: ignore[list-item]
    assert ids[0] == ids[1]
    assert ids[2:] == ["", ""]


def test_ids_as_they_are_hide_personal_data_by_the_key(engine: Engine, clock: datetime) -> None:
    ids = store(engine, ["Customer-1", ANN], clock, user_ids="as_is")
    assert ids[0] == "Customer-1"
    assert ids[1] == store(engine, ["ann@example.org"], clock)[0]
    assert ids[1] != pseudonym_of(ANN)


def test_ids_are_pseudonyms_without_redaction_too(engine: Engine, clock: datetime) -> None:
    own = settings(redaction={"enabled": False})
    preparer = BatchPreparer.build(own, FakeEncoder(), rules=open_rules(engine, own))
    value = json.dumps({"prompt": "a", "response": "b", "user": "customer-1"}).encode()
    records = [RawRecord(Position("topic", 0, 0), b"k", value, clock)]
    exchanges = preparer.prepare(records, received_at=clock).exchanges
    assert exchanges.end_users[0].startswith("user-")


def test_wrapped_addresses_and_other_hyphens_are_one_pseudonym(
    engine: Engine, clock: datetime
) -> None:
    wrapped = ["Ann Miller <ann@example.org>", "mailto:ann%40example.org?subject=x"]
    ids = store(engine, [ANN, *wrapped, "customer-765", "customer\u2013765"], clock)
    assert len({*ids[:3]}) == len({*ids[3:]}) == 1


@pytest.mark.parametrize("with_redaction", [True, False])
@pytest.mark.parametrize("user", ["Customer-00765", 7_654_321, "Ann Miller <ann@example.org>"])
def test_own_id_is_stored_nowhere_but_as_pseudonym(
    engine: Engine, clock: datetime, user: str | int, with_redaction: bool
) -> None:
    own = settings(redaction={"enabled": with_redaction})
    preparer = BatchPreparer.build(own, FakeEncoder(), rules=open_rules(engine, own))
    bare = str(user).partition("<")[2].strip(">") or user
    value = {
        "prompt": f"I am {str(user).upper()}, {bare}: where?",
        "response": f"{user}, there.",
        "user": user,
        "metadata": {"user": user, "session": f"{user}/abc", "n_tokens": 12, f"of {user}": True},
    }
    records = [RawRecord(Position("c", 0, 0), b"k", json.dumps(value).encode(), clock)]
    prepared = preparer.prepare(records, received_at=clock)
    store_batch(engine, prepared, [], now=clock)
    texts = [str(user), str(user).upper(), "00765", "7654321", "ann@", "ANN@"]
    assert stored_texts(engine, texts) == []
    assert prepared.exchanges.attributes[0]["n_tokens"] == 12


def test_a_baseline_has_pseudonyms_where_traffic_has_them(
    engine: Engine, tmp_path: Path, clock: datetime
) -> None:
    path = tmp_path / "baseline.jsonl"
    lines = [
        {
            "user": f"Customer-{number:05}",
            "prompt": f"I am customer-{number:05}: where?",
            "response": json.dumps({"customer": f"Customer-{number:05}"}),
            "metadata": {"user": f"Customer-{number:05}"},
        }
        for number in range(3)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))

    def import_(key: str, **sections: Any) -> ImportedBaseline:
        own = settings(**sections)
        return import_baseline(
            engine, own.traffic, FakeEncoder, path, names=own.names, redactor=None,
            rules=open_rules(engine, own, secrets(key)), now=clock,
        )  # fmt: skip

    assert import_(OLD).is_new
    assert stored_texts(engine, ["Customer-0", "customer-0"]) == []
    assert not import_(f"{NEW},{OLD}").is_new
    # Ids as they are: another content, which an upgraded site with such a baseline has.
    assert import_(f"{NEW},{OLD}", privacy={"user_ids": "as_is"}).is_new


def test_a_short_id_and_parts_of_words_stay(engine: Engine, clock: datetime) -> None:
    own = settings()
    preparer = BatchPreparer.build(own, FakeEncoder(), rules=open_rules(engine, own))
    pairs = [
        ("17", "17 parcels"),
        ("parcel", "parcels, my_parcel"),
        ("customer-7654", "other-7654"),
    ]
    records = [
        RawRecord(
            Position("c", 0, n), b"k",
            json.dumps({"prompt": text, "response": "b", "user": user}).encode(), clock,
        )
        for n, (user, text) in enumerate(pairs)
    ]  # fmt: skip
    exchanges = preparer.prepare(records, received_at=clock).exchanges
    assert list(exchanges.prompts) == [text for _, text in pairs]


def test_ids_as_they_are_stay_in_texts(engine: Engine, clock: datetime) -> None:
    own = settings(privacy={"user_ids": "as_is"})
    preparer = BatchPreparer.build(own, FakeEncoder(), rules=open_rules(engine, own))
    value = {"prompt": "I am customer-00765.", "response": "b", "user": "customer-00765"}
    records = [RawRecord(Position("c", 0, 0), b"k", json.dumps(value).encode(), clock)]
    assert preparer.prepare(records, received_at=clock).exchanges.prompts[0] == value["prompt"]


@pytest.mark.parametrize(
    ("subject", "spellings"),
    [
        (ANN, {"ann+news@example.org": "tag", "ann+example@example.org": "tag"}),
        ("ann+shop@example.org", {"ann@example.org": "tag", "ann+news@example.org": "tag"}),
        ("customer-007-65", {"customer_007_65": "separators", "customer00765": "separators"}),
    ],
)
def test_pseudonyms_of_tags_and_separators_are_near_matches(
    engine: Engine, clock: datetime, subject: str, spellings: dict[str, str]
) -> None:
    store(engine, [subject, *spellings, "bob+news@example.org"], clock)
    matches = near_matches(engine, request(engine, subject))
    assert {match.spelling: match.reason for match in matches} == spellings


def test_a_pseudonym_is_not_hashed_again(engine: Engine, clock: datetime) -> None:
    first = store(engine, [ANN], clock)
    assert store(engine, first, clock) == first


@pytest.mark.parametrize("subject", [ANN, " ann@EXAMPLE.org", "mailto:ann@example.org"])
def test_forget_finds_all_forms(any_engine: Engine, clock: datetime, subject: str) -> None:
    store(any_engine, [ANN, "bob@example.org"], clock, BEFORE)
    store(any_engine, ["ann@Example.org"], clock, BEFORE, user_ids="as_is")
    store(any_engine, [ANN, "bob@example.org"], clock, OLD)
    store(any_engine, ["ANN@example.org"], clock, f"{NEW},{OLD}")
    done = forget(any_engine, settings(), request(any_engine, subject, f"{NEW},{OLD}"), clock)
    assert done.n_left == 0
    ann = set(request(any_engine, subject, f"{NEW},{OLD}").stored_ids)
    left = stored(any_engine)
    assert not ann & set(left)
    # Without a key each spelling has its own: "ann@Example.org" is not found unless it is named.
    assert len(left) == (3 if subject == ANN else 4)


def test_other_spellings_in_clear_are_found(engine: Engine, clock: datetime) -> None:
    spellings = ["Customer-765", "CUSTOMER-765", "customer\u2010765", "customer_765"]
    store(engine, [*spellings, "customer-766"], clock, user_ids="as_is")
    complete = request(engine, "customer-765", user_ids="as_is")
    assert complete.other_spellings == tuple(sorted(spellings[:3]))
    forget(engine, settings(), complete, clock)
    assert stored(engine) == [spellings[3], "customer-766"]


def test_forget_refuses_to_search_without_a_key(engine: Engine, clock: datetime) -> None:
    store(engine, [ANN], clock, OLD)
    store(engine, [ANN], clock, f"{NEW},{OLD}")
    with refusal("user_id_key_missing", ConfigurationError):
        request(engine, ANN, NEW)
    with refusal("user_id_key_missing", ConfigurationError):
        forget(engine, settings(), ErasureRequest(ANN), clock)


def test_near_matches_are_listed_with_their_reason(engine: Engine, clock: datetime) -> None:
    store(engine, ["ann@example.com", "bob@example.org", ANN], clock, BEFORE, user_ids="as_is")
    clear = settings(redaction={"enabled": False})
    preparer = BatchPreparer.build(clear, FakeEncoder())
    lines = [
        json.dumps({"prompt": "a", "response": "b", "user": user}).encode()
        for user in ("ann@example.com", "bob@example.org", "ann+bank@example.org")
    ]
    records = [RawRecord(Position("c", 0, n), b"k", line, clock) for n, line in enumerate(lines)]
    store_batch(engine, preparer.prepare(records, received_at=clock), [], now=clock)
    store(engine, ["amn@example.org", "carl@example.org"], clock)
    matches = near_matches(engine, request(engine, ANN))
    assert {(match.spelling, match.reason) for match in matches} == {
        ("ann@example.com", "domain"),
        ("ann+bank@example.org", "tag"),
        ("amn@example.org", "edit"),
    }
    assert all(match.n_rows == 1 for match in matches)


def test_commands_change_the_list_and_show_near_matches(
    site: Engine, tmp_path: Path, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text(f'[database]\nurl = "{site.url}"\n')
    store(site, [ANN, "amn@example.org"], clock)

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, [*arguments], catch_exceptions=False)
        assert result.exit_code == 0
        return result.output

    assert "amn@example.org" in run("forget", "--subject", ANN, "--dry-run")
    assert run("suppress", "list") == "nobody is on the list\n"
    run("forget", "--subject", ANN, "--no-suppress")
    assert json.loads(run("suppress", "list", "--json")) == []
    run("forget", "--subject", "ann@example.org")
    assert [listed["reason"] for listed in json.loads(run("suppress", "list", "--json"))] == [
        "forgotten"
    ]
    run("suppress", "remove", "--subject", ANN, "--reason", "consent")
    run("suppress", "add", "--subject", "amn@example.org")
    listed = json.loads(run("suppress", "list", "--json"))[0]
    assert listed["reason"] == "objected"
    run("suppress", "export", "list.jsonl")
    run("suppress", "remove", "--digest", listed["main_digest"][:12], "--reason", "by mistake")
    run("suppress", "import", "list.jsonl")  # an older state changes nothing
    assert json.loads(run("suppress", "list", "--json")) == []
    (tmp_path / "ids.txt").write_text("amn@example.org\n")
    assert run("user-ids", "rekey", "--ids", "ids.txt").startswith("0 ids renewed")
    assert "pseudonyms under the newest key           1" in run("user-ids", "status")


@pytest.mark.parametrize("kind", ["sqlite", "file of the settings"])
def test_a_restored_backup_forgets_again(
    site: Engine, tmp_path: Path, clock: datetime, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    url, target = str(site.url), tmp_path / "restored.db"
    named = "" if kind == "sqlite" else '[privacy]\nsuppression_file = "list.jsonl"\n'
    (tmp_path / "config.toml").write_text(f'[database]\nurl = "{url}"\n{named}')
    store(site, [ANN, "bob@example.org"], clock)
    runner = CliRunner()
    assert runner.invoke(app, ["db", "backup", "backup.tar"]).exit_code == 0
    assert runner.invoke(app, ["forget", "--subject", ANN]).exit_code == 0
    (tmp_path / "config.toml").write_text(f'[database]\nurl = "sqlite:///{target}"\n{named}')
    if kind == "sqlite":  # beside the database of that name
        (tmp_path / "driftwarden.db.suppressions").rename(f"{target}.suppressions")
    restored = runner.invoke(app, ["db", "restore", "backup.tar"])
    assert restored.exit_code == 0, restored.output
    assert runner.invoke(app, ["forget", "--suppressed", "--dry-run"]).output.startswith("nothing")
    again = runner.invoke(app, ["forget", "--subject", ANN, "--dry-run"])
    counted = next(line for line in again.output.splitlines() if line.startswith("exchanges "))
    assert counted.split()[1:] == ["0"]


def test_forgetting_the_listed_fails_where_a_file_names_them(
    site: Engine, tmp_path: Path, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text(
        f'[database]\nurl = "{site.url}"\n[retrain]\nwork_dir = "runs"\n'
    )
    (tmp_path / "runs").mkdir()
    (stored_id,) = store(site, [ANN], clock)
    (tmp_path / "runs" / "notes.txt").write_text(f"about {stored_id}")
    suppress(site, settings(), ANN, "forgotten", by="kim", now=clock)

    def status(*options: str) -> int:
        return CliRunner().invoke(app, ["forget", "--suppressed", *options]).exit_code

    assert status("--verify") == 2  # it would erase
    assert (status("--dry-run"), status()) == (0, 1)


def test_rekeying_gives_each_end_user_one_id(any_engine: Engine, clock: datetime) -> None:
    users = ["customer-1", ANN, "customer-2"]
    store(any_engine, users, clock, BEFORE)
    store(any_engine, users, clock, OLD)
    keys = f"{NEW},{OLD}"
    store(any_engine, users, clock, keys)
    before = stored_ids(any_engine, read_user_ids(any_engine, settings(), secrets(keys)))
    assert (before.n_clear, before.n_unkeyed, before.n_older, before.n_newest) == (2, 1, 3, 3)
    done = rekey(
        any_engine, settings(), [ANN, "customer-1"], by="kim", now=clock, secrets=secrets(keys)
    )
    # The id of customer-2 is not named: its pseudonym under the old key stays.
    assert (done.left.n_clear, done.left.n_unkeyed, done.left.n_older, done.left.n_newest) == (
        0, 0, 1, 3,
    )  # fmt: skip
    first, second, third = zip(*[iter(stored(any_engine))] * 3, strict=True)
    assert first == third
    assert first[:2] == second[:2]
    again = rekey(
        any_engine, settings(), [ANN, "customer-1"], by="kim", now=clock, secrets=secrets(keys)
    )
    assert (again.n_ids, again.n_rows) == (0, 0)


def test_unknown_unkeyed_pseudonyms_are_keyed_and_found(engine: Engine, clock: datetime) -> None:
    store(engine, [ANN], clock, BEFORE)
    rekey(engine, settings(), [], by="kim", now=clock)
    assert stored(engine) != [pseudonym_of(ANN)]
    assert forget(engine, settings(), ErasureRequest(ANN), clock).n_left == 0
    assert stored(engine) == []


def test_observations_are_rekeyed_and_forgotten(engine: Engine, clock: datetime) -> None:
    observed_traffic.open_rollout(engine, clock - timedelta(days=1), weight_percent=50)
    own = settings(rollout={"canary_rate": 1.0})
    plan = observed_traffic.read_plan(engine, own)
    sent = observed_traffic.messages(40, clock, users=3, canary_share=0.5)
    observed_traffic.ingest(engine, own, sent, clock + timedelta(days=2), plan)

    def users() -> set[str]:
        with transaction(engine) as connection:
            return set(connection.execute(select(RolloutObservation.end_user)).scalars())

    assert users() == {"u0", "u1", "u2"}
    rekey(engine, own, [], by="kim", now=clock)
    assert all(user.startswith("user-") for user in users())
    assert len(users()) == 3
    forget(engine, own, ErasureRequest("U1"), clock)
    assert len(users()) == 2


def test_the_other_half_is_forgotten_with_theirs(engine: Engine, clock: datetime) -> None:
    own = settings(traffic={"join": {"enabled": True}})
    preparer = BatchPreparer.build(own, FakeEncoder(), rules=open_rules(engine, own))
    for n, line in enumerate(
        [
            {"id": "a", "response": "marmalade"},
            {"id": "b", "response": "parcel"},
            {"id": "a", "prompt": "marmalade?", "user": ANN},
        ]
    ):
        records = [RawRecord(Position("t", 0, n), b"k", json.dumps(line).encode(), clock)]
        store_batch(engine, preparer.prepare(records, received_at=clock), [], now=clock)
    assert forget(engine, own, ErasureRequest(ANN), clock).n_left == 0
    assert stored_texts(engine, ["marmalade"]) == []
    with transaction(engine) as connection:
        assert connection.execute(select(PendingHalf.join_id)).scalars().all() == ["b"]


def test_check_reports_the_user_id_key(site: Engine, clock: datetime) -> None:
    own = settings(database={"url": str(site.url)})

    def status(keys: str, **privacy: Any) -> str:
        named = own.model_copy(update={"privacy": own.privacy.model_copy(update=privacy)})
        return user_ids_finding(named, secrets(keys)).status

    assert status("", require_key=True) == "fail"
    assert status("") == "note"
    assert not read_user_ids(site, own, secrets()).ring.keys  # a check changes nothing
    store(site, [ANN], clock)
    assert "in the database" in user_ids_finding(own, secrets()).message
    store(site, [ANN], clock, OLD)
    assert status(OLD) == "ok"
    store(site, [ANN], clock, f"{NEW},{OLD}")
    assert status(f"{NEW},{OLD}") == "ok"
    assert status(NEW) == "fail"
    with refusal("user_id_key_outdated", ConfigurationError):
        user_ids_finding(own, secrets(OLD))


def test_check_reports_the_suppression_file(site: Engine, tmp_path: Path, clock: datetime) -> None:
    own = settings(database={"url": str(site.url)})
    assert suppression_finding(own).status == "ok"
    path = tmp_path / "driftwarden.db.suppressions"
    open_rules(site, own)
    row = {"main_digest": "p", "digest": "p", "key": "k", "action": "added", "reason": "forgotten",
           "changed_at": clock.isoformat(), "changed_by": "kim"}  # fmt: skip
    path.write_text(json.dumps(row) + "\n")
    assert suppression_finding(own).status == "note"


def test_dropped_records_are_a_metric() -> None:
    assert "driftwarden_exchanges_suppressed" in {family.name for family in REGISTRY.collect()}


def test_an_erasure_is_recorded_under_a_keyed_digest(site: Engine, clock: datetime) -> None:
    ids = store(site, [ANN], clock, OLD)
    forget(site, settings(), request(site, ANN, OLD), clock)
    with transaction(site) as connection:
        digest = connection.execute(select(Erasure.subject_digest)).scalar_one()
    guesses = [f"{prefix}{id_}" for prefix in ("", "driftwarden.forget\n") for id_ in (
        ANN, ANN.casefold(), *ids
    )]  # fmt: skip
    assert digest not in {hashlib.sha256(guess.encode()).hexdigest()[:16] for guess in guesses}
    assert digest not in {hashlib.sha256(guess.encode()).hexdigest()[:32] for guess in guesses}


@pytest.mark.parametrize("spelling", [ANN, "mailto:ann@example.org", "pseudonym"])
def test_a_record_under_an_older_key_is_known(site: Engine, clock: datetime, spelling: str) -> None:
    ids = store(site, [ANN], clock, OLD)
    forget(site, settings(), request(site, ANN, OLD), clock)
    open_rules(site, settings(), secrets(f"{NEW},{OLD}"))
    subject = ids[0] if spelling == "pseudonym" else spelling
    later = request(site, subject, f"{NEW},{OLD}")
    other = request(site, "bob@example.org", f"{NEW},{OLD}")
    with transaction(site) as connection:
        assert len(erasures_of(connection, subject_digests(later))) == 1
        assert erasures_of(connection, subject_digests(other)) == []
