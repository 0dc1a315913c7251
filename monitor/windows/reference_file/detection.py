"""Detection of reference files: Parquet whose metadata has a key of ours."""

import stat
from pathlib import Path

from monitor.extras import using_extras

KEY = b"driftwarden.reference"
MAGIC = b"PAR1"


def is_reference_file(path: Path) -> bool:
    """Return whether a file is one that ``--save-reference`` made, whatever its version.

    Of a damaged file that is not known; it is read, and refused, as any Parquet file.

    Raises:
        MissingExtraError: It is Parquet, and pyarrow is missing.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                return False
    except OSError:
        return False
    with using_extras(f"a Parquet file ({path})", "parquet"):
        import pyarrow as pa  # noqa: PLC0415 - only where a file needs it
        from pyarrow import parquet  # noqa: PLC0415
    try:
        return KEY in (parquet.read_metadata(path).metadata or {})
    except (OSError, pa.ArrowException):
        return False
