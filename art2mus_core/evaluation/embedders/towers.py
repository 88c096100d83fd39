"""A checkpoint's own towers as a judge: the bundled pocket model, ImageBind, or any other folder with both.

One space for artworks and sounds. What composed the music, or chose it among candidates, is no independent judge of it:
whoever reports a score says by which model the pairs were made.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64

from ...checkpoints.folder import config_file, weights_file
from ...encoders.files import load_audio_encoder, load_image_encoder
from ...encoders.pocket import PocketListener
from ...errors import AudioError, CheckpointError
from ...types import Artwork, AudioEncoder, Embedding, ImageEncoder, Waveform
from .weights import digest
from .windows import cut, mono

__all__ = ["Towers", "open_towers"]

FRAMES = 128
"""Mel frames that the pocket tower needs: with fewer it has nothing left to take a spread of."""


class Towers:
    """Picture tower and sound tower of one space.

    Args:
        name: of the embedder.
        space: identity of both.
        eyes: artworks to embeddings.
        ears: sounds to embeddings.
        seconds: length of a window; none if a sound is one window however long it is.
    """

    def __init__(self, name: str, space: str, eyes: ImageEncoder, ears: AudioEncoder, seconds: float | None) -> None:
        self.name, self.space = name, space
        self.eyes, self.ears, self.seconds, self.least = eyes, ears, seconds, _least(ears)

    @torch.inference_mode()
    def embed_sound(self, waveform: Waveform) -> Float64[np.ndarray, "windows dim"]:
        """One row of unit norm a window.

        Raises:
            AudioError: several sounds, samples that are not finite, or less than the towers can hear.
        """
        rate = waveform.sample_rate
        samples = mono(waveform, rate)
        if waveform.seconds < self.least:
            raise AudioError(
                f"a sound of {waveform.seconds:.2f} s",
                f"at least {self.least:g} s for {self.name}",
                "Use a longer sound, or another embedder.",
            )
        windows = [samples] if self.seconds is None else cut(samples, round(self.seconds * rate))
        heard = [self.ears.encode(Waveform(window[None, None], rate)) for window in windows]
        return np.concatenate([_rows(embedding) for embedding in heard])

    @torch.inference_mode()
    def embed_artworks(self, artworks: list[Artwork]) -> Float64[np.ndarray, "artworks dim"]:
        """One row of unit norm an artwork.

        Raises:
            SettingError: no artworks.
        """
        return _rows(self.eyes.encode(artworks))


def open_towers(name: str, folder: Path, device: torch.device, *, kind: str, seconds: float | None) -> Towers:
    """The towers of a checkpoint folder, in float32.

    Args:
        name: of the embedder.
        folder: a checkpoint with an `image_encoder` and an `audio_encoder` of one space.
        device: where they compute.
        kind: how the name of their space begins.
        seconds: length of a window.

    Raises:
        CheckpointError: a tower is missing or damaged, or they are of two spaces.
    """
    eyes = load_image_encoder(folder, dtype=torch.float32)
    ears = load_audio_encoder(folder, dtype=torch.float32)
    if eyes.space != ears.space:
        raise CheckpointError(
            f"{folder} sees in the space {eyes.space} and hears in {ears.space}",
            "two towers of one space",
            "Use image_encoder and audio_encoder of one checkpoint.",
        )
    for tower in (eyes, ears):
        if isinstance(tower, torch.nn.Module):
            tower.to(device)
    parts = ("image_encoder", "audio_encoder")
    files = [path for part in parts for path in (weights_file(folder, part), config_file(folder, part))]
    return Towers(name, f"{kind}-{digest(files, seconds)}", eyes, ears, seconds)


def _least(ears: AudioEncoder) -> float:
    """Seconds that a sound tower needs; ImageBind's tells of a single frame itself."""
    if not isinstance(ears, PocketListener):
        return 0.0
    grid = ears.transform.grid
    return FRAMES * grid.hop / grid.sample_rate


def _rows(embedding: Embedding) -> Float64[np.ndarray, "rows dim"]:
    """Unit norm in float64: the towers' own is that of float32."""
    values = embedding.values.cpu().double().numpy()
    return values / np.linalg.norm(values, axis=-1, keepdims=True)
