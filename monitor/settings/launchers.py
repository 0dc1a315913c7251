"""Settings of the launchers that run training elsewhere: Ray and Kubernetes."""

from datetime import timedelta
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Field, model_validator

from monitor.setting_types.durations import AnyDuration, Duration, Within
from monitor.setting_types.field_types import Section, is_https_or_loopback


class Ray(Section):
    """A Ray cluster whose nodes share the folder of the runs."""

    address: str = ""
    python: str = ""
    num_cpus: Annotated[float, Field(ge=0)] = 1.0
    num_gpus: Annotated[float, Field(ge=0)] = 0.0
    memory_bytes: Annotated[int, Field(ge=0)] = 0
    resources: dict[str, Annotated[float, Field(gt=0)]] = Field(default={})
    working_dir: str = ""


class Toleration(Section):
    """A toleration of a pod for tainted nodes."""

    key: str = ""
    operator: Literal["Equal", "Exists"] = "Equal"
    value: str = ""
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = ""

    @model_validator(mode="after")
    def _is_valid(self) -> "Toleration":
        if self.operator == "Exists" and self.value:
            raise ValueError('operator "Exists" takes no value')
        if not self.key and self.operator == "Equal":
            raise ValueError('a toleration without a key needs operator = "Exists"')
        return self


class Kubernetes(Section):
    """A Kubernetes cluster whose Jobs mount the folder of the runs."""

    api: str = ""
    ca_file: str = ""
    namespace: str = ""
    image: str = ""
    image_pull_secret: str = ""
    service_account: str = ""
    environment_secrets: tuple[str, ...] = ()
    claim: str = ""
    mount_path: str = ""
    sub_path: str = ""
    python: str = "python"
    cpu: Annotated[str, Field(min_length=1)] = "2"
    memory: Annotated[str, Field(min_length=1)] = "8Gi"
    gpus: Annotated[int, Field(ge=0)] = 0
    gpu_resource: str = "nvidia.com/gpu"
    node_selector: dict[str, str] = Field(default={})
    tolerations: tuple[Toleration, ...] = ()
    ttl_after_finished: Annotated[AnyDuration, Within("10m")] = timedelta(days=1)
    active_deadline: Duration = timedelta(hours=24)

    @model_validator(mode="after")
    def _can_be_reached(self) -> "Kubernetes":
        if self.api and not is_https_or_loopback(self.api):
            raise ValueError("api must be an https:// address (http:// on loopback only)")
        if self.mount_path and not PurePosixPath(self.mount_path).is_absolute():
            raise ValueError("mount_path must be absolute")
        return self
