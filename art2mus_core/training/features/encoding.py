"""What networks make of music: latents of the VAE, and embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ...checkpoints.folder import load_component, read_config
from ...checkpoints.precision import imitates
from ...encoders.files import load_audio_encoder
from ...encoders.pocket import PocketAudioEncoder
from ...networks.autoencoder import Autoencoder
from ...types import AudioGrid, Mel, Waveform
from ..grids import mel_of
from .hearing import Heard, mel_values
from .pieces import Pieces
from .stores import Store
from .windows import WHOLE, Window

__all__ = ["CLAP", "ClapSounds", "Latents", "SoundEmbeddings", "hears_by_clap", "hears_mels"]

CLAP = "text_encoder"
"""The component of a published prior that has CLAP."""

StoredMels = tuple[Path, str]
"""The folder of a complete store of mels, and the digest of its rows."""


@dataclass(frozen=True)
class Latents:
    """Means and log-variances of the VAE's unscaled latents as float16 [frames, 2, channels, rows], excerpt after excerpt.

    With where the excerpts begin in the piece, float32 [excerpts] in latent frames.

    Attributes:
        checkpoint: folder of the VAE.
        digest: of the VAE.
        grid: of the checkpoint.
        window: the excerpts.
        device: of the VAE.
        mels: the same mels, if they are stored, which are then not computed again.
    """

    checkpoint: Path
    digest: str
    grid: AudioGrid
    window: Window
    device: str
    mels: StoredMels | None = None

    @property
    def columns(self) -> Mapping[str, Any]:
        origin = {"vae": self.digest, **mel_of(self.grid), "window": asdict(self.window.fitted(self.grid))}
        return {"latent": origin, "begin": origin}

    @torch.no_grad()
    def __call__(self, heard: Sequence[Heard]) -> list[dict[str, np.ndarray]]:
        cut = [self._cut(piece) for piece in heard]
        mels = [mel for found, _ in cut for mel in found]
        together = len({mel.shape for mel in mels}) == 1 and self.device != "cpu"
        moments = self._encode(mels) if together else [each for mel in mels for each in self._encode([mel])]
        found, place = list[dict[str, np.ndarray]](), 0
        for parts, begins in cut:
            values = np.concatenate(moments[place : place + len(parts)])
            found.append({"latent": values, "begin": np.array(begins, np.float32)})
            place += len(parts)
        return found

    def _cut(self, piece: Heard) -> tuple[list[np.ndarray], list[float]]:
        """The mels of a piece's excerpts, and where they begin."""
        if self.mels and self.window == WHOLE:
            return [_stored(self.mels, piece.source.content)], [0.0]
        samples = piece.samples(self.grid, self.grid.channels)
        parts, begins = self.window.cut(samples, self.grid, piece.source.content)
        return [mel_values(self.grid, part) for part in parts], begins

    def _encode(self, mels: Sequence[np.ndarray]) -> list[np.ndarray]:
        device = torch.device(self.device)
        vae, fast = _vae(self.checkpoint, self.digest, device), not imitates(device, torch.bfloat16)
        values = torch.from_numpy(np.stack(mels).astype(np.float32)).transpose(1, 2).to(device)
        with torch.autocast(
            device.type, torch.bfloat16, enabled=fast
        ):  # half the time; latents change by half a percent
            posterior = vae.encode(values)
        moments = torch.stack([posterior.mean, posterior.log_variance], dim=1).permute(0, 3, 1, 2, 4)
        return list(moments.to(torch.float16).cpu().numpy())


@dataclass(frozen=True)
class SoundEmbeddings:
    """Embeddings of whole pieces, float32 [1, D].

    Attributes:
        encoder: folder of the audio encoder.
        digest: of the audio encoder.
        grid: whose mels the bundled model's encoder hears.
        device: of the encoder.
        mels: the same mels of one channel, if they are stored, which are then not computed again.
    """

    encoder: Path
    digest: str
    grid: AudioGrid
    device: str
    mels: StoredMels | None = None

    @property
    def columns(self) -> Mapping[str, Any]:
        return {"heard": {"encoder": self.digest, **(mel_of(self.grid) if hears_mels(self.encoder) else {})}}

    @torch.no_grad()
    def __call__(self, heard: Sequence[Heard]) -> list[dict[str, np.ndarray]]:
        return [{"heard": self._encode(piece).float().cpu().numpy()} for piece in heard]

    def _encode(self, piece: Heard) -> Float[Tensor, "1 dim"]:
        network = _ear(self.encoder, self.digest, self.device)
        if not hears_mels(self.encoder):
            whole = piece.whole
            count = round(piece.source.seconds * whole.sample_rate)
            return network.encode(Waveform(whole.samples[..., :count], whole.sample_rate)).values
        stored = self.mels and _stored(self.mels, piece.source.content)
        mel = mel_values(self.grid, piece.samples(self.grid, 1)) if stored is None else stored
        return network.encode(Mel(torch.from_numpy(mel.astype(np.float32)).transpose(0, 1))).values


@dataclass(frozen=True)
class ClapSounds:
    """CLAP's embeddings of whole pieces, float32 [1, D].

    Attributes:
        checkpoint: folder of the prior.
        digest: of its CLAP.
        device: of CLAP.
    """

    checkpoint: Path
    digest: str
    device: str

    @property
    def columns(self) -> Mapping[str, Any]:
        return {"clap": {"clap": self.digest}}

    @torch.no_grad()
    def __call__(self, heard: Sequence[Heard]) -> list[dict[str, np.ndarray]]:
        clap = _clap(self.checkpoint, self.digest, self.device)
        return [{"clap": clap.embed(piece.whole.cut(piece.source.seconds)).cpu().numpy()} for piece in heard]


@lru_cache(maxsize=1)
def _vae(checkpoint: Path, digest: str, device: torch.device) -> Autoencoder:  # noqa: ARG001  new weights are loaded anew
    network = load_component(checkpoint, "vae", Autoencoder)
    return network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def hears_mels(encoder: Path) -> bool:
    """Whether a folder's audio encoder hears mels of a grid, as the bundled one does, and not waveforms."""
    return str(read_config(encoder, "audio_encoder").get("model_type", "pocket")) == "pocket"


def hears_by_clap(checkpoint: Path) -> bool:
    """Whether the projection model of a prior maps CLAP's embeddings, as a published one does, and not those of its audio encoder."""
    folder = checkpoint / "projection_model"
    return (folder / "config.json").is_file() and "tokens" not in read_config(checkpoint, folder.name)


@lru_cache(maxsize=1)
def _ear(encoder: Path, digest: str, device: str) -> Any:  # noqa: ANN401, ARG001  one of two protocols
    if hears_mels(encoder):
        return load_component(encoder, "audio_encoder", PocketAudioEncoder.from_config).to(device)
    return load_audio_encoder(encoder, dtype=torch.float32).to(device).eval()  # type: ignore[attr-defined]


def _stored(mels: StoredMels, content: str) -> np.ndarray:
    rows, pieces = _opened(*mels)
    return pieces[rows[content]]


@lru_cache(maxsize=2)
def _opened(folder: Path, contents: str) -> tuple[dict[str, int], Pieces]:  # noqa: ARG001  a store that grew is opened anew
    store = Store.at(folder)
    return {content: row for row, content in enumerate(store.contents)}, store.column("mel")


@lru_cache(maxsize=1)
def _clap(checkpoint: Path, digest: str, device: str) -> Any:  # noqa: ANN401, ARG001  new weights are loaded anew
    from ...encoders.clap_audio import load_clap_audio  # noqa: PLC0415 - takes seconds

    return load_clap_audio(checkpoint).to(device)
