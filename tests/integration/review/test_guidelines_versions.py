"""Taxonomy versions of items, and errors in the file while the daemon runs."""

import re
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import typer
from sqlalchemy import Engine
from typer.testing import CliRunner

from monitor.cli.app import app
from monitor.daemon.app import run_daemon
from monitor.daemon.readiness.checks import check_everything
from monitor.errors import InputError, TaxonomyError
from monitor.review.guidelines import load_taxonomy
from monitor.review.guidelines.versions import (
    store_current_taxonomy,
    task_types_in_force,
    taxonomy_by_version,
)
from monitor.review.items.blind_review import REVIEWS
from monitor.review.items.flags import flag
from monitor.settings import Review, Secrets, Settings, default_settings
from monitor.store.engine import make_engine, transaction
from monitor.store.migrations import upgrade
from monitor.store.review.assignments import claim_slot, give_item
from monitor.store.review.items import items_of_batches, update_item
from monitor.store.review.taxonomies import versions_with_prefix
from monitor.windows.reading.declared_formats import load_declared_formats
from monitor.windows.reading.formats_in_force import formats_in_force
from tests.support.review.gold_items import ACCEPT, TAXONOMY
from tests.support.review.review_world import World, make_world


def test_items_keep_the_version_under_which_they_began(
    any_engine: Engine, tmp_path: Path, clock: datetime
) -> None:
    path = tmp_path / "taxonomy.md"
    path.write_text(TAXONOMY)
    review = Review(taxonomy=str(path))
    first = make_world(any_engine, clock, n=8, review=review, weeks_ago=2)
    later = clock + timedelta(minutes=1)
    begin_some(first, clock, later)
    path.write_text(TAXONOMY.replace("It stays blocked.", "No."))
    second = make_world(any_engine, later, n=8, review=review, weeks_ago=1, users=False)
    path.write_text("# broken")
    third = make_world(any_engine, later, n=8, review=review, weeks_ago=0, users=False)
    with transaction(any_engine) as connection:
        versions = [
            [item.taxonomy_version for item in items_of_batches(connection, [row.batch_id])]
            for row in (first, second, third)
        ]
        old, new = versions[0][0], versions[1][0]
        assert old != new
        assert versions[0] == [old] * 3 + [new] * 4 + [old], "reviewed, drafted, claimed; decided"
        assert {*versions[1], *versions[2]} == {new}, "the version in force before stays so"
        fields = taxonomy_by_version(connection, old)
        assert fields is not None
        response = fields.task_types["card_lost"].edge_cases[0].examples[0].output
        assert response == "It stays blocked."
        assert old == fields.version
        assert [old] == versions_with_prefix(connection, old[:12])
        assert versions_with_prefix(connection, "%") == []
        assert None is taxonomy_by_version(connection, "f" * 64)


def begin_some(world: World, clock: datetime, later: datetime) -> None:
    """Review the first item, draft the second, and claim the third; the last is gold.

    The fourth was claimed, the fifth is given, and the sixth flagged, all without a draft.
    """
    ada, minute = world.rows["Ada"], timedelta(minutes=1)
    with transaction(world.engine) as connection:
        ids = [item.id for item in items_of_batches(connection, [world.batch_id])]
        for item, end in zip(
            ids[:4], (clock + minute, clock + minute, later + minute, clock), strict=True
        ):
            assert claim_slot(connection, item, ada.id, now=clock, until=end)
        REVIEWS.submit(connection, ids[0], ada, ACCEPT, clock)
        draft = {"comment": "Hm."}
        REVIEWS.save_draft(connection, ids[1], ada, draft, now=clock, lease=timedelta(seconds=1))
        give_item(connection, ids[4], ada.id, later + minute)
        flag(connection, ids[5], world.rows["Lea"], clock, "out of scope")
        update_item(connection, ids[7], status="gold")


def test_a_version_that_comes_back_is_in_force_again(
    any_engine: Engine, tmp_path: Path, clock: datetime
) -> None:
    path = tmp_path / "taxonomy.md"
    review = Review(taxonomy=str(path))
    other = TAXONOMY.replace("It stays blocked.", "No.")
    with transaction(any_engine) as connection:
        assert store_current_taxonomy(connection, Review(), "assistant", clock) == ""
        assert store_current_taxonomy(connection, review, "assistant", clock) == "", (
            "there is no file"
        )
        seen = []
        for days, text in enumerate((TAXONOMY, other, TAXONOMY, "# broken")):
            path.write_text(text)
            seen.append(
                store_current_taxonomy(
                    connection, review, "assistant", clock + timedelta(days=days)
                )
            )
    assert seen[0] == seen[2] == seen[3] != seen[1]


def test_the_daemon_does_not_start_with_a_broken_taxonomy(tmp_path: Path) -> None:
    path = tmp_path / "taxonomy.md"
    path.write_text("# fees\n")
    settings = configured(tmp_path, path)
    with pytest.raises(TaxonomyError, match=r"taxonomy\.md:1: fees .*`## Criteria`"):
        run_daemon(settings, Secrets(), (), threading.Event())
    path.write_text(TAXONOMY)
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    run_daemon(settings, Secrets(), (), stop)
    engine = make_engine(settings.database.url)
    with transaction(engine) as connection:
        assert None is not taxonomy_by_version(connection, load_taxonomy(path).version)
    engine.dispose()


def migrated(url: str) -> Engine:
    engine = make_engine(url)
    upgrade(engine)
    return engine


def configured(folder: Path, taxonomy: Path, **sections: object) -> Settings:
    url = f"sqlite:///{folder / 'driftwarden.db'}"
    migrated(url).dispose()
    return default_settings(database={"url": url}, review={"taxonomy": str(taxonomy)}, **sections)


def finding(settings: Settings) -> tuple[str, str]:
    results = check_everything(settings, Secrets())
    (taxonomy,) = next(findings for findings in results if findings[0].name == "taxonomy")
    return taxonomy.status, taxonomy.message


def test_check_reports_problems_of_the_taxonomy(tmp_path: Path, clock: datetime) -> None:
    path = tmp_path / "taxonomy.md"
    path.write_text("# fees\n")
    settings = configured(tmp_path, path)
    status, message = finding(settings)
    assert status == "fail"
    assert re.search(rf"{path}:1: fees .*`## Edge cases`", message)

    path.write_text(TAXONOMY)
    assert finding(settings)[0] == "ok"
    engine = make_engine(settings.database.url)
    make_world(engine, clock, n=8)
    engine.dispose()
    status, message = finding(settings)
    assert status == "note"
    assert "without guidelines: crypto_withdrawal, fees, instant_transfer" in message

    both = configured(tmp_path, path, model={"system_prompt": "As before."})
    status, message = finding(both)
    assert (status, "system_prompt" in message) == ("note", True)


def test_the_commands(tmp_path: Path, clock: datetime) -> None:
    config, path = tmp_path / "config.toml", tmp_path / "taxonomy.md"
    url = f"sqlite:///{tmp_path / 'driftwarden.db'}"
    config.write_text(f'[database]\nurl = "{url}"\n[review]\ntaxonomy = "{path}"\n')

    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["taxonomy", *arguments])
        if done.exception is not None and not isinstance(done.exception, SystemExit | typer.Exit):
            return 1, str(done.exception)
        return done.exit_code, done.output

    assert run("init", str(path))[0] == 0
    assert "file exists: " in run("init", str(path))[1]
    status, output = run("check", "-c", str(config))
    assert status == 0
    assert re.search(rf"^{path}: 2 .* {load_taxonomy(path).version}$", output, re.MULTILINE)
    assert output.count("note: ") == 1  # there is no database to compare it with

    engine = migrated(url)
    make_world(engine, clock, n=8, review=Review(taxonomy=str(path)))
    engine.dispose()
    status, output = run("check", "-c", str(config))
    assert status == 0
    assert "without guidelines: crypto_withdrawal, fees, instant_transfer" in output
    version = load_taxonomy(path).version
    path.write_text(TAXONOMY)
    assert "It stays blocked." in run("show", "-c", str(config))[1]
    old = run("show", "--version", version[:8], "-c", str(config))[1]
    assert "Emergency cash" in old
    again = tmp_path / "again.md"
    again.write_text(old)
    assert version == load_taxonomy(again).version
    unknown = (
        CliRunner()
        .invoke(app, ["taxonomy", "show", "--version", "nothing", "-c", str(config)])
        .exception
    )
    assert isinstance(unknown, InputError)
    assert unknown.code == "unknown_version"

    path.write_text(TAXONOMY.replace("## Criteria", "## Crtieria"))
    status, output = run("check", "-c", str(config))
    assert status == 78
    assert re.search(rf"{path}:15: .*'Crtieria'.*'criteria'", output)
    assert "2 problems" in output


def test_the_declared_form_is_that_of_the_response_alone(tmp_path: Path) -> None:
    path = tmp_path / "taxonomy.md"
    path.write_text(
        TAXONOMY.replace("---\n\n#", "style: chain_of_thought\n---\n\n#", 1).replace(
            "It stays blocked.", "<think>It was blocked.</think>no"
        )
        + "\n## Output format\n\n```labels\nyes\nno\n```\n"
    )
    declared = load_declared_formats(str(path))
    form = declared.formats["card_lost"]
    assert form is not None
    assert form.admits("<think>So.</think>\nyes")
    assert form.admits("yes"), "the traffic may not hold the reasoning"
    assert not form.admits("<think>yes</think>perhaps")
    assert load_taxonomy(path).version == declared.version

    path.write_text(TAXONOMY)
    assert load_declared_formats(str(path)).formats == {"card_lost": None}
    path.write_text("# broken")
    assert {} == load_declared_formats(str(path)).formats == load_declared_formats("").formats


def test_published_taxonomy_is_in_force_until_the_file_changes(
    tmp_path: Path, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "taxonomy.md", tmp_path / "other.md"
    path.write_text(TAXONOMY)
    other.write_text(TAXONOMY.replace("card_lost", "fees"))
    settings = configured(tmp_path, path)
    engine = make_engine(settings.database.url)
    make_world(engine, clock, n=8, review=settings.review)
    monkeypatch.setenv("DRIFTWARDEN_DATABASE__URL", settings.database.url)
    monkeypatch.setenv("DRIFTWARDEN_REVIEW__TAXONOMY", str(path))

    done = CliRunner().invoke(app, ["taxonomy", "publish", str(other)])
    assert done.exit_code == 0, done.output
    assert re.search(
        r"^dropped: card_lost, 2 open items, 2 of them not begun", done.output, re.MULTILINE
    )
    assert "added: fees, 2 open items, 2 of them not begun" in done.output
    assert "version 2 is in force" in done.output
    with transaction(engine) as connection:
        assert task_types_in_force(connection, settings.review, "assistant") == ("fees",)
    assert set(formats_in_force(engine, settings).formats) == {"fees"}
    assert "`driftwarden taxonomy show --version " in finding(settings)[1]

    path.write_text(TAXONOMY.replace("It stays blocked.", "No."))
    assert set(formats_in_force(engine, settings).formats) == {"card_lost"}
    other.write_text("# broken")
    refused = CliRunner().invoke(app, ["taxonomy", "publish", str(other)])
    assert isinstance(refused.exception, TaxonomyError)
    assert refused.exception.exit_status == 78
    engine.dispose()
