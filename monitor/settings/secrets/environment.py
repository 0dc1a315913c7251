"""The environment as a source of settings, with the database's address from a file."""

from collections.abc import Mapping

from pydantic_settings import EnvSettingsSource

from monitor.settings.secrets.files import DATABASE_URL, SUFFIX, read_variable


class Environment(EnvSettingsSource):
    """Variables of settings. The database's address, which may hold a password, may be a file's."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        variables = dict(super()._load_env_vars())
        if variables.pop((DATABASE_URL + SUFFIX).lower(), None):
            variables[DATABASE_URL.lower()] = read_variable(DATABASE_URL)
        return variables
