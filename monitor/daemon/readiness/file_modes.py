"""Check that only the daemon's account can read what driftwarden writes."""

import os
import shlex
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from monitor.daemon.readiness.finding import Finding, note, ok, open_connection
from monitor.plurals import pluralize
from monitor.private_files import UMASK
from monitor.settings import Sections

#: Files and folders that the finding names; the commands reach all.
MAX_NAMED = 20
#: A folder with more is not searched further: what was written first was written by an old release.
MAX_SEARCHED = 200_000
ACCESS_LIST = "system.posix_acl_access"


def file_modes_finding(settings: Sections) -> Finding:
    """Find what other users of the machine may read or change; nothing is changed."""
    exposed: list[Path] = []
    commands: dict[str, None] = {}
    for place in _places(settings):
        matches = [path for path in islice(_tree(place), MAX_SEARCHED) if is_exposed(path)]
        if matches:
            exposed += matches
            recursive = "-R " if place.is_dir() and not place.is_symlink() else ""
            commands.setdefault(f"chmod {recursive}go-rwx {shlex.quote(str(place))}")
    if not exposed:
        return ok("only this account reads the files")
    named = ", ".join(map(str, exposed[:MAX_NAMED]))
    left = len(exposed) - MAX_NAMED
    more = f" and {left} more" if left > 0 else ""
    return note(
        f"other users of this machine can read {pluralize(len(exposed), 'path')} with texts of end "
        f"users: {named}{more}; run: {'; '.join(commands)}"
    )


def is_exposed(path: Path) -> bool:
    """Return whether the mode gives group or others a right.

    Two rights of the group are none too many: those of an access list, whose bits are its mask, and
    in Kubernetes those of the volume's own group, which the kubelet sets.
    """
    try:
        status = path.lstat()
    except OSError:
        return False
    mode = stat.S_IMODE(status.st_mode) & UMASK
    if stat.S_ISLNK(status.st_mode) or not mode:
        return False
    if mode & stat.S_IRWXO:
        return True
    in_pod = "KUBERNETES_SERVICE_HOST" in os.environ and status.st_gid in os.getgroups()
    return not in_pod and not _has_access_list(path)


def _has_access_list(path: Path) -> bool:
    try:
        return ACCESS_LIST in os.listxattr(path)
    except OSError:
        return False


def _tree(place: Path) -> Iterator[Path]:
    if not place.is_dir() or place.is_symlink():
        yield place
        return
    yield place
    for folder, folders, files in os.walk(place):
        yield from (Path(folder, name) for name in sorted([*folders, *files]))


def _places(settings: Sections) -> list[Path]:
    """Return the files and folders that exist, of those that driftwarden writes."""
    from monitor.store.audit_log import subjects_of
    from monitor.store.engine import parse_url

    places: list[Path] = []
    url = parse_url(settings.database.url)
    if url.get_backend_name() == "sqlite" and url.database:
        file = Path(url.database)
        places += [file, *sorted(file.parent.glob(f"{file.name}[-.]*"))]
    for of_model in settings.by_model:
        places += [Path(of_model.retrain.work_dir), Path(of_model.rollout.journal)]
    if settings.embedding.cache:
        places.append(Path(settings.embedding.cache))
    with open_connection(settings) as connection:
        places += [Path(name) for name in subjects_of(connection, "exported")]
    return [place for place in dict.fromkeys(places) if place.exists()]
