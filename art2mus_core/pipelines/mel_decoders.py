"""The table of mel decoders, by the `model_type` of their configurations: fused embeddings to mel spectrograms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from torch import nn

from ..audio.normalisation import MelNormalisation, read_normalisation
from ..checkpoints.folder import check_component, config_file, describes, load_component, read_config
from ..checkpoints.grid import mel_fields
from ..conditioning.plan import PlanModel, load_plan_model
from ..errors import CheckpointError
from ..networks.bilstm import BiLstmDecoder
from ..networks.mel_codec import CodecDecoder
from ..networks.mel_transformer import MelTransformer
from ..types import AudioGrid, Fused, Mel, OnStep
from .mel_diffusion import DiffusionMelDecoder
from .settings import Settings

__all__ = [
    "MEL_DECODERS",
    "BiLstmMelDecoder",
    "MelDecoder",
    "check_mel_decoder",
    "check_mels",
    "check_same_mel",
    "load_mel_decoder",
    "mel_grid",
]

PART, CODEC, AGAIN = "mel_decoder", "codec_decoder", "Install or download the checkpoint again."


@runtime_checkable
class MelDecoder(Protocol):
    """Makes mel spectrograms of fused artworks and comments, of at most `max_frames` frames if that is not None; one seed for each.

    `drawn` tells whether seeds and the settings of sampling (steps, guidance, solver, reprise) count; a regression has one answer.
    """

    grid: AudioGrid
    max_frames: int | None
    drawn: bool

    def decode(
        self, fused: Fused, frames: int, seeds: Sequence[int], settings: Settings, *, on_step: OnStep | None = None
    ) -> Mel: ...


class BiLstmMelDecoder(nn.Module):
    """Art2Music's regression of a mel.

    Args:
        network: fused embedding and a number of frames to a normalised mel.
        normalisation: undone after it.
        grid: of the mel.
    """

    drawn = False

    def __init__(self, network: BiLstmDecoder, normalisation: MelNormalisation, grid: AudioGrid) -> None:
        super().__init__()
        self.network, self.normalisation, self.grid = network, normalisation, grid
        self.max_frames: int | None = network.config["max_frames"]

    def decode(
        self,
        fused: Fused,
        frames: int,
        seeds: Sequence[int],  # noqa: ARG002
        settings: Settings,  # noqa: ARG002
        *,
        on_step: OnStep | None = None,  # noqa: ARG002
    ) -> Mel:
        """One mel per fused embedding.

        Raises:
            SettingError: more than `max_frames` frames.
        """
        values = self.network(fused.values.to(self.network.pos_emb), frames)
        return Mel(self.normalisation.undo(values))


class _Kind(NamedTuple):
    """The networks of a mel decoder by component, and the function that opens it."""

    networks: Mapping[str, Callable[[dict[str, Any]], nn.Module]]
    open: Callable[[Path], MelDecoder]


def _regression(folder: Path) -> MelDecoder:
    return BiLstmMelDecoder(load_component(folder, PART, BiLstmDecoder), _normalisation(folder), mel_grid(folder))


def _diffusion(folder: Path) -> MelDecoder:
    network, grid = load_component(folder, PART, MelTransformer), mel_grid(folder)
    codec = load_component(folder, CODEC, CodecDecoder)
    reading = replace(grid, language_tokens=1, language_width=network.config["fused_dim"])
    return DiffusionMelDecoder(network, codec, load_plan_model(folder, reading), _normalisation(folder), grid)


MEL_DECODERS: dict[str, _Kind] = {
    "bilstm": _Kind({PART: BiLstmDecoder}, _regression),
    "diffusion": _Kind({PART: MelTransformer, CODEC: CodecDecoder, "plan_model": PlanModel.from_config}, _diffusion),
}
"""By `model_type`: Art2Music's regression of a mel, and our diffusion of a mel codec's latents."""


def mel_grid(folder: Path) -> AudioGrid:
    """The grid of the mel that a checkpoint's mel decoder makes, in one channel.

    Raises:
        CheckpointError: its configuration is missing, or has no `mel`, or a wrong one.
    """
    if "mel" not in read_config(folder, PART):
        raise CheckpointError(f"{config_file(folder, PART)} has no mel", "the mel that the decoder makes", AGAIN)
    return AudioGrid(**mel_fields(folder, PART))


def check_mel_decoder(folder: Path) -> None:
    """Compare the headers of the mel decoder's weights with their configurations, and its mel with the vocoder's; no weight is read.

    Raises:
        CheckpointError: of an unknown type, missing or damaged, or different from the configuration; a vocoder of another mel.
    """
    _ = _normalisation(folder)
    for name, build in _kind(folder).networks.items():
        check_component(folder, name, build)
    check_mels(folder)


def load_mel_decoder(folder: Path) -> MelDecoder:
    """Load the mel decoder of a checkpoint, in float32.

    Raises:
        CheckpointError: as :func:`check_mel_decoder`, or weights that are not finite.
    """
    check_mels(folder)
    return _kind(folder).open(folder)


def check_mels(folder: Path) -> None:
    """Compare the mel of a checkpoint's mel decoder with that of its vocoder.

    Raises:
        CheckpointError: they differ, in bins, rate, hop or another field; or a configuration is missing or wrong.
    """
    _ = mel_grid(folder)
    made, heard = (mel_fields(folder, part) for part in (PART, "vocoder"))
    check_same_mel(made, heard, str(folder))


def check_same_mel(made: Mapping[str, Any], heard: Mapping[str, Any], where: str) -> None:
    """Compare the mel that a decoder makes with the one that a vocoder was trained on.

    Raises:
        CheckpointError: they differ in a field.
    """
    if other := [field for field, value in made.items() if heard[field] != value]:
        raise CheckpointError(
            f"{where} has a vocoder with {', '.join(f'{field} {heard[field]}' for field in other)}",
            f"the mel of its decoder: {', '.join(f'{field} {made[field]}' for field in other)}",
            "Use a vocoder that was trained on the mel of the decoder.",
        )


def _normalisation(folder: Path) -> MelNormalisation:
    option, bins = read_config(folder, PART).get("normalisation"), mel_grid(folder).mel_bins
    with describes(config_file(folder, PART), "a mel decoder"):
        return read_normalisation(option, bins)


def _kind(folder: Path) -> _Kind:
    kind = read_config(folder, PART).get("model_type")
    if not isinstance(kind, str) or kind not in MEL_DECODERS:
        raise CheckpointError(f"a mel decoder {kind!r} in {folder}", f"one of {', '.join(MEL_DECODERS)}", AGAIN)
    return MEL_DECODERS[kind]
