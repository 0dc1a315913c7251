"""A rough map for all windows, where no test looks at places in the plane; their databases."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from monitor.drift import layout


@pytest.fixture(scope="module", autouse=True)
def _rough_map() -> Iterator[None]:
    # 200 steps take a seventh of a window's evaluation; tests/unit/windows/test_prompt_map.py tests
    # what they reach.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layout, "N_STEPS", 5)
        yield


@pytest.fixture(
    params=[
        # tests/integration/store holds both databases to the same rows, and the commands and the
        # demo evaluate windows in SQLite. The rest of an evaluation knows no database.
        pytest.param("sqlite", marks=pytest.mark.drill),
        pytest.param("postgresql", marks=pytest.mark.postgres),
    ]
)
def any_engine(request: pytest.FixtureRequest) -> Engine:
    """The same test on PostgreSQL, and under `make drills` on SQLite, each with a fresh schema."""
    name = "engine" if request.param == "sqlite" else "postgres_engine"
    engine: Engine = request.getfixturevalue(name)
    return engine
