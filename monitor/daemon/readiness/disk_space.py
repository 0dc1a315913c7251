"""Free space of the folders that the daemon writes to."""

import os
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from sqlalchemy import make_url

from monitor.daemon.readiness.finding import Finding, fail
from monitor.daemon.readiness.temporary_files import ignored_folder
from monitor.settings import Sections
from monitor.telemetry import DISK_FREE

#: A smaller free share is told at once, as by the rule for Prometheus.
MIN_FREE_RATIO = 0.05


def export_disk_space(settings: Sections) -> None:
    """Export the free share of each folder's file system, read at each scrape."""
    for name, folder in _folders(settings).items():
        DISK_FREE.labels(name).set_function(partial(free_ratio, folder))


def full_findings(settings: Sections) -> Iterator[Finding]:
    """Yield the folders whose file system is nearly full."""
    for name, folder in _folders(settings).items():
        free = free_ratio(folder)
        if free < MIN_FREE_RATIO:
            yield fail(f"{folder} ({name}): {free:.1%} of its disk is free")


def _folders(settings: Sections) -> dict[str, Path]:
    """Return the folders by their names in the metric."""
    folders = {
        "temporary": Path(tempfile.gettempdir()),
        "runs": Path(settings.by_model[0].retrain.work_dir),
    }
    named = ignored_folder()
    if named is not None:
        folders["tmpdir"] = named
    database = make_url(settings.database.url)
    if database.get_backend_name() == "sqlite" and database.database:
        folders["database"] = Path(database.database).parent
    return {name: folder.absolute() for name, folder in folders.items()}


def free_ratio(folder: Path) -> float:
    """Return the free share, for this user, of the file system of a folder.

    A folder that doesn't exist yet has the space of the nearest one above it. NaN where the file
    system doesn't say.
    """
    for place in (folder, *folder.parents):
        try:
            file_system = os.statvfs(place)
        except FileNotFoundError:
            continue
        except OSError:
            break
        # Without the blocks that only root may use.
        total = file_system.f_blocks - file_system.f_bfree + file_system.f_bavail
        return file_system.f_bavail / total if total else float("nan")
    return float("nan")
