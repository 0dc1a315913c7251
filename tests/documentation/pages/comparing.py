"""Pages of comparisons: without a database, and with the demo."""

import csv
import gzip
import os
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import make_url, text

from monitor.store.engine import make_engine, transaction
from tests.documentation.blocks import ROOT
from tests.documentation.page import Page, Site
from tests.documentation.pages.exchange_files import exchanges, write
from tests.documentation.pages.site import make_database

INSTALLED = "installs from a package index; tests/installation does so in fresh environments"


def two_files(site: Site) -> None:
    """Write a month without and a week with drift."""
    write(site.folder / "last-month.jsonl", exchanges(400))
    write(site.folder / "this-week.jsonl", exchanges(300, new=90))


# ---- Tutorial ----------------------------------------------------------------------------------


#: What `make setup` compares with its stamp.
PINS = ("pyproject.toml", "constraints.txt", "requirements-models.txt", "scripts/make-venv.sh")


def with_packages(site: Site) -> None:
    """Let `make` take the packages of the tests for those that it would install."""
    site.environment["MAKEFLAGS"] = "--assume-old=.venv/.installed"


def after_clone(site: Site) -> None:
    """Give the clone the installed packages, and write the reader's files into it."""
    clone = site.folder / "driftwarden"
    (clone / ".venv").symlink_to(ROOT / ".venv")
    for name in PINS:
        os.utime(clone / name, (0, 0))
    site.environment["PYTHONPATH"] = str(clone)
    last_month = exchanges(600, weeks=4, weeks_ago=3, until_monday=True)
    write(clone / "last-month.jsonl", last_month)
    write(clone / "this-week.jsonl", exchanges(300, new=90))
    write(clone / "weeks.jsonl", exchanges(900, weeks=3, until_monday=True))


def names_the_page(site: Site) -> None:
    """See that the demo's last lines have the tutorial's next command, and an account."""
    assert (
        ".venv/bin/driftwarden run --only web --config build/demo/config.toml" in (site.outputs[-1])
    )
    assert "lead" in site.outputs[-1]


def look_at_the_page(site: Site) -> None:
    """See that the page is there and asks who signs in."""
    with urlopen(f"http://127.0.0.1:{site.port}/login") as response:
        assert response.status == 200


def bring_a_part_of_a_week(site: Site) -> None:
    """See that a week with too few exchanges ends the demo with an error, after the summary."""
    weeks = exchanges(900, weeks=3, until_monday=True)
    write(site.folder / "driftwarden" / "part.jsonl", weeks[:350])
    output = site.run(
        "cd driftwarden && driftwarden demo --traffic part.jsonl --baseline last-month.jsonl "
        "--folder build/part; test $? = 1"
    )
    assert "not enough data" in output.partition("Summary")[2]


TUTORIAL = Page(
    "tutorial.md",
    with_packages,
    fill={"git clone ... driftwarden": f"git clone -q {ROOT} driftwarden"},
    after={
        "git clone": after_clone,
        "make demo": names_the_page,
        "make demo TRAFFIC": bring_a_part_of_a_week,
    },
    services={".venv/bin/driftwarden run --only web": look_at_the_page},
    statuses={".venv/bin/driftwarden compare": 3},
    seconds=1800,
)

# ---- README ------------------------------------------------------------------------------------


def unit_vectors(n: int, seed: int) -> NDArray[np.float64]:
    vectors = np.random.default_rng(seed).normal(size=(n, 16))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def readme(site: Site) -> None:
    two_files(site)
    site.names |= {
        "last_month": str(site.folder / "last-month.jsonl"),
        "this_week": str(site.folder / "this-week.jsonl"),
        "reference_vectors": unit_vectors(300, seed=1),
        "current_vectors": unit_vectors(200, seed=2),
    }


README = Page(
    "../README.md",
    readme,
    listed={
        "pip install": INSTALLED,
        "make demo": "the tutorial runs it",
        "make test": "runs all tests, this one among them",
    },
    statuses={"driftwarden compare": 3},
)

# ---- Compare in a pipeline ---------------------------------------------------------------------


def in_a_pipeline(site: Site) -> None:
    """Write small files: `--power` compares their sizes up to 60 times."""
    write(site.folder / "reference.jsonl", exchanges(160))
    write(site.folder / "candidate.jsonl", exchanges(140, new=50))


COMPARE_IN_CI = Page(
    "how-to/compare-in-ci.md",
    in_a_pipeline,
    listed={"pip install": INSTALLED},
    statuses={
        "driftwarden compare reference.jsonl candidate.jsonl": 3,
        "#!/bin/sh": 3,
    },
    seconds=900,
)

# ---- Compare in Python -------------------------------------------------------------------------


def in_python(site: Site) -> None:
    write(site.folder / "reference.jsonl", exchanges(400))


def decided(site: Site) -> None:
    """See that the page's result is what its next block reads."""
    assert site.names["result"].verdict in {"drift", "no_drift", "not_enough_data"}


COMPARE_IN_PYTHON = Page(
    "how-to/compare-in-python.md",
    in_python,
    after={"from driftwarden import compare_exchanges": decided},
)

# ---- Evidently ---------------------------------------------------------------------------------


def frames(site: Site) -> None:
    import pandas as pd

    last_month, this_week = exchanges(400), exchanges(300, new=90)
    columns = ["prompt", "response", "user"]
    site.names |= {
        "last_month": last_month,
        "this_week": this_week,
        "reference_frame": pd.DataFrame(last_month)[columns],
        "current_frame": pd.DataFrame(this_week)[columns],
    }


EVIDENTLY = Page("how-to/evidently.md", frames)

# ---- Read your own files -----------------------------------------------------------------------


def own_files(site: Site) -> None:
    import datasets
    import pandas as pd

    folder, rows = site.folder, exchanges(300)
    plain = [{key: row[key] for key in ("id", "prompt", "response", "user")} for row in rows]
    write(folder / "last-month.jsonl", rows)
    write(folder / "baseline.jsonl", rows)
    write_csv(folder / "this-week.csv", plain)
    write_csv(folder / "baseline.csv", plain)
    pd.DataFrame(plain).to_parquet(folder / "baseline.parquet")
    zipped(write(folder / "export.jsonl", rows))
    for name in ("a", "b"):
        zipped(write(folder / "logs" / f"{name}.jsonl", exchanges(40)))
    data = datasets.Dataset.from_list(plain)
    datasets.DatasetDict({"train": data, "test": data}).save_to_disk(str(folder / "my-dataset"))
    for name in ("may", "june"):
        questions = [
            {"question": row["prompt"], "reply": row["response"], "user_id": row["user"]}
            for row in rows
        ]
        write_csv(folder / f"{name}.csv", questions)
    for name in ("monday", "tuesday"):
        zipped(write(folder / f"{name}.jsonl", exchanges(40)))
    write(folder / "logs" / "monday.jsonl", plain)
    write_batch(folder, plain)
    make_database(site)
    make_calls(site, plain)


def zipped(path: Path) -> None:
    """Compress a file, and remove it."""
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def write_batch(folder: Path, rows: list[dict[str, Any]]) -> None:
    """Write the input and the output of an OpenAI batch."""
    requests = [
        {
            "custom_id": row["id"],
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"model": "m", "messages": [{"role": "user", "content": row["prompt"]}]},
        }
        for row in rows
    ]
    responses = [
        {
            "id": f"batch-{row['id']}",
            "custom_id": row["id"],
            "response": {
                "status_code": 200,
                "body": {
                    "model": "m",
                    "choices": [
                        {"index": 0, "message": {"role": "assistant", "content": row["response"]}}
                    ],
                },
            },
            "error": None,
        }
        for row in rows
    ]
    write(folder / "batch_input.jsonl", requests)
    write(folder / "batch_output.jsonl", responses)


def make_calls(site: Site, rows: list[dict[str, Any]]) -> None:
    """Make the table `calls` in PostgreSQL, where `psql` finds it."""
    url = make_url(site.request.getfixturevalue("postgres_empty_database"))
    engine = make_engine(url.render_as_string(hide_password=False))
    with transaction(engine) as connection:
        connection.execute(text("create table calls (prompt text, response text)"))
        connection.execute(
            text("insert into calls values (:prompt, :response)"),
            [{"prompt": row["prompt"], "response": row["response"]} for row in rows],
        )
    engine.dispose()
    site.environment |= {
        "PGHOST": str(url.host or url.query["host"]),
        "PGPORT": str(url.port or url.query.get("port", 5432)),
        "PGUSER": str(url.username),
        "PGPASSWORD": str(url.password or ""),
        "PGDATABASE": str(url.database),
    }


READ_YOUR_OWN_FILES = Page("how-to/read-your-own-files.md", own_files)

PAGES = (TUTORIAL, README, COMPARE_IN_CI, COMPARE_IN_PYTHON, EVIDENTLY, READ_YOUR_OWN_FILES)
