"""A checkpoint folder in diffusers' layout: one subfolder a component, each a configuration and a safetensors file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ..errors import CheckpointError
from ..placing import replacing
from .strict import fill

__all__ = [
    "load_component",
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
WEIGHTS = {"unet": "diffusion_pytorch_model.safetensors", "vae": "diffusion_pytorch_model.safetensors"}
"""File names that differ from `model.safetensors`: diffusers' components have their own."""


def weights_file(folder: Path, name: str) -> Path:
    """Where the weights of component `name` lie."""
    return folder / name / WEIGHTS.get(name, "model.safetensors")


def config_file(folder: Path, name: str) -> Path:
    """Where the configuration of component `name` lies; the scheduler's has a name of its own."""
    return folder / name / ("scheduler_config.json" if name == "scheduler" else "config.json")


def read_index(folder: Path) -> dict[str, Any]:
    """`model_index.json`: which components there are and, under `art2mus`, the settings that suit this checkpoint.

    Raises:
        CheckpointError: missing or not JSON.
    """
    return _read_json(folder / INDEX)


def read_config(folder: Path, name: str) -> dict[str, Any]:
    """The configuration of component `name`.

    Raises:
        CheckpointError: missing or not JSON.
    """
    return _read_json(config_file(folder, name))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """All tensors of a safetensors file, and the strings of its header.

    Raises:
        CheckpointError: missing, truncated or damaged.
    """
    _require(path)
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} is damaged ({error})", "a whole safetensors file", "Install or download the checkpoint again."
        ) from error


def load_component(
    folder: Path,
    name: str,
    build: Callable[[dict[str, Any]], Network],
    *,
    dtype: torch.dtype = torch.float32,
    unused: Callable[[str], bool] = lambda _: False,
) -> Network:
    """Build component `name` from its configuration and fill it with its weights, strictly.

    Args:
        folder: the checkpoint.
        name: the component's subfolder.
        build: configuration to network; called with `meta` as the default device, so it costs no memory.
        dtype: floating-point weights are converted to this, whatever they are stored in.
        unused: true for keys of the file that may be there and are not wanted.

    Raises:
        CheckpointError: a file is missing or damaged, or its keys or shapes are not those of the network.
    """
    config = read_config(folder, name)
    path = weights_file(folder, name)
    tensors, _ = read_tensors(path)
    try:
        network = _on_meta(build, config)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise CheckpointError(
            f"{config_file(folder, name)} describes no network that can be built ({error})",
            f"the configuration of {name}",
            "Install or download the checkpoint again.",
        ) from error
    wanted = {key: tensor for key, tensor in tensors.items() if not unused(key)}
    return fill(network, wanted, path, lambda: build(config), dtype=dtype)


def save_component(folder: Path, name: str, network: nn.Module, config: dict[str, Any], *, half: bool) -> None:
    """Write a component's configuration and weights, each whole or not at all.

    Args:
        folder: the checkpoint; made if it is not there.
        name: the component's subfolder.
        network: whose state is written.
        config: what `load_component` hands to `build`.
        half: store floating-point weights in float16.
    """
    save_tensors(weights_file(folder, name), network.state_dict(), half=half)
    save_config(folder, name, config)


def save_tensors(
    path: Path, tensors: dict[str, Tensor], *, half: bool = False, metadata: dict[str, str] | None = None
) -> None:
    """Write tensors as safetensors, whole or not at all.

    Args:
        path: the file.
        tensors: by key.
        half: store floating-point tensors in float16.
        metadata: strings for the header.
    """

    def stored(tensor: Tensor) -> Tensor:
        dtype = torch.float16 if half and tensor.is_floating_point() else tensor.dtype
        return tensor.detach().to("cpu", dtype, copy=True, memory_format=torch.contiguous_format).contiguous()

    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        save_file(
            {key: stored(tensor) for key, tensor in tensors.items()}, partial, {"format": "pt", **(metadata or {})}
        )


def save_index(folder: Path, components: dict[str, list[str]], defaults: dict[str, Any] | None = None) -> None:
    """Write `model_index.json`.

    Args:
        folder: the checkpoint.
        components: name to [library, class], as diffusers has it.
        defaults: steps, guidance and solver that suit this checkpoint.
    """
    index: dict[str, Any] = {"_class_name": "AudioLDM2Pipeline", **components}
    _write_json(folder / INDEX, {**index, "art2mus": defaults} if defaults else index)


def save_config(folder: Path, name: str, config: dict[str, Any]) -> None:
    """Write the configuration of a component; alone where it has no weights (the scheduler).

    Without diffusers' list of values left at their default: what stands in it would not be read again, although written.
    """
    _write_json(
        config_file(folder, name), {key: value for key, value in config.items() if key != "_use_default_values"}
    )


def _on_meta(build: Callable[[dict[str, Any]], Network], config: dict[str, Any]) -> Network:
    with torch.device("meta"):
        return build(config)


def _require(path: Path) -> None:
    if not path.is_file():
        raise CheckpointError(
            f"{path} is missing", "a whole checkpoint folder", "Install or download the checkpoint again."
        )


def _read_json(path: Path) -> dict[str, Any]:
    _require(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} cannot be read ({error})", "a JSON object", "Install or download the checkpoint again."
        ) from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds no JSON object", "one", "Install or download the checkpoint again.")
    return content


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
