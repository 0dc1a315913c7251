"""Settings of end users' ids and of the suppression list."""

from typing import Annotated, Literal

from pydantic import Field

from monitor.setting_types.field_types import Section


class Privacy(Section):
    """Stored forms of end users' ids, and the suppression list outside the database."""

    user_ids: Literal["pseudonym", "as_is"] = "pseudonym"
    ignore_case: bool = True
    phone_region: Annotated[str, Field(pattern="^(?:[A-Z]{2})?$")] = ""
    require_key: bool = False
    suppression_file: str = ""
