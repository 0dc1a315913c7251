"""The environment as a source of settings, with the database's address from a file."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource

from monitor.settings.secrets.files import DATABASE_URL, SUFFIX, read_variable


class Environment(EnvSettingsSource):
    """Variables of settings. The database's address, which may hold a password, may be a file's."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        variables = dict(super()._load_env_vars())
        if variables.pop((DATABASE_URL + SUFFIX).lower(), None):
            variables[DATABASE_URL.lower()] = read_variable(DATABASE_URL)
        return variables

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """Return a list or table from JSON; what is none is refused as that of a file."""
        try:
            return super().decode_complex_value(field_name, field, value)
        except json.JSONDecodeError:
            return value
