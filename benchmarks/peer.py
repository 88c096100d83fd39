"""Measures full-size music beside diffusers' AudioLDM2Pipeline: time, floating-point operations and memory, with random weights.

    python benchmarks/peer.py HOME [--artwork FILE] [--ours NAME:SETTING=VALUE,...]... [--timed 10] [--turns 1] [--precision float32 bfloat16]

HOME is ART2MUS_HOME with the checkpoints that `random_checkpoints.py` writes, ImageBind converted and the text constants exported
(`published.py --folder HOME --only convert export-text` does all three). Both sides make 10 s of music for guidance 3.5 in this process,
in turns: the peer as it comes, in float32, for a text; ours for an artwork, once with the peer's settings and once for each `--ours` (such as `fast:preset=fast`),
in each precision. The peer runs `--timed` of its 200 DDIM steps; the rest is extrapolated from the median of these steps. With
--memory each side runs two steps in a process of its own, for its peaks.

Time is that of the processor, all threads together, so that other programs interfere little; `--clock wall` is for a quiet machine.
The products' rates are those of matrices of 2,048 rows, by torch and by oneDNN. The weights are random: nothing is said about the music.
The table goes to standard error, one JSON document with `figures` to the last line of standard output.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from published import Watch  # beside this script
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from art2mus_core.checkpoints.memory import keep_freed

SECONDS, GUIDANCE, PUBLISHED = 10.0, 3.5, 200
"""Length of the music, scale of guidance, and steps of the peer by default."""

PROMPT = "Music for a painting of a storm at sea"
CLOCKS = {"processor": time.process_time, "wall": time.perf_counter}
SIZE = 2048

Result = dict[str, float]


def timed(work: Callable[[Callable[..., None]], Any], clock: Callable[[], float]) -> Result:
    """Seconds of a whole run and of a step, the median; `work` calls its argument after each step."""
    marks: list[float] = []
    started = clock()
    work(lambda *_: marks.append(clock()))
    whole = clock() - started
    between = [later - earlier for earlier, later in itertools.pairwise(marks)]
    return {"whole": whole, "step": statistics.median(between), "steps": len(marks)}


def open_peer(home: Path) -> Callable[..., Any]:
    """The peer as a function of a number of steps and a callback; its index names another class of language model than it needs."""
    from diffusers import AudioLDM2Pipeline  # noqa: PLC0415
    from transformers import GPT2LMHeadModel  # noqa: PLC0415

    folder = home / "audioldm2"
    language = GPT2LMHeadModel.from_pretrained(folder / "language_model", dtype=torch.float32)
    pipeline = AudioLDM2Pipeline.from_pretrained(folder, language_model=language, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)

    def run(steps: int, mark: Callable[..., None]) -> None:
        sound = pipeline(PROMPT, audio_length_in_s=SECONDS, num_inference_steps=steps, callback=mark, output_type="pt")
        if not sound.audios.isfinite().all():
            sys.exit("the peer's music is not finite")

    return run


def open_ours(home: Path, artwork: Path, dtype: torch.dtype, *, offload: bool) -> Callable[..., Any]:
    """Our pipeline as a function of settings and a callback."""
    os.environ["ART2MUS_HOME"] = str(home)
    from art2mus_core.images.reading import read_artwork  # noqa: PLC0415
    from art2mus_core.pipelines import load  # noqa: PLC0415

    pipeline = load("audioldm2", aligner="art2mus-2024", dtype=dtype, offload=offload)
    picture = read_artwork(artwork)

    def run(settings: dict[str, Any], mark: Callable[..., None]) -> None:
        def on_step(step: Any) -> None:
            if step.stage == "denoise":
                mark()

        pipeline.parts.embeddings.clear()  # each run encodes its picture
        pipeline.compose([picture], seconds=SECONDS, **{"guidance": GUIDANCE, **settings}, on_step=on_step)

    return run


def read_settings(text: str) -> tuple[str, dict[str, Any]]:
    """A name and settings, from NAME:SETTING=VALUE,..."""
    name, _, rest = text.partition(":")
    values = dict(each.split("=", 1) for each in rest.split(",") if each)
    return name, {key: json.loads(value) if value[:1].isdigit() else value for key, value in values.items()}


@torch.inference_mode()
def products(dtype: torch.dtype) -> dict[str, float]:
    """GFLOP a second of processor time of a matrix product, by torch's linear layer and by that of our large networks."""
    from art2mus_core.networks.products import Linear  # noqa: PLC0415

    x, layer = torch.randn(SIZE, SIZE, dtype=dtype), Linear(SIZE, SIZE, bias=False, dtype=dtype)
    layer.quick = True
    found = {}
    for name, product in {"torch": lambda: F.linear(x, layer.weight), "ours": lambda: layer(x)}.items():
        product()
        started = time.process_time()
        for _ in range(3):
            product()
        found[name] = 3 * 2 * SIZE**3 / (time.process_time() - started) / 1e9
    return found


def operations(home: Path) -> dict[str, float]:
    """GFLOP of a guided step of the denoiser, and of decoding to a waveform; counted on shapes alone."""
    from diffusers import AutoencoderKL  # noqa: PLC0415
    from diffusers.pipelines.audioldm2.modeling_audioldm2 import AudioLDM2UNet2DConditionModel  # noqa: PLC0415
    from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig  # noqa: PLC0415

    folder = home / "audioldm2"

    def config(name: str) -> dict[str, Any]:
        return json.loads((folder / name / "config.json").read_text(encoding="utf-8"))

    frames = round(SECONDS * 100)
    with torch.device("meta"), torch.inference_mode():
        unet = AudioLDM2UNet2DConditionModel.from_config(config("unet"))
        vae = AutoencoderKL.from_config(config("vae"))
        vocoder = SpeechT5HifiGan(SpeechT5HifiGanConfig(**config("vocoder")))
        widths = [width for width in config("unet")["cross_attention_dim"][0] if width]
        states = [torch.zeros(2, length, width) for length, width in zip((8, 20), widths, strict=True)]
        latent = torch.zeros(2, unet.config.in_channels, frames // 4, 16)
        work = {
            "step": lambda: unet(latent, 1, encoder_hidden_states=states[0], encoder_hidden_states_1=states[1]),
            "VAE": lambda: vae.decode(latent[:1]),
            "vocoder": lambda: vocoder(torch.zeros(1, frames, 64)),
        }
        found = {}
        for name, run in work.items():
            with FlopCounterMode(display=False) as counter:
                run()
            found[name] = counter.get_total_flops() / 1e9
    return found


def peaks(arguments: list[str]) -> dict[str, float]:
    """The memory of this script in a process of its own."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, __file__, *arguments], **quiet)  # noqa: S603
    watch = Watch(process.pid)
    watch.start()
    if process.wait():
        sys.exit(f"peer.py {' '.join(arguments)} failed")
    return watch.results()


def measure(chosen: argparse.Namespace) -> dict[str, dict[str, float]]:
    """The median of each side's turns, by name."""
    clock = CLOCKS[chosen.clock]
    runs: dict[str, Callable[[Callable[..., None]], Any]] = {}
    if chosen.alone in (None, "peer"):
        peer = open_peer(chosen.home)
        runs["peer"] = lambda mark: peer(chosen.timed, mark)
    equal = {"solver": "ddim", "steps": chosen.timed}
    for precision in chosen.precision if chosen.alone != "peer" else ():
        ours = open_ours(chosen.home, chosen.artwork, getattr(torch, precision), offload=chosen.alone == "ours")
        for name, settings in (("ours", equal), *map(read_settings, chosen.ours)):
            runs[f"{name}, {precision}"] = lambda mark, run=ours, settings=settings: run(settings, mark)
    turns: dict[str, list[Result]] = {name: [] for name in runs}
    for _ in range(chosen.turns):
        for name, work in runs.items():
            turns[name].append(timed(work, clock))
            print(name, turns[name][-1], file=sys.stderr, flush=True)
    return {
        name: {part: statistics.median(turn[part] for turn in found) for part in found[0]}
        for name, found in turns.items()
    }


def figures(found: dict[str, Any], timed_steps: int) -> dict[str, str]:
    """What the table of docs/PERFORMANCE.md says."""
    peer, counted = found["runs"]["peer"], found["GFLOP"]
    default = peer["whole"] + (PUBLISHED - timed_steps) * peer["step"]
    rows = {"peer, step": f"{peer['step']:.2f} s", "peer, 200 steps, extrapolated": f"{default:.0f} s"}
    for name, run in found["runs"].items():
        rate = found["products"]["bfloat16" if "bfloat16" in name else "float32"]
        share = counted["step"] / run["step"] / max(rate.values())
        rows[f"{name}: GFLOP a second in a step, share of the fastest product"] = (
            f"{counted['step'] / run['step']:.0f}, {share:.0%}"
        )
        if name != "peer":
            rows[f"{name}: step, to the peer's"] = f"{run['step']:.2f} s, {run['step'] / peer['step']:.2f}"
            if not name.startswith("ours,"):
                rows[f"{name}: {run['steps']:.0f} steps, whole"] = f"{run['whole']:.1f} s"
                rows[f"{name}: times as fast as the peer's default"] = f"{default / run['whole']:.1f}"
    for name, memory in found.get("memory", {}).items():
        rows[f"{name}: peak memory"] = ", ".join(f"{what} {value:.2f}" for what, value in memory.items())
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("--artwork", type=Path, required=True)
    parser.add_argument("--ours", action="append", default=[], metavar="NAME:SETTING=VALUE,...")
    parser.add_argument("--timed", type=int, default=10, help="steps of the peer that are timed")
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--precision", nargs="+", choices=["float32", "bfloat16"], default=["float32"])
    parser.add_argument("--clock", choices=CLOCKS, default="processor")
    parser.add_argument("--memory", action="store_true", help="measure the memory of each side, too")
    parser.add_argument(
        "--alone",
        choices=["peer", "ours"],
        help="run one side only; ours frees each network, as compose does for one artwork",
    )
    chosen = parser.parse_args()
    if chosen.timed < 2:
        parser.error("--timed must be 2 or more, for a time between two steps")
    keep_freed()  # as `art2mus compose` does; it serves both sides
    found: dict[str, Any] = {"clock": chosen.clock, "threads": torch.get_num_threads(), "timed": chosen.timed}
    if chosen.memory:
        same = [str(chosen.home), "--artwork", str(chosen.artwork), "--timed", "2"]
        found["memory"] = {"peer": peaks([*same, "--alone", "peer"])} | {
            f"ours, {precision}": peaks([*same, "--alone", "ours", "--precision", precision])
            for precision in chosen.precision
        }
    found["runs"] = measure(chosen)
    if chosen.alone is None:
        found["GFLOP"] = operations(chosen.home)
        found["products"] = {name: products(getattr(torch, name)) for name in ("float32", *chosen.precision)}
        found["figures"] = figures(found, chosen.timed)
        for name, value in found["figures"].items():
            print(f"{name}: {value}", file=sys.stderr)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
