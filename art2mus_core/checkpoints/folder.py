"""Checkpoint folders in diffusers' layout: one subfolder per component, with a configuration and a safetensors file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ..errors import Art2MusError, CheckpointError
from ..placing import replacing
from .lacking import remedy_for
from .mapped import Mapped
from .memory import is_shortage
from .precision import stays
from .strict import check_fit, fill, header_forms, tensor_forms
from .tensors import WEIGHTS, opened, read_tensors, save_tensors
from .weight_norm import find_halves, joined_forms, joined_tensors

__all__ = [
    "check_component",
    "describes",
    "load_component",
    "opened",
    "read_config",
    "read_index",
    "read_tensors",
    "save_component",
    "save_index",
    "save_tensors",
    "weights_file",
]

Network = TypeVar("Network", bound=nn.Module)

INDEX = "model_index.json"
DIFFUSERS = ("unet", "vae")
"""Components whose weights are saved under diffusers' file name."""

AGAIN = "Install or download the checkpoint again."


def weights_file(folder: Path, name: str) -> Path:
    """The weights of component `name` under any of their file names; if there are none, the file to save them to.

    A single variant (such as `model.fp16.safetensors`) is used if there is no other file.
    """
    own = folder / name / WEIGHTS[name in DIFFUSERS]
    plain = (own, *(folder / name / other for other in WEIGHTS))
    variants = [path for kind in WEIGHTS for path in (folder / name).glob(f"{Path(kind).stem}.*.safetensors")]
    return next((path for path in plain if path.is_file()), variants[0] if len(variants) == 1 else own)


def config_file(folder: Path, name: str) -> Path:
    """The configuration file of component `name`; the scheduler's has another file name."""
    return folder / name / ("scheduler_config.json" if name == "scheduler" else "config.json")


def read_index(folder: Path) -> dict[str, Any]:
    """Read `model_index.json`: the components and, under `art2mus`, the default settings of this checkpoint.

    Raises:
        CheckpointError: missing or not JSON.
    """
    return _read_json(folder / INDEX)


def read_config(folder: Path, name: str) -> dict[str, Any]:
    """Read the configuration of component `name`.

    Raises:
        CheckpointError: the component or its configuration is missing, or it is not JSON.
    """
    if not (folder / name).is_dir():
        told = f"a folder {name} with configuration and weights in it"
        raise CheckpointError(f"{folder} has no {name}", told, remedy_for(folder, name))
    return _read_json(config_file(folder, name))


def load_component(
    folder: Path,
    name: str,
    build: Callable[[dict[str, Any]], Network],
    *,
    dtype: torch.dtype = torch.float32,
    unused: Callable[[str], bool] = lambda _: False,
    stored: Callable[[str], bool] = lambda _: False,
    prefix: str = "",
) -> Network:
    """Build component `name` from its configuration and load its weights, strictly. Weight norm is resolved.

    Args:
        folder: the checkpoint.
        name: the component's subfolder.
        build: configuration to network; called with `meta` as the default device, so it takes no memory.
        dtype: precision that floating-point weights are converted to.
        unused: true for keys of the file that are ignored.
        stored: true for weights that stay as they are stored, mapped from the disk, if that takes less memory: those of a network that
            converts them itself when it computes.
        prefix: prefix that keys of the file may have, if the network was stored as part of a larger one.

    Raises:
        CheckpointError: a file is missing or damaged, or its keys or shapes differ from the network's.
    """
    network = check_component(folder, name, build, unused=unused, prefix=prefix)
    path = weights_file(folder, name)
    with opened(path) as file:
        keys = {key.removeprefix(prefix): key for key in file.keys() if not unused(key)}  # noqa: SIM118
    tensors = Mapped(path, keys, lambda key, tensor: stays(tensor.dtype, dtype, stored=stored(key)))
    pairs = find_halves(network.state_dict(), tensor_forms(tensors), path)
    whole = joined_tensors(tensors, pairs) if pairs else tensors
    return fill(network, whole, path, lambda: build(read_config(folder, name)), dtype=dtype, stored=stored)


class _Unfilled(TorchFunctionMode):
    """Skips the initialisation of weights, which on `meta` would import torch's compiler (.9 s), and stops at far more weights than stored."""

    def __init__(self, stored: int) -> None:
        super().__init__()
        self.stored, self.left = stored, 50 * (stored + 200)  # about 4 calls for each weight are usual

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:  # noqa: ANN401
        given = kwargs or {}
        self.left -= 1
        if self.left < 0:
            raise CheckpointError("many more weights than there are", f"the {self.stored} in the file", AGAIN)
        if getattr(func, "__module__", None) == nn.init.__name__:
            return given["tensor"] if "tensor" in given else args[0]
        return func(*args, **given)


def check_component(
    folder: Path,
    name: str,
    build: Callable[[dict[str, Any]], Network],
    *,
    unused: Callable[[str], bool] = lambda _: False,
    prefix: str = "",
) -> Network:
    """Build component `name` on `meta` and compare it with the header of its weights; no weight is read.

    Raises:
        CheckpointError: as :func:`load_component`, except for values that are not finite.
    """
    config, path = read_config(folder, name), weights_file(folder, name)
    with opened(path) as file:
        found = {key.removeprefix(prefix): form for key, form in header_forms(file, unused=unused).items()}
    with describes(config_file(folder, name), name), torch.device("meta"), _Unfilled(len(found)):
        network = build(config)
    pairs = find_halves(network.state_dict(), found, path)
    check_fit(network, joined_forms(found, pairs), path)
    return network


@contextmanager
def describes(path: Path, what: str) -> Iterator[None]:
    """Attribute errors in the block to a configuration file.

    Args:
        path: the file.
        what: the network that it should describe, for the message.

    Raises:
        CheckpointError: the block raised one, to which the path is added, or any exception that is not ours.
    """
    try:
        yield
    except CheckpointError as error:
        raise CheckpointError(f"{path} describes {error.came}", error.expected, error.remedy) from error
    except Art2MusError:
        raise
    except Exception as error:  # constructors of three libraries raise many kinds of exceptions
        if is_shortage(error):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CheckpointError(f"{path} cannot be used ({reason})", f"the configuration of {what}", AGAIN) from error


def save_component(
    folder: Path, name: str, network: nn.Module, config: dict[str, Any], *, half: bool, **metadata: str
) -> None:
    """Write a component's configuration and weights, each completely or not at all.

    Args:
        folder: the checkpoint; created if missing.
        name: the component's subfolder.
        network: its state is written.
        config: the configuration that `load_component` passes to `build`.
        half: store floating-point weights in float16.
        **metadata: strings for the header of the weights.
    """
    save_tensors(folder / name / WEIGHTS[name in DIFFUSERS], network.state_dict(), half=half, metadata=metadata)
    save_config(folder, name, config)


def save_index(
    folder: Path, components: dict[str, Any], defaults: dict[str, Any] | None = None, *, kind: str = "AudioLDM2Pipeline"
) -> None:
    """Write `model_index.json`.

    Args:
        folder: the checkpoint.
        components: name to [library, class], as in diffusers; other entries too, such as `encoder` and `art2mus_presets`.
        defaults: default settings.
        kind: the pipeline's class in the table of routes.
    """
    index: dict[str, Any] = {"_class_name": kind, **components}
    _write_json(folder / INDEX, {**index, "art2mus": defaults} if defaults else index)


def save_config(folder: Path, name: str, config: dict[str, Any]) -> None:
    """Write the configuration of a component; the scheduler has nothing else."""
    _write_json(config_file(folder, name), config)


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise CheckpointError(f"{path} is missing", "a whole checkpoint folder", AGAIN)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} cannot be read ({error})", "a JSON object", AGAIN) from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} does not contain a JSON object", "a JSON object", AGAIN)
    return content


def _write_json(path: Path, content: dict[str, Any]) -> None:
    with replacing(path) as partial:
        partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
