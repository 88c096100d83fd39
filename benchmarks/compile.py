"""Measures what torch.compile makes of the denoiser on the CPU: seconds of the first call, and time of a step beside that without it.

    python benchmarks/compile.py [--config FILE] [--precision bfloat16] [--cache FOLDER]

The denoiser is the bundled model's or, with a `config.json` of a UNet, one of that size with random weights; 10 s of music, guided. A
folder keeps what was compiled: with it, a second run shows what a later process waits for. Time is that of the processor, of all
threads and of the C++ compiler, which must be installed. One JSON document with `figures` goes to the last line of standard output.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from art2mus_core.checkpoints.folder import load_component
from art2mus_core.checkpoints.names import locate
from art2mus_core.networks.unet import UNet

FRAMES, ROWS = {"bundled": 100, "published": 250}, {"bundled": 13, "published": 16}
"""Sizes of the latents of 10 s."""


def worked() -> float:
    """Processor time of this process and of those it started."""
    return sum(os.times()[:4])


def inputs(unet: UNet, size: str, dtype: torch.dtype) -> list[Tensor]:
    """A batch of two latents, as guidance has, a timestep, and states of the widths that the network attends to."""
    widths = [width for width in unet.config["cross_attention_dim"][0] if width]
    states = [torch.randn(2, length, width, dtype=dtype) for length, width in zip((8, 20), widths, strict=False)]
    masks = [torch.ones(2, 20, dtype=torch.bool)] if len(states) > 1 else []
    latent = torch.randn(2, unet.config["in_channels"], FRAMES[size], ROWS[size], dtype=dtype)
    return [latent, torch.tensor(500), *states, *masks]


def step(network: Callable[..., Tensor], given: list[Tensor], repeats: int) -> float:
    """Processor seconds of a call."""
    started = worked()
    for _ in range(repeats):
        network(*given)
    return (worked() - started) / repeats


@torch.inference_mode()
def measure(config: Path | None, dtype: torch.dtype, turns: int = 3) -> dict[str, str]:
    torch.manual_seed(0)
    size, repeats = ("published", 1) if config else ("bundled", 6)
    if config:
        unet = UNet(json.loads(config.read_text(encoding="utf-8"))).eval().to(dtype)
    else:
        unet = load_component(locate("pocket"), "unet", UNet, dtype=dtype)
    given, compiled = inputs(unet, size, dtype), torch.compile(unet, dynamic=False)
    expected, before, wall = unet(*given).float(), worked(), time.perf_counter()
    found = compiled(*given).float()
    first = f"{worked() - before:.0f} s, {time.perf_counter() - wall:.0f} s on the clock"
    pairs = [(step(unet, given, repeats), step(compiled, given, repeats)) for _ in range(turns)]
    plain, fast = (sorted(column)[turns // 2] for column in zip(*pairs, strict=True))
    error = float((found - expected).norm() / expected.norm())
    name = f"{size}, {str(dtype).removeprefix('torch.')}"
    return {
        f"{name}: first call": first,
        f"{name}: step without and with torch.compile": f"{plain:.3f} s, {fast:.3f} s, {fast / plain:.2f}",
        f"{name}: relative difference": f"{error:.1e}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=None)
    parser.add_argument("--precision", nargs="+", choices=["float32", "bfloat16"], default=["float32"])
    parser.add_argument("--cache", type=Path, default=None)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(chosen.cache or place)
        figures: dict[str, str] = {}
        for name in chosen.precision:
            figures |= measure(chosen.config, getattr(torch, name))
    print(json.dumps({"threads": torch.get_num_threads(), "figures": figures}))


if __name__ == "__main__":
    main()
