"""A checkpoint folder in diffusers' layout: one subfolder a component, each a configuration and a safetensors file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ..errors import Art2MusError, CheckpointError
from ..placing import replacing
from .strict import fill

__all__ = [
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
WEIGHTS = ("model.safetensors", "diffusion_pytorch_model.safetensors")
"""What weights are called: by transformers and by us, and by diffusers."""

DIFFUSERS = ("unet", "vae")
"""Components that are written under diffusers' name."""

BEGINNINGS = {
    b"PK\x03\x04": "is a pickle (torch.save) under the name of a safetensors file",
    b"\x80": "is a pickle under the name of a safetensors file",
    b"<": "is a web page, not the file behind it",
    b"version https://git-lfs": "only points to a file in git's large file storage",
}
"""First bytes of what is often found in place of weights."""

AGAIN = "Install or download the checkpoint again."


def weights_file(folder: Path, name: str) -> Path:
    """Where the weights of component `name` lie, under either name; if nowhere, where they are written."""
    own = _own_file(folder, name)
    return next((path for path in (own, *(folder / name / other for other in WEIGHTS)) if path.is_file()), own)


def _own_file(folder: Path, name: str) -> Path:
    return folder / name / WEIGHTS[name in DIFFUSERS]


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
        CheckpointError: no such component, or its configuration is missing or not JSON.
    """
    if not (folder / name).is_dir():
        raise CheckpointError(
            f"{folder} has no {name}", f"a folder {name} in it, with its configuration and weights", AGAIN
        )
    return _read_json(config_file(folder, name))


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """A safetensors file, of which only the header has been read; tensors are mapped from the disk when they are asked for.

    Raises:
        CheckpointError: missing, truncated or something else; also where the block finds it damaged.
    """
    _require(path)
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"{path} {_what_is_wrong(path, error)}", "a whole safetensors file", AGAIN) from error


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """All tensors of a safetensors file, and the strings of its header.

    Raises:
        CheckpointError: missing, truncated or damaged.
    """
    with opened(path) as file:
        return {key: file.get_tensor(key) for key in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118


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
    except Art2MusError:
        raise
    except Exception as error:  # constructors of three libraries, each with exceptions of its own
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CheckpointError(
            f"{config_file(folder, name)} describes no network that can be built ({reason})",
            f"the configuration of {name}",
            AGAIN,
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
    save_tensors(_own_file(folder, name), network.state_dict(), half=half)
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
        partial.touch()
        usual = partial.stat().st_mode  # safetensors makes files that nobody else can read
        save_file(
            {key: stored(tensor) for key, tensor in tensors.items()}, partial, {"format": "pt", **(metadata or {})}
        )
        partial.chmod(usual)


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
    if path.is_file():
        return
    pickles = sorted(path.parent.glob("*.bin"))
    if path.name in WEIGHTS and pickles:
        raise CheckpointError(
            f"{path.parent} has its weights only as a pickle, {pickles[0].name}",
            f"{' or '.join(WEIGHTS)}; a pickle can hold a program, so none is opened here",
            "Fetch the safetensors file of the same repository into this folder.",
        )
    raise CheckpointError(f"{path} is missing", "a whole checkpoint folder", AGAIN)


def _what_is_wrong(path: Path, error: Exception) -> str:
    with path.open("rb") as file:
        start = file.read(64)
    if not start:
        return "is empty"
    # Whole weights may begin with any byte too: the length of their header, eight bytes, stands before it.
    found = next((said for mark, said in BEGINNINGS.items() if start.startswith(mark) and start[8:9] != b"{"), None)
    return found or f"{'is damaged' if isinstance(error, SafetensorError) else 'cannot be read'} ({error})"


def _read_json(path: Path) -> dict[str, Any]:
    _require(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read ({error})", "a JSON object", AGAIN) from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds no JSON object", "one", AGAIN)
    return content


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
