"""Files that hold the end users of a drill: each kind, in each folder that a registry names."""

import json
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sqlalchemy import Engine

from monitor.embedding.cached_encoder import open_cache
from monitor.privacy.file_readers.kinds import KINDS
from monitor.privacy.run_files import RUN_FILES, FileErasure
from monitor.settings import Settings
from monitor.store.audit_log import append_entry
from monitor.store.engine import transaction
from tests.support.privacy.planted_files import CLOSED, PLANTERS
from tests.support.privacy.planted_users import MOMENT, PlantedUser, run_folder

EVALUATION = """\
evaluation:
  benchmarks: [{name: support, dataset: benchmark.jsonl, metrics: [exact_match]}]
"""
#: Files outside the folders of runs whose rows are removed.
OF_ROWS = ("original.jsonl", "benchmark.jsonl", "export.jsonl")


def row_of(end_user: PlantedUser) -> str:
    """Return a line of training data, of a benchmark or of an export."""
    messages = [{"role": "user", "content": end_user.prompt}]
    metadata = {"exchange_id": end_user.call, "end_user": end_user.id}
    return json.dumps({"id": end_user.call, "messages": messages, "metadata": metadata})


def plant_folders(
    engine: Engine, settings: Settings, folder: Path, end_users: Sequence[PlantedUser], share: int
) -> dict[PlantedUser, list[Path]]:
    """Write the files, and return those of each end user that no erasure changes.

    Each end user has every kind of file of a run, and of the kinds that are only searched one in
    ``share``, in the folder of the run and in the one above.
    """
    (folder / "evaluation.yaml").write_text(EVALUATION, encoding="utf-8")
    rows = "".join(f"{row_of(end_user)}\n" for end_user in end_users)
    for name in OF_ROWS:
        (folder / name).write_text(rows, encoding="utf-8")
    with transaction(engine) as connection:
        append_entry(connection, MOMENT, "lea", "exported", str(folder / "export.jsonl"), {})
    cache = open_cache(settings.embedding)
    encoder = cache.add_encoder(b"fingerprint", "fake@1", 8)
    assert encoder is not None
    vectors = np.array([np.frombuffer(end_user.vector, np.float16) for end_user in end_users])
    cache.write(encoder, [end_user.prompt for end_user in end_users], vectors)
    cache.close()
    return {end_user: _plant_run(folder, end_user, end_users, share) for end_user in end_users}


def _plant_run(
    folder: Path, end_user: PlantedUser, end_users: Sequence[PlantedUser], share: int
) -> list[Path]:
    run, copies = folder / run_folder(end_user), folder / "runs" / "copies"
    for kind in RUN_FILES:
        if kind.erasure in {FileErasure.ROWS, FileErasure.MASKED}:
            path = run / kind.pattern.replace("*", "1")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_content(path, end_user, end_users, kind.erasure), encoding="utf-8")
    paths = []
    for number, kind in enumerate(KINDS):
        if (number + end_user.number) % share:
            continue
        for parent in (run, copies):
            parent.mkdir(parents=True, exist_ok=True)
            path = parent / f"{end_user.number}-{kind.name}.file"
            text = f"a copy of {end_user.id}: {end_user.prompt}"
            if kind.name == CLOSED:
                path.write_bytes(b"%PDF-1.7 " + zlib.compress(text.encode()))
            else:
                PLANTERS[kind.name](path, text)
            paths.append(path)
    return paths


def _content(
    path: Path, end_user: PlantedUser, end_users: Sequence[PlantedUser], erasure: FileErasure
) -> str:
    """Return rows of the end user and of the last one, or words about the end user."""
    if erasure is FileErasure.ROWS:
        return f"{row_of(end_user)}\n{row_of(end_users[-1])}\n"
    words = {"note": f"{end_user.id} wrote: {end_user.prompt}", "n": 1}
    return json.dumps(words) + "\n" if path.suffix != ".md" else f"{words['note']}\n"
