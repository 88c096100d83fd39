"""Measures time and memory of a training step of the aligner with AudioLDM 2 at full size, plain, and with less memory.

    python benchmarks/aligner_step.py CONFIGURATIONS [--batch 8] [--crop 256] [--steps 2] [--reserve 4]
    python benchmarks/aligner_step.py CONFIGURATIONS --device cuda --precision bf16 --peak 989 --steps 20

CONFIGURATIONS has AudioLDM2's published configuration files. Weights are random, of the published shapes; nothing is downloaded or
stored. The aligner is that for ImageBind with five tokens. Three ways of a step are compared, each in a new process:

    plain          activations are kept, and gradients are computed for the UNet's weights, too
    kept           the UNet is frozen, activations are kept
    checkpointed   the UNet is frozen, activations of its blocks are computed again in the backward pass

All are estimated before one is started. The batch is the largest up to `--batch` at which the plain step fits into the free memory
less `--reserve` GB, with a margin for gaps between allocations; what does not fit is not started. On a graphics card `kept` and `checkpointed` are measured with `torch.compile`,
too, and samples per second and the share of the card's peak are told, without the computations of checkpointing. `--peak` is that of
the precision in TFLOP/s.

Measured: seconds and processor seconds of the last steps, the mean after a first step; the largest resident memory of the process
less that before networks were built (on a graphics card, what torch allocated). The table goes to standard error, one JSON document
to the last line of standard output.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from art2mus_core.checkpoints.folder import save_config
from art2mus_core.checkpoints.memory import available
from art2mus_core.conditioning.constants import Constants, save_constants
from art2mus_core.encoders.imagebind_files import COMPONENTS, HUGE
from art2mus_core.training.config import TrainingConfig
from art2mus_core.training.estimating import HALVES, Estimate, Step, aligner_step, estimate_step

WAYS = ("plain", "kept", "checkpointed")
COMPILED = ("kept, compiled", "checkpointed, compiled")
PARTS = ("unet", "language_model", "vae", "vocoder", "scheduler")
MARGIN = 1.25
"""Resident memory of the plain step over its estimate, as measured with glibc's allocator (1.21), rounded up."""

TEXT = (10, 1024)
"""Tokens of a support prompt, and the width of T5's states."""


def write_configurations(configurations: Path, folder: Path) -> Path:
    """A prior and ImageBind without weights, with random text constants; returns the prior."""
    prior = folder / "audioldm2"
    for part in PARTS:
        shutil.copytree(configurations / part, prior / part, copy_function=shutil.copyfile)
    shutil.copyfile(configurations / "model_index.json", prior / "model_index.json")
    save_config(folder / "imagebind", COMPONENTS["vision"], HUGE["vision"])
    width = json.loads((configurations / "language_model" / "config.json").read_text(encoding="utf-8"))["n_embd"]
    text, mask = torch.randn(1, *TEXT), torch.ones(1, TEXT[0], dtype=torch.bool)
    save_constants(prior, Constants(torch.randn(1, 8, width), text, mask, text, mask))
    return prior


def build(prior: Path, way: str, chosen: argparse.Namespace, batch: int) -> Step:
    """The step of a way, on `meta`."""
    config = TrainingConfig(
        stage="aligner",
        steps=1,
        batch=batch,
        learning_rate=1e-4,
        checkpointing=way.startswith("checkpointed"),
        model={"hidden": 1024, "tokens": 5},
        options={"encoder": str(prior.with_name("imagebind")), "crop": chosen.crop},
    )
    step = aligner_step(config, prior)
    step.networks["unet"].requires_grad_(way == "plain")
    return step


def largest(prior: Path, chosen: argparse.Namespace, free: float) -> tuple[int, dict[str, Estimate]]:
    """The largest batch at which the plain step fits, and the estimates of all ways."""
    batch = chosen.batch
    while batch:
        found = {
            way: estimate_step(build(prior, way, chosen, batch), half=HALVES.get(chosen.precision)) for way in WAYS
        }
        if found["plain"].total * MARGIN < free:
            return batch, found
        print(
            f"batch {batch}: plain takes {MARGIN * found['plain'].total / 1e9:.2f} GB of {free / 1e9:.2f}",
            file=sys.stderr,
        )
        batch //= 2
    raise SystemExit(f"not even one example fits into {free / 1e9:.2f} GB")


# One way, in a process of its own.


def fill(networks: nn.Module, device: torch.device) -> None:
    """Random weights that preserve the signals' variance: scales near 1, biases near 0."""
    networks.to_empty(device=device)
    for name, weight in networks.named_parameters():
        spread = 0.1 if weight.dim() == 1 else math.prod(weight.shape[1:]) ** -0.5
        nn.init.uniform_(weight, -spread, spread)
        if weight.dim() == 1 and name.endswith("weight"):
            weight.data += 1


def train(step: Step, chosen: argparse.Namespace, device: torch.device) -> Any:
    """Steps of training; yields after each."""
    half = HALVES.get(chosen.precision)
    optimiser = torch.optim.AdamW(step.trained.parameters(), lr=1e-4)
    batch = step.batch().to(device)
    batch = type(batch)(
        **{**vars(batch), "latent": torch.randn_like(batch.latent), "noise": torch.randn_like(batch.noise)}
    )
    while True:
        with torch.autocast(device.type, half or torch.bfloat16, enabled=half is not None):
            loss = step.loss(batch)
        loss.backward()
        nn.utils.clip_grad_norm_(step.trained.parameters(), 1.0)
        optimiser.step()
        step.networks.zero_grad(set_to_none=True)
        if device.type == "cuda":
            torch.cuda.synchronize()
        yield loss.item()


def measure(prior: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    device, way = torch.device(chosen.device), chosen.way
    torch.manual_seed(0)
    if device.type == "cuda":
        torch.zeros(1, device=device)
    before = psutil.Process().memory_info().rss
    step = build(prior, way, chosen, chosen.batch)
    fill(step.networks, device)
    if way.endswith("compiled"):
        step.networks["unet"].compile()
    steps, counter = train(step, chosen, device), FlopCounterMode(display=False)
    started = time.perf_counter()
    with counter if way == "kept" else contextlib.nullcontext():
        next(steps)
    first, started, worked = time.perf_counter() - started, time.perf_counter(), time.process_time()
    losses = [next(steps) for _ in range(chosen.steps)]
    seconds, processor = time.perf_counter() - started, time.process_time() - worked
    if not all(map(math.isfinite, losses)):
        raise SystemExit(f"losses {losses}")
    return {
        "seconds": seconds / chosen.steps,
        "processor seconds": processor / chosen.steps,
        "first seconds": first,
        "samples a second": chosen.batch * chosen.steps / seconds,
        "peak GB": (torch.cuda.max_memory_allocated() if device.type == "cuda" else highest() - before) / 1e9,
        "before GB": before / 1e9,
        "TFLOP": counter.get_total_flops() / 1e12,
        "loss": losses[-1],
    }


def highest() -> int:
    """The largest resident memory of this process in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


# All ways.


def table(found: dict[str, dict[str, Any]], estimates: dict[str, Estimate], chosen: argparse.Namespace) -> None:
    """Add shares to the measurements of each way, and print them."""
    plain, flops = found["plain"]["peak GB"], found["kept"]["TFLOP"]
    for way, row in found.items():
        base = way.partition(",")[0]
        row |= {"estimated GB": estimates[base].total / 1e9, "of plain": row["peak GB"] / plain}
        if chosen.peak:
            row["share of peak"] = flops / row["seconds"] / chosen.peak
        shown = {name: round(value, 3) for name, value in row.items()}
        print(way.ljust(24), json.dumps(shown), file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configurations", type=Path)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--crop", type=int, default=256, help="latent frames; 256 are 10.24 s")
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--reserve", type=float, default=4.0, help="GB that are left free")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", choices=["no", *HALVES], default="no")
    parser.add_argument("--peak", type=float, help="the device's TFLOP/s in this precision")
    parser.add_argument("--way", choices=[*WAYS, *COMPILED], help="measure only this way, in this process")
    chosen = parser.parse_args()
    if chosen.way:
        print(json.dumps(measure(chosen.configurations, chosen)))
        return
    free = torch.cuda.mem_get_info()[0] if chosen.device == "cuda" else available()
    with tempfile.TemporaryDirectory() as temporary:
        prior = write_configurations(chosen.configurations, Path(temporary))
        batch, estimates = largest(prior, chosen, free - chosen.reserve * 1e9)
        for way, expected in estimates.items():
            print(f"{way}, batch {batch}, estimated", *expected.lines(), sep="\n  ", file=sys.stderr)
        found = {}
        for way in (*WAYS, *(COMPILED if chosen.device == "cuda" else ())):
            options = ["--batch", batch, "--crop", chosen.crop, "--steps", chosen.steps]
            options += ["--device", chosen.device, "--precision", chosen.precision, "--way", way]
            command = [sys.executable, __file__, str(prior), *map(str, options)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
            found[way] = json.loads(done.stdout.splitlines()[-1])
    table(found, estimates, chosen)
    report = {
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name() if chosen.device == "cuda" else f"{os.cpu_count()} cores",
        "threads": torch.get_num_threads(),
        "load": os.getloadavg()[0],
        "precision": chosen.precision,
        "batch": batch,
        "crop": chosen.crop,
        "ways": found,
        "estimates": {way: {**vars(each), "total": each.total} for way, each in estimates.items()},
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
