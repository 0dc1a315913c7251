"""Recipe files in TOML."""

import json
from pathlib import Path
from typing import Any


def write_recipe(path: Path, **values: Any) -> Path:
    """Write a recipe; a mapping becomes a table."""
    tables = {name: value for name, value in values.items() if isinstance(value, dict)}
    lines = [
        f"{name} = {json.dumps(value)}" for name, value in values.items() if name not in tables
    ]
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
