"""Every module that writes files declares which, so that no copy of texts goes unmentioned."""

import ast
from pathlib import Path

from monitor.privacy.inventory.files import list_files
from monitor.settings import Configuration

ROOT = Path(__file__).parents[4]
#: What writes a file whatever it is given.
WRITERS = frozenset(
    {
        "DictWriter", "FileHandler", "NamedTemporaryFile", "ParquetWriter", "RotatingFileHandler",
        "SpooledTemporaryFile", "TemporaryDirectory", "TemporaryFile", "copy2", "copyfile",
        "copyfileobj", "copytree", "create_private_file", "dump", "mkdtemp", "mkstemp", "save",
        "save_file", "save_model", "save_pretrained", "savefig", "savez", "savez_compressed",
        "to_csv", "to_excel", "to_parquet", "to_pickle", "tofile", "write_atomically",
        "write_bytes", "write_json", "write_lines", "write_private_bytes", "write_private_text",
        "write_table", "write_text", "writer",
    }
)  # fmt: skip
#: What writes a file by its mode or flags.
OPENERS = frozenset({"open", "fdopen", "ZipFile", "TarFile"})
FLAGS = frozenset({"O_CREAT", "O_RDWR", "O_WRONLY"})

#: The files of folders of runs, which `forget`, `--verify` and the weekly check read as a whole.
RUN = "files of a run"
#: Files without data of end users and words of staff, and calls that write no file.
NOTHING = "no personal data"
#: Unnamed, or removed when the command ends.
TEMPORARY = "temporary files of commands and of the daemon"
COMPARED = "files of `compare`, `evaluate` and human evaluations (HTML, JSON, sheets)"
EXPORTS = "exports of gold and of the queue, and files that were imported"
BACKUPS = "backups by `driftwarden db backup`, and copies before a change of the schema"
#: What each module writes: files of the inventory, which says how a search reaches them.
MODULES = {
    "monitor/cli/bench.py": NOTHING,  # figures
    "monitor/cli/compare/outputs.py": COMPARED,
    "monitor/cli/init.py": NOTHING,  # settings
    "monitor/cli/retrain/human_evaluation.py": COMPARED,
    "monitor/cli/review/exchange.py": EXPORTS,
    "monitor/cli/shared/temporary_folder.py": NOTHING,  # an attempt to write
    "monitor/cli/taxonomy.py": NOTHING,  # guidelines
    "monitor/daemon/readiness/temporary_files.py": NOTHING,  # an attempt to write
    "monitor/embedding/vector_cache.py": "embedding.cache (not set)",
    "monitor/input_files/spool.py": TEMPORARY,
    "monitor/privacy/file_readers/reading.py": TEMPORARY,
    "monitor/privacy/file_readers/sqlite.py": TEMPORARY,
    "monitor/privacy/run_files.py": RUN,
    "monitor/privacy/subject_export/writing.py": "exports of `driftwarden subject export`",
    "monitor/private_files.py": NOTHING,  # for its callers
    "monitor/review/export/serialization.py": EXPORTS,
    "monitor/review/guidelines/writer.py": NOTHING,  # a text
    "monitor/sizing/constants.py": NOTHING,  # figures
    "monitor/store/schema/safety_copy.py": BACKUPS,
    "monitor/store/traffic/spool.py": TEMPORARY,
    "monitor/store/transfer/backup.py": BACKUPS,
    "monitor/store/transfer/restore.py": TEMPORARY,
    "monitor/store/windows/prompt_maps.py": NOTHING,  # a column
    "monitor/store/windows/sample_scores.py": NOTHING,  # a column
    "monitor/store/windows/slow_drift.py": NOTHING,  # a column
    "monitor/telemetry.py": "log of the daemon and of commands",
    "monitor/traffic/end_users/suppression_file.py": "privacy.suppression_file",
    "monitor/windows/assessment/detectable_shares.py": NOTHING,  # figures
    "monitor/windows/exchanges/result.py": COMPARED,
    "monitor/windows/reference_file/container.py": COMPARED,
    "retrain/data/erasure.py": RUN,
    "retrain/data/self_generated.py": RUN,
    "retrain/data/training_set.py": RUN,
    "retrain/evaluation/child.py": RUN,
    "retrain/evaluation/request.py": RUN,
    "retrain/evaluation/response_cache.py": RUN,
    "retrain/jobs/attempts.py": RUN,
    "retrain/jobs/child_process.py": RUN,
    "retrain/jobs/local_launcher.py": RUN,
    "retrain/models/adapter_folder.py": RUN,
    "retrain/models/base_model.py": NOTHING,  # a base model
    "retrain/models/tiny_base.py": NOTHING,  # a base model for tests
    "retrain/registry/registration.py": RUN,
    "retrain/rollout/emergency/changed_weights.py": NOTHING,  # rows
    "retrain/rollout/emergency/journal.py": "rollout.journal",
    "retrain/rollout/gateways/route_file.py": NOTHING,  # versions and weights
    "retrain/rollout/transitions/recorded_weights.py": NOTHING,  # rows
    "retrain/run_folder.py": RUN,
    "retrain/training/fine_tuning.py": RUN,
    "retrain/training/peak_memory.py": NOTHING,  # a switch of the kernel
    "retrain/training/progress_callback.py": RUN,
    "retrain/training/replay_generation.py": RUN,
    "retrain/training/runs.py": RUN,
}
#: Made-up and public data.
LEFT_OUT = ("monitor/bench/", "monitor/demo/")


def writes(call: ast.Call) -> bool:
    """Return whether a call may write a file."""
    function = call.func
    name = getattr(function, "id", "") or getattr(function, "attr", "")
    if name not in OPENERS:
        return name in WRITERS
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    return any(
        getattr(part, "attr", "") in FLAGS
        or (
            isinstance(part, ast.Constant)
            and isinstance(part.value, str)
            and len(part.value) <= 3
            and not set("wax+").isdisjoint(part.value)
        )
        for argument in arguments
        for part in ast.walk(argument)
    )


def writing_modules() -> set[str]:
    """Return the modules of the product that may write a file."""
    paths = [path for folder in ("monitor", "retrain") for path in (ROOT / folder).rglob("*.py")]
    names = {path.relative_to(ROOT).as_posix(): path for path in paths}
    return {
        name
        for name, path in names.items()
        if not name.startswith(LEFT_OUT)
        and any(
            isinstance(node, ast.Call) and writes(node)
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
        )
    }


def test_every_module_that_writes_files_is_listed() -> None:
    """A new one: declare what it writes, and in the inventory how `forget` finds it."""
    assert writing_modules() - set(MODULES) == set()


def test_written_files_are_in_the_inventory() -> None:
    declared = {file.name for file in list_files(Configuration())}
    assert set(MODULES.values()) - declared == {RUN, NOTHING}
    assert set(MODULES) - writing_modules() == set()
