"""VGGish (Hershey et al. 2017), the space in which the Frechet audio distance was first measured (Kilgour et al. 2019).

Front end and network are as published with AudioSet: 16 kHz, frames of 25 ms every 10 ms, magnitudes, 64 triangular filters from
125 to 7500 Hz, ln(x + 0.01), consecutive examples of 96 frames; frames left over at the end are dropped. The output is the
network's, [128] after its last ReLU, without the PCA and 8-bit quantisation of the released AudioSet features, as is usual for the
distance. Only the resampler differs.

The weights' names are those of the ports to torch: `features.N` and `embeddings.N`.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from ...audio.filters import htk_mel, triangles
from ...audio.mono import mono
from ...checkpoints.strict import fill
from ...errors import AudioError, CheckpointError
from ...types import Waveform
from .weights import digest, read_published

__all__ = ["Vggish", "VggishNetwork", "examples", "open_vggish"]

RATE, WINDOW, HOP, TRANSFORM = 16_000, 400, 160, 512
"""Hertz; samples of a frame, of the hop, and of the Fourier transform."""

BANDS, LOWEST, HIGHEST, OFFSET = 64, 125.0, 7500.0, 0.01
FRAMES = 96
"""Frames of an example, 0.96 s."""

SAMPLES = WINDOW + (FRAMES - 1) * HOP
LAYERS = (64, "pool", 128, "pool", 256, 256, "pool", 512, 512, "pool")
AT_ONCE = 8


class VggishNetwork(nn.Module):
    """Six convolutions and three layers: examples [B, 96, 64] to [B, 128]."""

    def __init__(self) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        width = 1
        for layer in LAYERS:
            if isinstance(layer, int):
                parts += [nn.Conv2d(width, layer, 3, padding=1), nn.ReLU()]
                width = layer
            else:
                parts.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*parts)
        flat = width * (FRAMES // 16) * (BANDS // 16)
        self.embeddings = nn.Sequential(
            nn.Linear(flat, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 128), nn.ReLU()
        )

    def forward(self, x: Float[Tensor, "batch frames bands"]) -> Float[Tensor, "batch dim"]:
        """The map is flattened with channels last, as in the published graph."""
        return self.embeddings(self.features(x[:, None]).permute(0, 2, 3, 1).flatten(1))


class Vggish:
    """The embedder.

    Args:
        name: name of the embedder.
        space: identity of the weights.
        network: examples to embeddings.
    """

    def __init__(self, name: str, space: str, network: VggishNetwork) -> None:
        self.name, self.space, self.network, self.least = name, space, network, SAMPLES / RATE

    @torch.inference_mode()
    def embed_sound(self, waveform: Waveform) -> Float64[np.ndarray, "windows dim"]:
        """One embedding, not of unit norm, for every complete 0.96 s.

        Raises:
            AudioError: several sounds, samples that are not finite, or less than 0.975 s.
        """
        samples = mono(waveform, RATE)
        if len(samples) < SAMPLES:
            raise AudioError(
                f"a sound of {len(samples) / RATE:.2f} s",
                f"at least {self.least} s for {self.name}",
                "Use a longer sound, or another embedder.",
            )
        weight, parts = next(self.network.parameters()), examples(samples).split(AT_ONCE)
        return np.concatenate([self.network(part.to(weight)).cpu().double().numpy() for part in parts])


def examples(samples: Float[Tensor, " samples"]) -> Float[Tensor, "examples frames bands"]:
    """Log-mel examples [n, 96, 64] of a sound at 16 kHz in -1..1, computed in float64."""
    frames = samples.double().unfold(0, WINDOW, HOP)
    periodic = torch.hann_window(WINDOW, periodic=True, dtype=torch.float64)
    magnitudes = torch.fft.rfft(frames * periodic, n=TRANSFORM).abs()
    logarithms = torch.log(magnitudes @ torch.from_numpy(_triangles()) + OFFSET)
    count = len(logarithms) // FRAMES
    return logarithms[: count * FRAMES].reshape(count, FRAMES, BANDS).float()


@lru_cache(maxsize=1)
def _triangles() -> Float64[np.ndarray, "half bands"]:
    """Weights of the magnitudes; the triangles are linear on the scale 1127 ln(1 + f / 700)."""
    lowest, highest = htk_mel(np.array([LOWEST, HIGHEST])).tolist()
    edges = np.linspace(lowest, highest, BANDS + 2)
    return triangles(edges, htk_mel(np.linspace(0, RATE / 2, TRANSFORM // 2 + 1))).T.copy()


def open_vggish(name: str, path: Path, device: torch.device, *, kind: str) -> Vggish:
    """VGGish with the weights of a file, in float32.

    Args:
        name: name of the embedder.
        path: `.safetensors`, or a state dict as `torch.save` writes it; or a folder with one such file.
        device: where it computes.
        kind: prefix of the space's name.

    Raises:
        CheckpointError: a missing or damaged file, or weights of another network.
    """
    file = _file(path)
    wanted, again = "the weights of VGGish as a port to torch has them", "Get vggish-10086976.pth of torchvggish again."
    tensors = read_published(file, wanted, again)
    with torch.device("meta"):
        network = VggishNetwork()
    return Vggish(
        name, f"{kind}-{digest([file])}", fill(network, tensors, file, VggishNetwork, dtype=torch.float32).to(device)
    )


def _file(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = sorted(file for file in path.iterdir() if file.suffix in {".pth", ".pt", ".safetensors"})
    if len(found) != 1:
        raise CheckpointError(
            f"{path} contains {len(found)} files of weights", "one, VGGish's", "Use the path of the file."
        )
    return found[0]
