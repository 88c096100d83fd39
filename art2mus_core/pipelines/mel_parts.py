"""The parts of a checkpoint that makes mels from artworks and comments: checked at once, loaded on first use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from ..checkpoints.folder import check_component, config_file, load_component, read_config, read_index
from ..checkpoints.lacking import remedy_for
from ..checkpoints.names import is_encoder, locate
from ..checkpoints.weighing import needed
from ..decoders.vocoders import AnyVocoder, check_vocoder, load_vocoder
from ..encoders.files import (
    check_image_encoder,
    image_bytes,
    image_component,
    image_dtype,
    image_sizes,
    image_space,
    load_audio_encoder,
    load_image_encoder,
)
from ..encoders.texts import load_text_encoder
from ..errors import CheckpointError, SettingError
from ..interfaces import AudioEncoder, ImageEncoder, TextEncoder
from ..networks.fusion import GatedFusion
from ..types import AudioGrid
from .choice import Choice, LazyParts
from .defaults import read_presets
from .mel_decoders import MEL_DECODERS, MelDecoder, check_mel_decoder, load_mel_decoder, mel_grid
from .settings import LONGEST, SHORTEST, Settings

__all__ = ["MelParts", "check_length", "check_mel_vocoder", "open_mel_parts"]

TEXTS, AGAIN = "text_encoder", "Install or download the checkpoint again."


@dataclass(frozen=True)
class MelParts(LazyParts):
    """The parts of a choice.

    Attributes:
        choice: the choice.
        folder: the checkpoint.
        grid: sizes of its mel and its sound, in one channel.
        drawn: whether seeds and the settings of sampling count.
        longest: longest piece in seconds, infinite if the mel decoder has no limit; no weight of a decoder by diffusion depends on it.
        presets: its settings by preset, with a piece of at most this length.
    """

    choice: Choice
    folder: Path
    grid: AudioGrid
    drawn: bool
    longest: float
    presets: dict[str, Settings]

    @classmethod
    def of(
        cls, choice: Choice, folder: Path, grid: AudioGrid, index: dict[str, Any], decoder: dict[str, Any]
    ) -> MelParts:
        """The parts of a checkpoint with this `model_index.json` and this configuration of its mel decoder.

        Raises:
            CheckpointError: default settings, or a longest mel, that cannot be used.
        """
        levels, frames = decoder.get("scheduler"), decoder.get("max_frames")
        presets = read_presets(index, levels, folder, "mel_decoder")
        least = SHORTEST * grid.sample_rate / grid.hop
        if frames is not None and not (type(frames) is int and frames >= least):
            path = config_file(folder, "mel_decoder")
            raise CheckpointError(f"{path} has max_frames {frames!r}", f"at least {least:.0f}, a second", AGAIN)
        longest = frames * grid.hop / grid.sample_rate if frames else float("inf")
        shortened = {name: replace(each, seconds=min(each.seconds, longest)) for name, each in presets.items()}
        return cls(choice, folder, grid, levels is not None, longest, shortened)

    @property
    def dtype(self) -> torch.dtype:
        """The precision of the image encoder: the chosen one if it is published; all other networks compute in float32."""
        return image_dtype(self.encoder_folder, self.choice.dtype)

    @cached_property
    def spaces(self) -> dict[str, str]:
        """The spaces of text and image that the fusion was trained on, as `text` and `image`."""
        config, path = read_config(self.folder, "fusion"), config_file(self.folder, "fusion")
        found: dict[str, Any] = {kind: config.get(f"{kind}_space") for kind in ("text", "image")}
        for kind, space in found.items():
            if not isinstance(space, str) or not space:
                raise CheckpointError(f"{path} has {kind}_space {space!r}", "the name of an embedding space", AGAIN)
        return found

    @property
    def normalised(self) -> bool:
        """Whether the fusion was trained on embeddings of unit norm."""
        return bool(read_config(self.folder, "fusion").get("normalised", False))

    @cached_property
    def encoder_folder(self) -> Path:
        """The checkpoint of the image encoder. Raises an Art2MusError if it is not there."""
        if self.choice.encoder:
            return locate(self.choice.encoder, is_encoder)
        if is_encoder(self.folder):
            return self.folder
        name = read_index(self.folder).get("encoder")
        if not isinstance(name, str):
            raise CheckpointError(
                f"{self.folder} has no image_encoder, and its model_index.json has encoder {name!r}",
                "an image encoder, or the name of one",
                AGAIN,
            )
        return locate(name, is_encoder)

    @cached_property
    def encoder(self) -> ImageEncoder:
        """The image encoder; only a CLIP has embeddings without unit norm."""
        unit = self.normalised or image_component(self.encoder_folder) != "."
        return load_image_encoder(self.encoder_folder, dtype=self.dtype, normalised=unit)

    @cached_property
    def audio_encoder(self) -> AudioEncoder:
        """The audio encoder in the image encoder's space."""
        return load_audio_encoder(self.encoder_folder, dtype=self.dtype)

    @property
    def text_folder(self) -> Path:
        """The checkpoint that has the text encoder: this one, or else the image encoder's, which then is a CLIP.

        Raises:
            CheckpointError: it is no CLIP.
        """
        if (self.folder / TEXTS).is_dir():
            return self.folder
        if image_component(self.encoder_folder) != ".":
            told = f"{self.folder} has no {TEXTS}, and the image encoder of {self.encoder_folder.name} reads no text"
            remedy = remedy_for(self.folder, TEXTS)
            raise CheckpointError(told, f"a folder {TEXTS}, or a CLIP as image encoder", remedy)
        return self.encoder_folder

    @cached_property
    def text_encoder(self) -> TextEncoder:
        """The text encoder. Raises a CheckpointError if its space or its width is not the one that the fusion was trained on."""
        encoder = load_text_encoder(self.text_folder, normalised=self.normalised)
        self._check_space("text", encoder.space)
        self._check_width(self.fusion, "text", encoder.dim)
        return encoder

    @cached_property
    def fusion(self) -> GatedFusion:
        """The fusion."""
        return load_component(self.folder, "fusion", GatedFusion)

    @cached_property
    def mel_decoder(self) -> MelDecoder:
        """The mel decoder."""
        return load_mel_decoder(self.folder)

    @cached_property
    def vocoder(self) -> AnyVocoder:
        """The vocoder."""
        return load_vocoder(self.folder, self.grid)

    def weights(self, names: Sequence[str]) -> dict[str, int]:
        """Bytes of networks by name, from the headers of their files."""
        decoder = MEL_DECODERS[read_config(self.folder, "mel_decoder")["model_type"]].networks
        own = {"fusion": ["fusion"], "mel_decoder": [*decoder], "vocoder": ["vocoder"]}
        taken = {name: needed(self.folder, parts, torch.float32) for name, parts in own.items() if name in names}
        taken["encoder"] = image_bytes(self.encoder_folder, dtype=self.dtype)
        taken["text_encoder"] = needed(
            self.text_folder, [TEXTS if self.text_folder == self.folder else "."], torch.float32
        )
        return {name: taken[name] for name in names}

    def check(self) -> None:
        """Compare the header of each network's weights with its configuration, and the parts with each other; no weight is read.

        Raises:
            SettingError: an unknown encoder.
            CheckpointError: a part is missing, damaged or does not match. Values that are not finite are found only when a
                network is loaded.
        """
        check_image_encoder(self.encoder_folder)
        self._check_space("image", image_space(self.encoder_folder))
        self._check_fusion()
        check_mel_decoder(self.folder)
        check_mel_vocoder(self.folder)

    def _check_fusion(self) -> None:
        if not any((self.folder / "fusion").glob("*.safetensors")):
            raise CheckpointError(
                f"{self.folder} has no weights of its fusion",
                "fusion/model.safetensors; the published notebook stored none",
                "Train fusion and mel decoder together: `art2mus train art2music`.",
            )
        fusion = check_component(self.folder, "fusion", GatedFusion)
        self._check_width(fusion, "image", image_sizes(self.encoder_folder)["dim"])

    def _check_width(self, fusion: GatedFusion, kind: str, width: int) -> None:
        if (found := fusion.config[f"{kind}_dim"]) != width:
            path = config_file(self.folder, "fusion")
            raise CheckpointError(f"{path} has {kind}_dim {found}", f"{width}, that of the {kind} encoder", AGAIN)

    def _check_space(self, kind: str, space: str) -> None:
        if self.spaces[kind] != space:
            folder = self.encoder_folder if kind == "image" else self.text_folder
            raise CheckpointError(
                f"{folder} has a{'n' if kind == 'image' else ''} {kind} encoder of the space {space!r}",
                f"{self.spaces[kind]!r}, on which the fusion of {self.folder.name} was trained",
                f"Use the {kind} encoder of that space.",
            )


def open_mel_parts(choice: Choice) -> MelParts:
    """Read and check a checkpoint's configurations; :meth:`MelParts.check` compares the weights with them.

    Raises:
        SettingError: an unknown checkpoint, or a part that only a denoiser reads.
        CheckpointError: a configuration is missing or damaged.
    """
    folder, plain = locate(choice.checkpoint), Choice()
    for field in fields(Choice):
        if field.name in {"aligner", "support", "heads", "lora"} and (
            getattr(choice, field.name) != getattr(plain, field.name)
        ):
            raise SettingError(
                f"{field.name} with {folder.name}, which has no {'aligner' if field.name == 'aligner' else 'denoiser'}",
                "a model of latent diffusion",
                "Leave it out, or choose another model.",
            )
    return MelParts.of(choice, folder, mel_grid(folder), read_index(folder), read_config(folder, "mel_decoder"))


def check_mel_vocoder(folder: Path) -> None:
    """Check the vocoder of a checkpoint; no weight is read.

    Raises:
        CheckpointError: as :func:`~art2mus_core.decoders.vocoders.check_vocoder`, or it has several channels.
    """
    check_vocoder(folder)
    if (channels := read_config(folder, "vocoder").get("channels", 1)) != 1:
        raise CheckpointError(f"{folder} has a vocoder of {channels} channels", "one channel", AGAIN)


def check_length(seconds: float | None, parts: MelParts) -> None:
    """Check the length of a piece, if it is given.

    Raises:
        SettingError: it is shorter or longer than the pieces that the mel decoder makes.
    """
    most = min(LONGEST, parts.longest)
    if seconds is not None and not SHORTEST <= seconds <= most:
        raise SettingError(
            f"seconds {seconds:g} with {parts.folder.name}",
            f"{SHORTEST:g} to {int(100 * most) / 100:g}, the longest piece that its mel decoder makes",
            "Choose another length.",
        )
