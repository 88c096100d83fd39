"""Measures Art2Music 2025 at full size with random weights: the share of each stage, and the vocoder beside its plain form.

    python benchmarks/art2music_full.py [--seconds 10] [--threads N] [--repeats 3] [--no-clip] [--chunk 32]

Stages: CLIP ViT-H/14's image tower and text tower, fusion, BiLSTM decoder, HiFi-GAN V1, for one artwork and one comment; each is
built, run once to warm up and run `repeats` times, and the least time counts. The plain form of HiFi-GAN is that of its published
code: weight norm computed at each use, conv1d, float32, eager. Both forms take turns, with the same weights; the ratio is the
median over the turns, once of processor time, which other programs disturb less, and once of wall time. Then the vocoder streams:
time to the first chunk, and the largest difference between the chunks and the whole.
"""

from __future__ import annotations

import argparse
import copy
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm
from transformers import CLIPTextConfig, CLIPTextModelWithProjection, CLIPVisionConfig, CLIPVisionModelWithProjection

from art2mus_core.decoders.vocoders import HifiGanVocoder
from art2mus_core.networks.bilstm import BiLstmDecoder
from art2mus_core.networks.fusion import GatedFusion
from art2mus_core.networks.hifigan import LAST_SLOPE, HifiGan
from art2mus_core.types import AudioGrid, Mel

RATE, HOP, BINS = 22_050, 256, 80
GRID = AudioGrid(RATE, HOP, BINS, "slaney", 0.0, 8000.0, (1024,), 1e-5)
V1 = {
    "model_in_dim": BINS,
    "sampling_rate": RATE,
    "upsample_initial_channel": 512,
    "normalize_before": False,
    "upsample_rates": [8, 8, 2, 2],
    "upsample_kernel_sizes": [16, 16, 4, 4],
    "resblock_kernel_sizes": [3, 7, 11],
    "resblock_dilation_sizes": [[1, 3, 5]] * 3,
}
VISION = CLIPVisionConfig(
    hidden_size=1280,
    intermediate_size=5120,
    num_hidden_layers=32,
    num_attention_heads=16,
    patch_size=14,
    hidden_act="gelu",
    projection_dim=1024,
)
TEXT = CLIPTextConfig(
    hidden_size=1024,
    intermediate_size=4096,
    num_hidden_layers=24,
    num_attention_heads=16,
    hidden_act="gelu",
    projection_dim=1024,
)
"""The towers of laion/CLIP-ViT-H-14-laion2B-s32B-b79K."""


def drawn(network: nn.Module) -> Any:
    """The network with weights that keep the size of what passes through."""
    generator = torch.Generator().manual_seed(0)
    for name, weight in network.named_parameters():
        if weight.dim() > 1:
            limit = (2 / weight[0].numel()) ** 0.5
            nn.init.uniform_(weight, -limit, limit, generator=generator)
        elif name.endswith("bias"):
            nn.init.zeros_(weight)
    return network.eval().requires_grad_(requires_grad=False)


def plain(network: Any, mel: Tensor) -> Tensor:
    """HiFi-GAN's forward pass as its published code does it, over the layers of a network."""
    x = network.conv_pre(mel.mT)
    for level, upsample in enumerate(network.upsampler):
        x = upsample(F.leaky_relu(x, 0.1))
        total: Any = None
        for block in network.resblocks[3 * level : 3 * level + 3]:
            y = x
            for first, second in zip(block.convs1, block.convs2, strict=True):
                y = second(F.leaky_relu(first(F.leaky_relu(y, 0.1)), 0.1)) + y
            total = y if total is None else total + y
        x = total / 3
    return torch.tanh(network.conv_post(F.leaky_relu(x, LAST_SLOPE)))[:, 0]


def normed(network: HifiGan) -> HifiGan:
    """A copy whose layers compute their weights from length and direction at each use."""
    network = copy.deepcopy(network)
    for layer in list(network.modules()):
        if isinstance(layer, (nn.Conv1d, nn.ConvTranspose1d)):
            weight_norm(layer)
    return network.requires_grad_(requires_grad=False)


def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Wall and processor seconds, and the result."""
    wall, processor = time.perf_counter(), time.process_time()
    result = work()
    return time.perf_counter() - wall, time.process_time() - processor, result


def stages(frames: int, repeats: int, *, clip: bool) -> dict[str, dict[str, float]]:
    """Least wall and processor seconds of each stage; one network is in memory at a time."""
    words, pixels = torch.arange(77)[None] + 1000, torch.randn(1, 3, 224, 224)
    text, image, fused, mel = (
        torch.randn(1, 1024),
        torch.randn(1, 1024),
        torch.randn(1, 512),
        torch.randn(1, frames, BINS),
    )
    rows: dict[str, tuple[Callable[[], nn.Module], Callable[[Any], Any]]] = {
        "CLIP image": (lambda: CLIPVisionModelWithProjection(VISION), lambda network: network(pixel_values=pixels)),
        "CLIP text": (lambda: CLIPTextModelWithProjection(TEXT), lambda network: network(input_ids=words)),
        "fusion": (lambda: GatedFusion({}), lambda network: network(text, image)),
        "BiLSTM": (lambda: BiLstmDecoder({"mel": {"mel_bins": BINS}}), lambda network: network(fused, frames)),
        "HiFi-GAN": (lambda: HifiGanVocoder(HifiGan(V1), GRID), lambda network: network.vocode(Mel(mel))),
    }
    found = {}
    for name, (build, run) in rows.items():
        if name.startswith("CLIP") and not clip:
            continue
        network = drawn(build())
        run(network)
        times = [timed(lambda run=run, network=network: run(network))[:2] for _ in range(repeats)]
        found[name] = {"wall": min(wall for wall, _ in times), "processor": min(each for _, each in times)}
        print(name, found[name], file=sys.stderr, flush=True)
    whole = sum(row["processor"] for row in found.values())
    return {name: {**row, "share": row["processor"] / whole} for name, row in found.items()}


def beside_plain(frames: int, repeats: int, chunk: int) -> dict[str, float]:
    """Ratios of the plain form's time to ours, the error, and the stream."""
    network, mel = drawn(HifiGan(V1)), Mel(torch.randn(1, frames, BINS))
    published, vocoder = normed(network), HifiGanVocoder(network, GRID)
    for warm in (lambda: plain(published, mel.values[:, :9]), lambda: vocoder.vocode(Mel(mel.values[:, :9]))):
        warm()
    turns = []
    for _ in range(repeats):
        theirs, ours = timed(lambda: plain(published, mel.values)), timed(lambda: vocoder.vocode(mel).samples[:, 0])
        turns.append((theirs[0] / ours[0], theirs[1] / ours[1]))
        print(f"plain {theirs[1]:.2f} s, ours {ours[1]:.2f} s of processor time", file=sys.stderr, flush=True)
    whole = ours[2]
    stream = vocoder.stream(mel, chunk)
    first = timed(lambda: next(stream))
    pieces = torch.cat([first[2].samples, *(piece.samples for piece in stream)], dim=-1)[:, 0]
    return {
        "wall ratio": statistics.median(wall for wall, _ in turns),
        "processor ratio": statistics.median(each for _, each in turns),
        "largest difference": (theirs[2] - whole).abs().max().item(),
        "standard deviation of the sound": whole.std().item(),
        "first chunk, wall": first[0],
        "first chunk, processor": first[1],
        "largest difference of the stream": (pieces - whole).abs().max().item(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--chunk", type=int, default=32, help="frames")
    parser.add_argument("--no-clip", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    frames = round(options.seconds * RATE / HOP)
    with torch.inference_mode():
        vocoder = beside_plain(frames, options.repeats, options.chunk)
        print(json.dumps(vocoder, indent=1), file=sys.stderr, flush=True)
        shares = stages(frames, options.repeats, clip=not options.no_clip)
    print(json.dumps({"threads": options.threads, "frames": frames, "stages": shares, "vocoder": vocoder}))


if __name__ == "__main__":
    main()
