"""The host's preview of music it is told of, inside its process; prints how like the spectrogram the picture is, as JSON."""

from __future__ import annotations

import sys

from inside import Graph, answer, pack  # isort: skip  tells the host to use the CPU, before its parts are imported

import latent_preview
import numpy as np
import torch
from comfy.cli_args import LatentPreviewMethod
from comfy_extras.nodes_audio import VAEEncodeAudio
from PIL import Image

NOTES = ((110, 0), (220, 1), (440, 2), (330, 3), (660, 4))
"""Hertz, and the second at which it begins."""


def melody(rate: int) -> torch.Tensor:
    """Five seconds of tones that die away, [1, 1, time]."""
    time = torch.arange(5 * rate) / rate
    tones = [
        torch.sin(2 * torch.pi * pitch * time) * (time >= start) * (3 * (start - time)).exp() for pitch, start in NOTES
    ]
    return 0.2 * sum(tones)[None, None]


def grey(picture: Image.Image) -> np.ndarray:
    return np.array(picture.convert("L"), np.float64)


def alike(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def main() -> None:
    latent_preview.args.preview_method = LatentPreviewMethod.Latent2RGB
    with torch.inference_mode():
        graph = Graph(sys.argv[2])
        format_, rate = graph.model.model.latent_format, graph.grid.sample_rate
        (music,) = VAEEncodeAudio.execute(graph.vae, {"waveform": melody(rate), "sample_rate": rate}).result
        latent = format_.process_in(music["samples"])
        previewer = latent_preview.get_previewer(torch.device("cpu"), format_)
        _, image, _ = previewer.decode_latent_to_preview_image("JPEG", latent)
        mel = graph.vae.autoencoder.decode(pack("art2mus_core.types").Latent(latent)).values[0]
        whole = pack("art2mus_core.figures.spectrogram").heat_map(mel, *image.size)
    seen, expected = grey(image), grey(whole)
    turned = {"upside down": expected[::-1], "backwards": expected[:, ::-1]}
    answer({"alike": alike(seen, expected)} | {name: alike(seen, other) for name, other in turned.items()})


main()
