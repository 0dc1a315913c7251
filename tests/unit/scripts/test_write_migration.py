"""Writer of migrations: the unreleased one is rewritten, a released one is followed."""

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from monitor.store import migrations
from monitor.store.schema import releases
from monitor.store.schema.releases import Release
from monitor.store.tables import metadata
from scripts import write_migration as writer

pytestmark = pytest.mark.slow


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    shutil.copytree(migrations.migrations_folder() / "versions", tmp_path / "versions")
    return tmp_path / "versions"


@pytest.mark.skipif(bool(releases.RELEASES), reason="the first migration is released")
def test_the_first_migration_is_what_the_writer_writes(versions: Path) -> None:
    path = next(versions.glob("0001_*.py"))
    before = path.read_text()
    path.write_text("")
    assert writer.write_migration("", versions) == path
    assert path.read_text() == before, "run `make migration`"


def test_a_released_migration_is_followed_by_the_next(
    versions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = migrations.head_revision()
    monkeypatch.setattr(releases, "RELEASES", (Release("9.0.0", head),))
    declared = sa.MetaData(naming_convention=metadata.naming_convention)
    for table in metadata.tables.values():
        table.to_metadata(declared)
    declared.tables["users"].append_column(sa.Column("nickname", sa.String()))
    words = sa.Table("nicknames", declared, sa.Column("id", sa.Integer, primary_key=True))
    words.info["create"] = {"sqlite": ("SELECT 1",)}
    monkeypatch.setattr(writer, "metadata", declared)
    with pytest.raises(SystemExit, match="needs a name"):
        writer.write_migration("", versions)
    path = writer.write_migration("Add a nickname", versions)
    assert path.name == f"{int(head) + 1:04d}_add_a_nickname.py"
    text = path.read_text()
    assert f'down_revision = "{head}"' in text
    assert 'op.add_column("users", sa.Column("nickname", sa.String()))' in text
    assert text.count("create_table") == text.count("drop_table") == 1
    assert 'op.execute("""SELECT 1""")' in text
    assert "op.drop_column" in text
