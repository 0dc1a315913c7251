"""Deletion of files that expire: of training runs, and exports."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.store.privacy.expired_files import ExpiredExport, ExpiredRun
from monitor.telemetry import get_logger
from retrain.run_folder import RunFolder

#: An export is written after its entry in the audit log.
WRITING_TIME = timedelta(hours=1)

log = get_logger(__name__)


def remove_run_files(run: ExpiredRun) -> int:
    """Delete the files in a run's folder; return their number.

    What holds no text stays: recipe and data card. So do adapters of registered versions.
    """
    folder = RunFolder(Path(run.folder))
    if not folder.root.is_dir():
        return 0
    without_text = {folder.recipe, folder.card, folder.data_card}
    adapters = [Path(path).resolve() for path in run.adapters if path]
    n_removed = 0
    for path in sorted(folder.root.iterdir()):
        own = path.resolve()
        if path in without_text or any(adapter.is_relative_to(own) for adapter in adapters):
            continue
        try:
            n_removed += _remove(path)
        except OSError as error:
            log.warning("expired_file_not_removed", run=run.id, reason=error.strerror)
    return n_removed


def remove_export(export: ExpiredExport) -> int:
    """Delete an exported file; return 0 where it is gone, or was changed since by somebody."""
    path = Path(export.path)
    try:
        changed_at = datetime.fromtimestamp(path.lstat().st_mtime, UTC)
        if changed_at > export.written_at + WRITING_TIME:
            log.warning("expired_export_changed", action="delete it yourself")
            return 0
        return _remove(path)
    except FileNotFoundError:
        return 0
    except OSError as error:
        log.warning("expired_file_not_removed", reason=error.strerror)
        return 0


def _remove(path: Path) -> int:
    """Delete a file, or a folder with its files; a link is deleted, not what it points to."""
    if path.is_symlink() or not path.is_dir():
        path.unlink()
        return 1
    n_files = sum(below.is_file() or below.is_symlink() for below in path.rglob("*"))
    shutil.rmtree(path)
    return n_files
