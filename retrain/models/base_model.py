"""Base models as plain folders, and conversion of GGUF files."""

import hashlib
import shutil
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from monitor.errors import ModelError
from monitor.model_hub import hub_problem, reads_locally
from monitor.settings.model_location import locate_model
from retrain.models.chat_template import SMOLLM2_SYSTEM, chatml, require_generation_marks
from retrain.models.response_marks import end_tokens
from retrain.models.template_bounds import bound_templates
from retrain.models.template_date import fix_template_date
from retrain.recipes.recipe import Recipe

#: Increased when the conversion changes, so that older caches are not used.
CONVERSION = 1
#: What the readers of GGUF raise for a file whose header lies.
_UNREADABLE = (
    ValueError,
    ArithmeticError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    RecursionError,
    MemoryError,
    struct.error,
)


@dataclass(frozen=True)
class BaseModel:
    """The location, revision and chat template of a base model."""

    #: A folder that transformers loads, or a hub id.
    location: str
    #: Commit of a hub model; ``sha256:...`` of a packaged file; empty for a folder, whose content
    #: the training child hashes.
    revision: str
    #: Text of the template that replaces the tokenizer's; empty: the tokenizer's own.
    chat_template: str = ""

    @property
    def commit(self) -> str | None:
        """The commit of a hub model; ``None`` without one, and for a folder."""
        return None if Path(self.location).is_dir() else self.revision or None

    @property
    def folder(self) -> Path:
        """The folder; a hub id has none, which is a ``ModelError``."""
        path = Path(self.location)
        if not path.is_dir():
            raise ModelError(
                f"{self.location} is a hub id, not a folder; download it and name the folder"
            )
        return path


def base_of(recipe: Recipe) -> BaseModel:
    """Return the base model of a recipe."""
    return BaseModel(recipe.base, recipe.base_revision, recipe.chat_template)


def prepare_base(
    name: str, cache: Path, *, revision: str = "", chat_template: str = ""
) -> BaseModel:
    """Return a trainable base model; convert a GGUF file first.

    ``name`` is ``package:NAME``, a folder or a hub id, whose commit is ``revision``. The cache has
    a subfolder for each source digest. ``chat_template`` replaces the tokenizer's.

    Raises:
        ModelError: The model is missing, or no marks of its chat template locate the responses.
    """
    location = locate_model(name)
    folder = Path(location)
    if folder.is_dir() and not (folder / "config.json").is_file():
        files = sorted(folder.glob("*.gguf"))
        if len(files) != 1:
            raise ModelError(
                f"{name}: the folder has neither config.json nor exactly one .gguf file"
            )
        base = replace(_converted(files[0], cache), chat_template=chat_template)
        if not chat_template:
            return base  # the conversion has marked its template
    else:
        base = BaseModel(location, "" if folder.is_dir() else revision, chat_template)
    require_marked_responses(base, load_tokenizer(base), name)
    return base


def require_marked_responses(base: BaseModel, tokenizer: Any, origin: str) -> None:
    """Require a chat template whose marks locate the responses.

    Errors name the base by ``origin``.

    Raises:
        ModelError: See :func:`retrain.models.chat_template.require_generation_marks`.
    """
    origin = f"{origin}, with the recipe's chat_template" if base.chat_template else origin
    require_generation_marks(tokenizer, end_tokens(tokenizer, _generation_config(base)), origin)


def _generation_config(base: BaseModel) -> Any:
    """Return the generation config; ``None`` if the model has none."""
    from transformers import GenerationConfig  # noqa: PLC0415 - heavy

    try:
        return GenerationConfig.from_pretrained(
            base.location, revision=base.commit, local_files_only=reads_locally(base.location)
        )
    except (OSError, ValueError):
        return None


def load_tokenizer(base: BaseModel, *, download: bool = True) -> Any:
    """Load the tokenizer of a base model, with its template: bounded, with a constant date.

    A folder needs no network; a hub model that isn't here is downloaded where that is wanted.

    Raises:
        ModelError: The tokenizer can't be loaded.
    """
    from transformers import AutoTokenizer  # noqa: PLC0415 - heavy

    fix_template_date()
    bound_templates()
    is_local = not download or reads_locally(base.location)
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            base.location, revision=base.commit, local_files_only=is_local
        )
    except (OSError, ValueError) as error:
        reason = str(error).strip().split("\n", maxsplit=1)[0]
        if not Path(base.location).is_dir():
            here = "it is no folder here"
            if not download:
                reason = "the model isn't on this machine"
            elif is_local:
                reason = f"{here}, no such hub model is on this machine, and {hub_problem()}"
            else:
                reason = f"{here}, and as a model of the hub: {reason}"
        raise ModelError(f"{base.location}: the tokenizer can't be loaded: {reason}") from error
    if base.chat_template:
        tokenizer.chat_template = base.chat_template
    return tokenizer


def _converted(source: Path, cache: Path) -> BaseModel:
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    target = cache / f"{source.stem}-{digest[:16]}-{CONVERSION}"
    base = BaseModel(str(target), f"sha256:{digest}")
    if target.is_dir():
        return base
    cache.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=cache))
    try:
        _convert(source, draft)
        draft.replace(target)
    except _UNREADABLE as error:
        raise ModelError(
            f"{source}: no readable GGUF file: {error}; copy or download it again",
            code="no_weights",
        ) from error
    except OSError as error:
        # Another process may have converted the same file; its result is identical.
        if not target.is_dir():
            raise ModelError(f"{source}: the conversion can't be written: {error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return base


def _convert(source: Path, target: Path) -> None:
    import torch  # noqa: PLC0415 - heavy
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415
    from transformers.utils import logging  # noqa: PLC0415

    logging.disable_progress_bar()
    with _read_once():
        tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
        if "<|im_start|>" not in (tokenizer.chat_template or ""):
            raise ModelError(
                f"{source}: only models with a ChatML template can be converted; "
                "use a folder instead"
            )
        model = AutoModelForCausalLM.from_pretrained(
            source.parent, gguf_file=source.name, dtype=torch.float32
        )
    default_system = SMOLLM2_SYSTEM if SMOLLM2_SYSTEM in tokenizer.chat_template else ""
    tokenizer.chat_template = chatml(default_system)
    _strip_quantisation_marks(model)
    model.generation_config.do_sample = False
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)


@contextmanager
def _read_once() -> Iterator[None]:
    """Parse a GGUF file once, which transformers does anew for every part, and without detours.

    A memory map makes an object of its class for each of its 150,000 parts, and a text is decoded
    from a list of its bytes: two fifths of the time. Without the progress bar, which fills a log.
    """
    import gguf  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415
    from transformers import modeling_gguf_pytorch_utils as reading  # noqa: PLC0415

    class Reader(gguf.GGUFReader):  # type: ignore[misc]  # gguf publishes no types
        """A reader whose parts are plain arrays over the memory map, and lie within the file."""

        def _get(self, offset: int, dtype: Any, count: int = 1, **order: Any) -> Any:
            if offset + np.dtype(dtype).itemsize * int(count) > self._data.size:
                raise ValueError("a part lies beyond its end")  # gguf would read on for ever
            return super()._get(offset, dtype, count, **order)

        @property
        def data(self) -> Any:
            return self._data

        @data.setter
        def data(self, value: Any) -> None:
            self._data = np.asarray(value)

    def parse(value: Any, types: Any) -> Any:
        is_text = list(types)[-1:] == [gguf.GGUFValueType.STRING]
        return value.tobytes().decode() if is_text else parse_any(value, types)

    parsers, bar = (gguf.GGUFReader, gguf.get_tensor_name_map), reading.tqdm
    parse_any = reading._gguf_parse_value  # noqa: SLF001 - it has no public name
    gguf.GGUFReader, gguf.get_tensor_name_map = cache(Reader), cache(gguf.get_tensor_name_map)
    reading.tqdm = lambda tensors, **_: tensors
    reading._gguf_parse_value = parse  # noqa: SLF001
    try:
        yield
    finally:
        gguf.GGUFReader, gguf.get_tensor_name_map = parsers
        reading.tqdm = bar
        reading._gguf_parse_value = parse_any  # noqa: SLF001


def _strip_quantisation_marks(model: Any) -> None:
    """Remove the quantisation config, which makes save_pretrained refuse dequantised weights."""
    for name in ("hf_quantizer", "is_quantized", "quantization_method"):
        if hasattr(model, name):
            delattr(model, name)
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
