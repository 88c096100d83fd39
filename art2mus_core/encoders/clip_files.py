"""A CLIP folder as transformers stores it: one configuration, one file with both towers, and what feeds them.

Only the tower asked for is read. Sizes are the folder's own, so that every CLIP and OpenCLIP checkpoint in this layout loads.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch
from PIL import Image
from transformers import (
    AutoTokenizer,
    CLIPConfig,
    CLIPTextConfig,
    CLIPTextModelWithProjection,
    CLIPVisionModelWithProjection,
    PreTrainedTokenizerBase,
)

from ..checkpoints.folder import config_file, read_config, weights_file
from ..checkpoints.memory import is_shortage
from ..checkpoints.strict import check_fit, fill, header_forms
from ..checkpoints.tensors import opened
from ..errors import CheckpointError

try:
    from transformers import CLIPImageProcessorPil as Preprocessor
except ImportError:  # older versions: the plain name did not ask for torchvision yet
    from transformers import CLIPImageProcessor as Preprocessor  # type: ignore[assignment]

__all__ = [
    "Preprocessor",
    "check_tower",
    "check_vision",
    "clip_space",
    "load_preprocessor",
    "load_tokenizer",
    "load_tower",
]

Half = Literal["vision", "text"]

NETWORKS: dict[Half, Any] = {"vision": CLIPVisionModelWithProjection, "text": CLIPTextModelWithProjection}
KEYS: dict[Half, tuple[str, ...]] = {
    "vision": ("vision_model.", "visual_projection."),
    "text": ("text_model.", "text_projection."),
}
"""How the weights of a tower begin."""

PROJECTION = "visual_projection.weight"
LEFT = ("logit_scale", ".position_ids")
"""How weights end that no tower needs: the loss's temperature, and counting, which old versions stored."""

ANY_LARGEST = 2
"""As the text end's number, old configurations say this and mean the largest number of a text."""

AGAIN = "Download the checkpoint again."


def clip_space(folder: Path) -> str:
    """The name of a checkpoint's joint space: `clip-`, its width, and eight digits that identify the weights.

    They begin the sha256 of `visual_projection.weight` in float16 (little endian, row by row): the same for a file in
    float32 and its copy in float16, under whatever name. A copy in bfloat16 is too coarse for that and has its own.

    Raises:
        CheckpointError: no weights, damaged ones, or none of a CLIP.
    """
    path = weights_file(folder, ".")
    with opened(path) as file:
        if PROJECTION not in file.keys():  # noqa: SIM118
            raise CheckpointError(f"{path} lacks {PROJECTION}", "the weights of a CLIP", "Choose a CLIP checkpoint.")
        weight = file.get_tensor(PROJECTION)
    digest = hashlib.sha256(weight.to(torch.float16).numpy().astype("<f2").tobytes()).hexdigest()
    return f"clip-{len(weight)}-{digest[:8]}"


def load_tower(folder: Path, half: Half, *, dtype: torch.dtype) -> Any:  # noqa: ANN401
    """One tower with its projection, filled strictly.

    Args:
        folder: the checkpoint.
        half: `vision` or `text`.
        dtype: of the weights, whatever they are stored in.

    Returns:
        transformers' `CLIPVisionModelWithProjection` or `CLIPTextModelWithProjection`, in evaluation mode and frozen.

    Raises:
        CheckpointError: a file is missing or damaged, of another architecture, or contradicts the other.
    """
    network, path = check_tower(folder, half), weights_file(folder, ".")
    with opened(path) as file:
        tensors = {key: file.get_tensor(key) for key in file.keys() if not _is_elsewhere(key, half)}  # noqa: SIM118
    return fill(network, tensors, path, lambda: NETWORKS[half](_thin(network.config)), dtype=dtype)


def check_tower(folder: Path, half: Half) -> Any:  # noqa: ANN401
    """One tower on `meta`, compared with the header of the folder's weights, of which none is read.

    Raises:
        CheckpointError: as :func:`load_tower`, but for values that are not finite.
    """
    config, path = _tower_config(folder, half), weights_file(folder, ".")
    with opened(path) as file:
        found = header_forms(file, unused=lambda key: _is_elsewhere(key, half))
    with _described(folder, "config.json"), torch.device("meta"):
        network = NETWORKS[half](config)
    check_fit(network, found, path)
    return network


def check_vision(folder: Path) -> None:
    """Everything that can be told of the picture tower before its weights are read.

    Raises:
        CheckpointError: as :func:`check_tower` and :func:`load_preprocessor`.
    """
    load_preprocessor(folder, check_tower(folder, "vision").config.image_size)


def _is_elsewhere(key: str, half: Half) -> bool:
    return key.startswith(KEYS["text" if half == "vision" else "vision"]) or key.endswith(LEFT)


def load_preprocessor(folder: Path, size: int) -> Preprocessor:
    """What turns a picture into the [3, size, size] that the tower sees, by `preprocessor_config.json`.

    Raises:
        CheckpointError: missing or damaged, or makes pictures of another size.
    """
    with _described(folder, "preprocessor_config.json"):
        preprocessor = Preprocessor.from_pretrained(folder, local_files_only=True)
        shape = preprocessor(Image.new("RGB", (3, 2)), return_tensors="pt")["pixel_values"].shape
    if shape != (1, 3, size, size):
        raise CheckpointError(
            f"preprocessor_config.json in {folder} makes pictures of {list(shape[1:])}",
            f"[3, {size}, {size}], as config.json says",
            "Use both files of one checkpoint, or download it again.",
        )
    return preprocessor


def load_tokenizer(folder: Path, config: CLIPTextConfig) -> PreTrainedTokenizerBase:
    """What turns a text into the numbers that the tower reads.

    Raises:
        CheckpointError: missing or damaged, or of another vocabulary.
    """
    whole = (folder / "tokenizer.json").is_file() or all((folder / n).is_file() for n in ("vocab.json", "merges.txt"))
    if not whole:
        raise CheckpointError(f"no tokenizer in {folder}", "tokenizer.json, or vocab.json and merges.txt", AGAIN)
    with _described(folder, "tokenizer"):
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if len(tokenizer) > config.vocab_size or config.eos_token_id not in {ANY_LARGEST, tokenizer.eos_token_id}:
        raise CheckpointError(
            f"the tokenizer in {folder} knows {len(tokenizer)} tokens and ends a text with {tokenizer.eos_token_id}",
            f"at most {config.vocab_size} and {config.eos_token_id}, as config.json says",
            "Use all files of one checkpoint, or download it again.",
        )
    return tokenizer


def _tower_config(folder: Path, half: Half) -> Any:  # noqa: ANN401
    """The configuration of one tower. The width of the joint space is the whole model's: some towers' own is wrong."""
    stored = read_config(folder, ".")
    if stored.get("model_type") != "clip":
        raise CheckpointError(
            f"{config_file(folder, '.')} describes a model of type {stored.get('model_type')!r}",
            "'clip'",
            "Choose a CLIP or OpenCLIP checkpoint in transformers' layout.",
        )
    with _described(folder, "config.json"):
        whole = CLIPConfig.from_dict(stored)
        config: Any = whole.vision_config if half == "vision" else whole.text_config
        config.projection_dim = whole.projection_dim
    return config


def _thin(config: Any) -> Any:  # noqa: ANN401
    """A tower of width one without blocks: it has the same buffers, and building it costs nothing."""
    thin = copy.deepcopy(config)
    for name in ("hidden_size", "intermediate_size", "projection_dim", "num_attention_heads", "vocab_size"):
        setattr(thin, name, 1)
    thin.num_hidden_layers = 0
    return thin


@contextmanager
def _described(folder: Path, name: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # what transformers raises over a file's content depends on its version
        if is_shortage(error):
            raise
        raise CheckpointError(
            f"{name} in {folder} is missing or cannot be used ({' '.join(str(error).split())})",
            "that of a CLIP checkpoint",
            AGAIN,
        ) from error
