"""A checkpoint folder in diffusers' layout: one subfolder a component, each a configuration and a safetensors file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ..errors import Art2MusError, CheckpointError
from ..placing import replacing
from .memory import is_shortage
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
"""Components that are written under diffusers' name."""

AGAIN = "Install or download the checkpoint again."


def weights_file(folder: Path, name: str) -> Path:
    """Where the weights of component `name` lie, under either name; if nowhere, where they are written.

    Alone in the folder, a copy that was saved as a variant (`model.fp16.safetensors`) is taken as well.
    """
    own = _own_file(folder, name)
    plain = (own, *(folder / name / other for other in WEIGHTS))
    variants = [path for kind in WEIGHTS for path in (folder / name).glob(f"{Path(kind).stem}.*.safetensors")]
    return next((path for path in plain if path.is_file()), variants[0] if len(variants) == 1 else own)


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


def load_component(
    folder: Path,
    name: str,
    build: Callable[[dict[str, Any]], Network],
    *,
    dtype: torch.dtype = torch.float32,
    unused: Callable[[str], bool] = lambda _: False,
    prefix: str = "",
) -> Network:
    """Build component `name` from its configuration and fill it with its weights, strictly.

    Weights that were stored under weight norm are put together on the way.

    Args:
        folder: the checkpoint.
        name: the component's subfolder.
        build: configuration to network; called with `meta` as the default device, so it costs no memory.
        dtype: floating-point weights are converted to this, whatever they are stored in.
        unused: true for keys of the file that may be there and are not wanted.
        prefix: what keys of the file may begin with, where the network was stored as part of a larger one.

    Raises:
        CheckpointError: a file is missing or damaged, or its keys or shapes are not those of the network.
    """
    network = check_component(folder, name, build, unused=unused, prefix=prefix)
    path = weights_file(folder, name)
    with opened(path) as file:
        tensors = {key.removeprefix(prefix): file.get_tensor(key) for key in file.keys() if not unused(key)}  # noqa: SIM118
    pairs = find_halves(network.state_dict(), tensor_forms(tensors), path)
    whole = joined_tensors(tensors, pairs)
    return fill(network, whole, path, lambda: build(read_config(folder, name)), dtype=dtype)


class _Unfilled(TorchFunctionMode):
    """Networks are built without drawing first weights, which on `meta` would import torch's compiler (.9 s)."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        given = kwargs or {}
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
    """Build component `name` on `meta` and compare it with the header of its weights, of which none is read.

    Raises:
        CheckpointError: as :func:`load_component`, but for values that are not finite.
    """
    config, path = read_config(folder, name), weights_file(folder, name)
    with opened(path) as file:
        found = {key.removeprefix(prefix): form for key, form in header_forms(file, unused=unused).items()}
    with describes(config_file(folder, name), name), torch.device("meta"), _Unfilled():
        network = _built(build, config, config_file(folder, name))
    pairs = find_halves(network.state_dict(), found, path)
    check_fit(network, joined_forms(found, pairs), path)
    return network


def _built(build: Callable[[dict[str, Any]], Network], config: dict[str, Any], path: Path) -> Network:
    try:
        return build(config)
    except CheckpointError as error:
        raise CheckpointError(f"{path} describes {error.came}", error.expected, error.remedy) from error


@contextmanager
def describes(path: Path, what: str) -> Iterator[None]:
    """Blame a configuration file for whatever goes wrong while its network is built.

    Args:
        path: the file.
        what: of which it should be the configuration, for the message.

    Raises:
        CheckpointError: the block raised something that is no error of ours.
    """
    try:
        yield
    except Art2MusError:
        raise
    except Exception as error:  # constructors of three libraries, each with exceptions of its own
        if is_shortage(error):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CheckpointError(
            f"{path} describes no network that can be built ({reason})", f"the configuration of {what}", AGAIN
        ) from error


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
    """Write the configuration of a component; alone where it has no weights (the scheduler)."""
    _write_json(config_file(folder, name), config)


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise CheckpointError(f"{path} is missing", "a whole checkpoint folder", AGAIN)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read ({error})", "a JSON object", AGAIN) from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds no JSON object", "one", AGAIN)
    return content


def _write_json(path: Path, content: dict[str, Any]) -> None:
    with replacing(path) as partial:
        partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
