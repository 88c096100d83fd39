"""The table of mel decoders, by the `model_type` of their configurations: fused embeddings to mel spectrograms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from ..audio.normalisation import MelNormalisation, read_normalisation
from ..checkpoints.folder import check_component, config_file, describes, load_component, read_config
from ..checkpoints.grid import mel_fields
from ..errors import CheckpointError
from ..interfaces import MelDecoder
from ..networks.bilstm import BiLstmDecoder
from ..types import AudioGrid, Mel

__all__ = ["MEL_DECODERS", "BiLstmMelDecoder", "check_mel_decoder", "check_mels", "load_mel_decoder", "mel_grid"]

PART, AGAIN = "mel_decoder", "Install or download the checkpoint again."


class BiLstmMelDecoder(nn.Module):
    """Art2Music's regression of a mel.

    Args:
        network: fused embedding and a number of frames to a normalised mel.
        normalisation: undone after it.
        grid: of the mel.
    """

    def __init__(self, network: BiLstmDecoder, normalisation: MelNormalisation, grid: AudioGrid) -> None:
        super().__init__()
        self.network, self.normalisation, self.grid = network, normalisation, grid
        self.max_frames: int | None = network.config["max_frames"]

    def decode(self, fused: Float[Tensor, "batch dim"], frames: int, seeds: Sequence[int]) -> Mel:  # noqa: ARG002
        """One mel per fused embedding. A regression has one answer: the seeds change nothing.

        Raises:
            SettingError: more than `max_frames` frames.
        """
        values = self.network(fused.to(self.network.pos_emb), frames)
        return Mel(self.normalisation.undo(values))


class _Kind(NamedTuple):
    """How a mel decoder's network is built from its configuration, and made a :class:`~art2mus_core.interfaces.MelDecoder`."""

    build: Callable[[Mapping[str, Any]], nn.Module]
    finish: Callable[[Any, MelNormalisation, AudioGrid], MelDecoder]


MEL_DECODERS: dict[str, _Kind] = {"bilstm": _Kind(BiLstmDecoder, BiLstmMelDecoder)}
"""By `model_type`."""


def mel_grid(folder: Path) -> AudioGrid:
    """The grid of the mel that a checkpoint's mel decoder makes, in one channel.

    Raises:
        CheckpointError: its configuration is missing, or has no `mel`, or a wrong one.
    """
    if "mel" not in read_config(folder, PART):
        raise CheckpointError(f"{config_file(folder, PART)} has no mel", "the mel that the decoder makes", AGAIN)
    return AudioGrid(**mel_fields(folder, PART))


def check_mel_decoder(folder: Path) -> None:
    """Compare the header of the mel decoder's weights with its configuration, and its mel with the vocoder's; no weight is read.

    Raises:
        CheckpointError: of an unknown type, missing or damaged, or different from the configuration; a vocoder of another mel.
    """
    _ = _normalisation(folder)
    check_component(folder, PART, _kind(folder).build)
    check_mels(folder)


def load_mel_decoder(folder: Path) -> MelDecoder:
    """Load the mel decoder of a checkpoint, in float32.

    Raises:
        CheckpointError: as :func:`check_mel_decoder`, or weights that are not finite.
    """
    kind, normalisation = _kind(folder), _normalisation(folder)
    check_mels(folder)
    return kind.finish(load_component(folder, PART, kind.build), normalisation, mel_grid(folder))


def check_mels(folder: Path) -> None:
    """Compare the mel of a checkpoint's mel decoder with that of its vocoder.

    Raises:
        CheckpointError: they differ, in bins, rate, hop or another field; or a configuration is missing or wrong.
    """
    _ = mel_grid(folder)
    made, heard = (mel_fields(folder, part) for part in (PART, "vocoder"))
    if other := [field for field, value in made.items() if heard[field] != value]:
        raise CheckpointError(
            f"{folder} has a vocoder with {', '.join(f'{field} {heard[field]}' for field in other)}",
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
