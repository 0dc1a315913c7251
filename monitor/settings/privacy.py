"""Settings of end users' ids, of the suppression list, of requests and of the proof of erasures."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from monitor.setting_types.durations import Duration
from monitor.setting_types.field_types import Section


class Privacy(Section):
    """Stored forms of end users' ids, the list outside the database, requests and proofs."""

    user_ids: Literal["pseudonym", "as_is"] = "pseudonym"
    ignore_case: bool = True
    phone_region: Annotated[str, Field(pattern="^(?:[A-Z]{2})?$")] = ""
    require_key: bool = False
    suppression_file: str = ""
    proof_period: Duration = timedelta(days=365)
    request_period: Duration = timedelta(days=30)
