"""Writer of the migration to the declared tables: `make migration NAME="add nickname"`.

Until a release has it, the newest migration is rewritten: there is one for each release. It names
all that it creates, as the declared tables move on without it. Steps on rows are written by hand
afterwards.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.operations import ops

from monitor.store import migrations
from monitor.store.schema import releases
from monitor.store.tables import metadata
from monitor.store.tables.search import is_declared
from monitor.table_types.base import StructJson, UtcDateTime
from monitor.table_types.terms import Terms

TEMPLATE = '''"""{summary}."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "{revision}"
down_revision = {before!r}
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True)
TERMS = sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql")


def upgrade() -> None:
    {upgrade}


def downgrade() -> None:
    {downgrade}
'''
#: Shorter code of the same meaning.
SHORTER = (
    (r"sa\.BigInteger\(\)\.with_variant\(sa\.Integer\(\), 'sqlite'\)", "ID"),
    (r"op\.f\(('\w+')\)", r"\1"),
    (r", nullable=True|, unique=False| *# ###.*\n?", ""),
)


def write_migration(name: str, versions: Path) -> Path:
    """Write the unreleased migration into a folder, and return its file.

    Args:
        name: What it does, such as ``add nickname``; empty: the one that is rewritten keeps its.
        versions: The folder.
    """
    history = migrations.history()
    before = releases.RELEASES[-1].revision if releases.RELEASES else None
    unreleased = history[history.index(before) + 1 :] if before else history
    if len(unreleased) > 1:
        raise SystemExit(f"several unreleased migrations: {', '.join(unreleased)}; join them")
    revision = unreleased[0] if unreleased else f"{int(before or 0) + 1:04d}"
    old = next(versions.glob(f"{revision}_*.py"), None)
    if not name and old is None:
        raise SystemExit('a new migration needs a name: make migration NAME="add nickname"')
    summary = name or old.stem.partition("_")[2].replace("_", " ")
    content = _content(revision, before, summary.capitalize())
    if old is not None:
        old.unlink()
    path = versions / f"{revision}_{'_'.join(re.findall(r'[a-z0-9]+', summary.lower()))}.py"
    path.write_text(content, encoding="utf-8")
    command = [sys.executable, "-m", "ruff", "format", "--quiet", str(path)]
    subprocess.run(command, check=True)  # noqa: S603 - our own words
    return path


def _content(revision: str, before: str | None, summary: str) -> str:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        if before is not None:
            migrations.run_migrations(connection, "upgrade", before)
        options = {
            "compare_type": True,
            "compare_server_default": True,
            "include_name": is_declared,
        }
        context = MigrationContext.configure(connection, opts=options)
        script = produce_migrations(context, metadata)
    engine.dispose()
    upgrade, downgrade = script.upgrade_ops_list[0], script.downgrade_ops_list[0]
    created = [listed for listed in upgrade.ops if isinstance(listed, ops.CreateTableOp)]
    names = {listed.table_name for listed in created}
    for listed in created:
        listed.info = {}
    # A table's indexes are dropped with it.
    downgrade.ops = [
        listed
        for listed in downgrade.ops
        if not (isinstance(listed, ops.ModifyTableOps) and listed.table_name in names)
    ]
    return TEMPLATE.format(
        summary=summary,
        revision=revision,
        before=before,
        upgrade="\n".join((_code(upgrade), *_statements(names, "create"))),
        downgrade="\n".join((_code(downgrade), *_statements(names, "drop"))),
    )


def _code(operations: ops.OpContainer) -> str:
    code = render_python_code(operations, render_item=_render_type)
    for pattern, short in SHORTER:
        code = re.sub(pattern, short, code)
    return code.strip()


def _render_type(kind: str, item: Any, _context: object) -> str | Literal[False]:
    if kind != "type":
        return False
    if isinstance(item, UtcDateTime):
        return "TIME"
    if isinstance(item, Terms):
        return "TERMS"
    return "JSON" if isinstance(item, (StructJson, sa.JSON)) else False


def _statements(names: set[str], key: str) -> Iterator[str]:
    """Yield the code of what alembic doesn't know, such as triggers."""
    tables = [table for table in metadata.sorted_tables if table.name in names]
    for dialect in ("sqlite", "postgresql"):
        listed = [text for table in tables for text in table.info.get(key, {}).get(dialect, ())]
        if listed:
            yield f'    if op.get_bind().dialect.name == "{dialect}":'
            yield from (f'        op.execute("""{text}""")' for text in listed)


def main() -> int:
    """Write the migration, and name its file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default="", help="what it does, such as `add nickname`")
    path = write_migration(parser.parse_args().name, migrations.migrations_folder() / "versions")
    sys.stdout.write(f"{path.name}: review it\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
