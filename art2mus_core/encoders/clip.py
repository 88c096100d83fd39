"""CLIP's image encoder (Radford et al. 2021; Cherti et al. 2023 for OpenCLIP), from a folder in transformers' layout.

Only one tower is read, here that of images; :mod:`.clip_text` has the other. All sizes come from the folder, so every CLIP and OpenCLIP checkpoint in this layout can be loaded.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import CLIPConfig, CLIPVisionModelWithProjection

from ..checkpoints.folder import config_file, describes, read_config, weights_file
from ..checkpoints.strict import check_fit, fill, header_forms
from ..checkpoints.tensors import opened
from ..errors import CheckpointError, SettingError
from ..images.centre import middle
from ..types import Artwork, Embedding

try:
    from transformers import CLIPImageProcessorPil as Preprocessor
except ImportError:  # in older versions the plain name does not need torchvision
    from transformers import CLIPImageProcessor as Preprocessor  # type: ignore[assignment]

__all__ = [
    "ClipImageEncoder",
    "Tower",
    "check_clip",
    "clip_patches",
    "clip_sizes",
    "clip_space",
    "load_clip",
    "load_tower",
    "unfilled_tower",
]

PROJECTION = "visual_projection.weight"


class Tower(NamedTuple):
    """One of CLIP's two towers: its network, the field of its configuration, and the prefixes of the other's keys."""

    network: type[Any]
    config: str
    unused: tuple[str, str]


VISION = Tower(CLIPVisionModelWithProjection, "vision_config", ("text_model.", "text_projection."))


class ClipImageEncoder(nn.Module):
    """The image tower.

    Args:
        network: the tower with its projection.
        preprocessor: resizes, crops and normalises pictures.
        space: name of the joint space.
        normalised: give embeddings unit norm; otherwise they are the projection as it is, which Art2Music 2025 was trained on.
    """

    def __init__(
        self, network: CLIPVisionModelWithProjection, preprocessor: Preprocessor, space: str, *, normalised: bool
    ) -> None:
        super().__init__()
        self.network, self.preprocessor, self.space, self.normalised = network, preprocessor, space, normalised

    def encode(self, artworks: list[Artwork]) -> Embedding:
        """One embedding per artwork with patch tokens, on the device and in the precision of the weights.

        Patch tokens are the last block's output without the class token, row by row. They are taken before the final LayerNorm,
        which was trained on the class token alone; this is transformers' last hidden state, so aligners trained elsewhere get
        the same input.

        Raises:
            SettingError: no artworks.
            ArtworkError: one without pixels.
        """
        if not artworks:
            raise SettingError("no artworks", "at least one", "Choose a picture.")
        pixels = torch.cat([self._prepared(artwork) for artwork in artworks])
        output = self.network(pixel_values=pixels.to(self.network.visual_projection.weight))
        values = F.normalize(output.image_embeds, dim=-1) if self.normalised else output.image_embeds
        return Embedding(values, self.space, output.last_hidden_state[:, 1:])

    def _prepared(self, artwork: Artwork) -> Float[Tensor, "1 3 size size"]:
        # an array instead of a picture saves two copies of a large scan
        rows = middle(artwork).cpu().numpy()
        return self.preprocessor(rows, input_data_format="channels_first", return_tensors="pt")["pixel_values"]


def clip_space(folder: Path) -> str:
    """The name of a checkpoint's joint space: `clip-`, its width, and eight digits that identify the weights.

    The digits are the start of the sha256 of `visual_projection.weight` in float16 (little endian, row by row): the same for a
    file in float32 and its copy in float16, whatever its name. A copy in bfloat16 is too coarse and gets other digits.

    Raises:
        CheckpointError: no weights, damaged ones, or not those of a CLIP.
    """
    with _weights(folder) as file:
        weight = file.get_tensor(PROJECTION)
    digest = hashlib.sha256(weight.to(torch.float16).numpy().astype("<f2").tobytes()).hexdigest()
    return f"clip-{len(weight)}-{digest[:8]}"


def clip_sizes(folder: Path) -> dict[str, int]:
    """Width `dim` of the embeddings, and `patch_dim` of a patch; no weight is read.

    Raises:
        CheckpointError: no weights, damaged ones, or not those of a CLIP.
    """
    with _weights(folder) as file:
        dim, patch_dim = file.get_slice(PROJECTION).get_shape()
    return {"dim": dim, "patch_dim": patch_dim}


@contextmanager
def _weights(folder: Path) -> Iterator[Any]:
    path = weights_file(folder, ".")
    with opened(path) as file:
        if PROJECTION not in file.keys():  # noqa: SIM118
            raise CheckpointError(f"{path} lacks {PROJECTION}", "the weights of a CLIP", "Choose a CLIP checkpoint.")
        yield file


def clip_patches(folder: Path) -> int:
    """How many patches it makes of an artwork; no weight is read.

    Raises:
        CheckpointError: the configuration is missing or damaged.
    """
    with describes(config_file(folder, "."), "a CLIP"):
        tower: Any = CLIPConfig.from_dict(read_config(folder, ".")).vision_config
        return int(tower.image_size // tower.patch_size) ** 2


def load_clip(folder: Path, *, dtype: torch.dtype, normalised: bool = True) -> ClipImageEncoder:
    """Load the image encoder of a CLIP folder.

    Args:
        folder: with config.json, model.safetensors and preprocessor_config.json.
        dtype: precision of the tower.
        normalised: give embeddings unit norm.

    Raises:
        CheckpointError: a file is missing or damaged, of another architecture, or does not match the others.
    """
    network = load_tower(folder, VISION, dtype=dtype)
    preprocessor = _preprocessor(folder, network.config.image_size)
    return ClipImageEncoder(network, preprocessor, clip_space(folder), normalised=normalised).eval()


def check_clip(folder: Path) -> None:
    """Check the files of the image tower without reading its weights.

    Raises:
        CheckpointError: as :func:`load_clip`, except for values that are not finite.
    """
    _preprocessor(folder, unfilled_tower(folder, VISION).config.image_size)


def load_tower(folder: Path, tower: Tower, *, dtype: torch.dtype) -> Any:  # noqa: ANN401 - one of two classes
    """Load a tower of a CLIP folder.

    Raises:
        CheckpointError: as :func:`unfilled_tower`, or values that are not finite.
    """
    unfilled, path = unfilled_tower(folder, tower), weights_file(folder, ".")
    with opened(path) as file:
        tensors = {key: file.get_tensor(key) for key in file.keys() if not _is_unused(key, tower)}  # noqa: SIM118
    return fill(unfilled, tensors, path, lambda: tower.network(_thin(unfilled.config)), dtype=dtype)


def unfilled_tower(folder: Path, tower: Tower) -> Any:  # noqa: ANN401 - transformers types its configurations loosely
    """A tower on `meta`, compared with the header of the folder's weights.

    Raises:
        CheckpointError: a file is missing or damaged, of another architecture, or does not match the other.
    """
    stored, path = read_config(folder, "."), weights_file(folder, ".")
    if stored.get("model_type") != "clip":
        raise CheckpointError(
            f"{config_file(folder, '.')} describes a model of type {stored.get('model_type')!r}",
            "'clip'",
            "Choose a CLIP or OpenCLIP checkpoint in transformers' layout.",
        )
    with opened(path) as file:
        found = header_forms(file, unused=lambda key: _is_unused(key, tower))
    with describes(config_file(folder, "."), "a CLIP"), torch.device("meta"):
        whole = CLIPConfig.from_dict(stored)
        config: Any = getattr(whole, tower.config)
        config.projection_dim = whole.projection_dim  # some towers have a wrong width of the joint space
        network = tower.network(config)
    check_fit(network, found, path)
    return network


def _is_unused(key: str, tower: Tower) -> bool:
    """Whether a key belongs to the other tower, the loss (its temperature), or counters that old versions stored."""
    return key.startswith(tower.unused) or key.endswith(("logit_scale", ".position_ids"))


def _preprocessor(folder: Path, size: int) -> Preprocessor:
    """Load the preprocessor that makes [3, size, size] of a picture, from `preprocessor_config.json`.

    Raises:
        CheckpointError: missing or damaged, or for pictures of another size.
    """
    path = folder / "preprocessor_config.json"
    with describes(path, "a CLIP's preprocessor"):
        preprocessor = Preprocessor.from_pretrained(folder, local_files_only=True)
        shape = preprocessor(Image.new("RGB", (3, 2)), return_tensors="pt")["pixel_values"].shape
    if shape != (1, 3, size, size):
        raise CheckpointError(
            f"{path} makes pictures of {list(shape[1:])}",
            f"[3, {size}, {size}], as in config.json",
            "Use both files of one checkpoint, or download it again.",
        )
    return preprocessor


def _thin(config: Any) -> Any:  # noqa: ANN401
    """The configuration of a tower of width 1 without blocks: it has the same buffers, and is built at no cost."""
    thin = copy.deepcopy(config)
    for name in ("hidden_size", "intermediate_size", "projection_dim", "num_attention_heads", "vocab_size"):
        setattr(thin, name, 1)
    thin.num_hidden_layers = 0
    return thin
