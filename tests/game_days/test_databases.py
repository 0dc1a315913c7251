"""Databases of the worlds: what was lived is copied."""

from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from monitor.store.engine import make_engine, transaction
from tests.game_days.world.databases import Databases


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_database_of_a_world_is_copied(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server = request.getfixturevalue("postgres_url") if kind == "postgresql" else ""
    if server:
        server = make_url(server).set(database="postgres").render_as_string(hide_password=False)
    databases = Databases(server)
    lived, game = tmp_path / "lived-1", tmp_path / "game-1"
    for folder in (lived, game):
        folder.mkdir()
    databases.create(lived)
    engine = make_engine(databases.url(lived))
    with transaction(engine) as connection:
        connection.execute(text("CREATE TABLE weeks AS SELECT 3 AS n"))
    engine.dispose()
    databases.copy(lived, game)
    copy = make_engine(databases.url(game))
    with transaction(copy) as connection:
        assert connection.execute(text("SELECT n FROM weeks")).scalar_one() == 3
    copy.dispose()
    for folder in (lived, game):
        databases.drop(folder)
