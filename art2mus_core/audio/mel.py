"""Log-magnitude spectrograms: AudioLDM2's mel front end, and a semitone scale for tuned music.

`slaney` is AudioLDM2's: one Hann window, Slaney's mel scale with area normalisation (Slaney, Auditory Toolbox, 1998).

`semitone` has a row for every semitone of equal temperament (A4 = MIDI 69 = 440 Hz). Each row uses the shortest of the
grid's windows whose Hann main lobe (half width 2 x rate / length) is at most one semitone wide, or else the longest: long
windows for low notes, short ones for high notes, as in the constant-Q transform (Brown 1991). Filters are triangles in
log-frequency with a half width of one semitone, but at least one bin, normalised so that a steady sine of amplitude a at
the row's pitch has the value a.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..errors import AudioError
from ..types import AudioGrid
from .filters import slaney_hertz, slaney_mel, triangles

__all__ = ["MelTransform", "filterbanks", "row_hertz", "tone_response", "window_shapes"]

FloatArray = np.ndarray


class MelTransform(nn.Module):
    """Maps samples `[B, N]` to natural log magnitudes `[B, N // hop, bins]`, clamped to the grid's floor.

    Frames are centred on multiples of the hop; the signal is reflected at both ends. Gradients pass, as losses of vocoders need.

    Raises:
        AudioError: (when called) fewer samples than one hop, or than half the longest window, which reflection needs.
    """

    def __init__(self, grid: AudioGrid) -> None:
        super().__init__()
        self.grid = grid
        self._columns: dict[int, slice] = {}
        for size, filters in filterbanks(grid).items():
            # only the columns with weights are computed: shorter windows cover most of a long window's spectrum
            used = np.flatnonzero(filters.any(0))
            columns = slice(int(used[0]), int(used[-1]) + 1) if used.size else slice(0)
            self._columns[size] = columns
            self.register_buffer(f"filters_{size}", torch.from_numpy(filters[:, columns]).float(), persistent=False)
            window = torch.hann_window(size, dtype=torch.float64).float()
            self.register_buffer(f"window_{size}", window, persistent=False)

    def forward(self, samples: Float[Tensor, "batch samples"]) -> Float[Tensor, "batch frames bins"]:
        hop, length = self.grid.hop, samples.shape[-1]
        least = max(hop, max(self.grid.windows) // 2 + 1)
        if length < least:
            raise AudioError(f"a sound of {length} samples", f"at least {least} samples", "Use a longer sound.")
        rows = []
        for size, columns in self._columns.items():
            filters, window = self.get_buffer(f"filters_{size}"), self.get_buffer(f"window_{size}")
            spectrum = torch.stft(samples, size, hop, window=window, pad_mode="reflect", return_complex=True)
            rows.append(filters @ spectrum[:, columns, : length // hop].abs())
        return torch.cat(rows, 1).clamp(min=self.grid.floor).log().mT


@lru_cache(maxsize=4)
def filterbanks(grid: AudioGrid) -> dict[int, FloatArray]:
    """Return a matrix [rows, length // 2 + 1] for each FFT length that has rows, longest window and lowest rows first."""
    return {grid.windows[0]: _slaney(grid)} if grid.scale == "slaney" else _semitones(grid)


@lru_cache(maxsize=4)
def tone_response(grid: AudioGrid) -> FloatArray:
    """Return magnitudes [rows, rows]: what a steady sine of amplitude 1 at the centre of each row has in all rows."""
    centres, responses = row_hertz(grid)[:, None], []
    for size, filters in filterbanks(grid).items():
        used = filters.any(0)  # a small part of a long window's spectrum
        bins = np.fft.rfftfreq(size, 1 / grid.sample_rate)[used]
        responses.append(_sine_response(bins - centres, size, grid.sample_rate) @ filters[:, used].T)
    return np.concatenate(responses, axis=1)


@lru_cache(maxsize=4)
def window_shapes(grid: AudioGrid) -> FloatArray:
    """Return weights [rows, frames], with an odd number of frames and a sum of 1: by which the frames around one count in the level of a row."""
    reach = max(grid.windows) // 2 // grid.hop
    at = np.arange(-reach, reach + 1) * grid.hop
    shapes = {size: np.where(2 * abs(at) < size, 1 + np.cos(2 * np.pi * at / size), 0) for size in grid.windows}
    rows = [
        np.tile(shapes[size] / shapes[size].sum(), (len(filters), 1)) for size, filters in filterbanks(grid).items()
    ]
    return np.concatenate(rows)


def row_hertz(grid: AudioGrid) -> FloatArray:
    """Return the centre of each row."""
    return _slaney_edges(grid)[1:-1] if grid.scale == "slaney" else _semitone_hertz(grid)


def _slaney_edges(grid: AudioGrid) -> FloatArray:
    return slaney_hertz(np.linspace(slaney_mel(grid.lowest), slaney_mel(grid.highest), grid.mel_bins + 2))


def _slaney(grid: AudioGrid) -> FloatArray:
    """Return triangles of unit area on Slaney's mel scale."""
    edges = _slaney_edges(grid)
    bins = np.fft.rfftfreq(grid.windows[0], 1 / grid.sample_rate)
    return triangles(edges, bins) * (2 / (edges[2:] - edges[:-2]))[:, None]


def _semitone_hertz(grid: AudioGrid) -> FloatArray:
    return 440.0 * 2.0 ** ((grid.lowest + np.arange(grid.mel_bins) - 69) / 12)


def _semitones(grid: AudioGrid) -> dict[int, FloatArray]:
    centres = _semitone_hertz(grid)
    semitone = centres * (2 ** (1 / 12) - 1)
    windows = sorted(grid.windows, reverse=True)
    chosen = np.array(
        [min((w for w in windows if 2 * grid.sample_rate / w <= width), default=windows[0]) for width in semitone]
    )
    filters = {}
    for size in windows:
        if not (rows := chosen == size).any():
            continue
        centre, bins = centres[rows, None], np.fft.rfftfreq(size, 1 / grid.sample_rate)
        width = np.maximum(semitone[rows, None], grid.sample_rate / size)
        octaves = np.log2(np.maximum(bins, 1e-9) / centre)
        triangles = np.maximum(0, 1 - np.abs(octaves) / np.log2(1 + width / centre))
        gain = (triangles * _sine_response(bins - centre, size, grid.sample_rate)).sum(1, keepdims=True)
        filters[size] = triangles / np.maximum(gain, 1e-12)
    return filters


def _sine_response(offset: FloatArray, size: int, rate: int) -> FloatArray:
    """Return the magnitude of the periodic Hann window's transform at `offset` hertz: the STFT of a unit sine."""
    x = offset * size / rate
    near = np.sinc(x) + 0.5 * np.sinc(x - 1) + 0.5 * np.sinc(x + 1)
    return np.abs(near) * size / 4
