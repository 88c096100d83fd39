"""Measures time and memory of the published models at full size, from the command line: ImageBind, Art2Mus 2024, AudioLDM2.

    python benchmarks/published.py CONFIGURATIONS --artwork FILE [--folder FOLDER] [--steps 10] [-- OPTION...]

CONFIGURATIONS has AudioLDM2's published configuration files. Full-size random weights in the published layouts are written to
FOLDER (9.3 GB, see `random_checkpoints.py`), or reused if they exist. Then the commands that follow a download run, each in a
new process: convert ImageBind, export the text, compose 10 seconds in each precision that this CPU supports, and evaluate two
artworks with every baseline, using ImageBind as the embedder. Options after `--` are passed to `art2mus compose`.

Measured: seconds of each command, including process start, and of each stage; processor time, which shows whether other
programs interfered; peaks, sampled every 20 ms, of anonymous memory, of mapped files, and of both (as Linux counts them). The
music must be finite and 10 s long. The table goes to standard error, one JSON document to the last line of standard output.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from random_checkpoints import write

from art2mus_core.audio.files import write_audio
from art2mus_core.audio.reading import read_audio
from art2mus_core.character import Character
from art2mus_core.checkpoints.precision import imitates
from art2mus_core.datasets.synthetic.rendering import compose
from art2mus_core.images.listing import samples
from art2mus_core.types import Waveform

EVERY = 0.02
"""Seconds between samples of the memory."""

SECONDS, RATE = 10.0, 16_000
LIMITS = {"bfloat16": 3.2, "float32": 5.5}
"""Maximum gigabytes of anonymous memory when composing."""

WATCHED = {"RssAnon": "anonymous GB", "RssFile": "mapped GB", "VmHWM": "together GB"}


class CommandError(Exception):
    """A command failed or had a wrong result."""


class Watch(threading.Thread):
    """Samples the memory of a process until it ends."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.status = Path(f"/proc/{process}/status")
        self.over, self.peaks = threading.Event(), dict.fromkeys(WATCHED, 0)

    def run(self) -> None:
        while not self.over.wait(EVERY):
            try:
                lines = self.status.read_text(encoding="ascii").splitlines()
            except OSError:
                return
            for name, _, value in (line.partition(":") for line in lines):
                if name in self.peaks:
                    self.peaks[name] = max(self.peaks[name], int(value.split()[0]) * 1024)

    def results(self) -> dict[str, float]:
        self.over.set()
        self.join()
        return {name: round(self.peaks[field] / 1e9, 3) for field, name in WATCHED.items()}


def cost(home: Path, *arguments: str) -> tuple[dict[str, Any], str]:
    """Seconds and peaks of one `art2mus` command, and its output."""
    command = [sys.executable, "-c", "from art2mus_core.cli import main; main()", *arguments]
    load, worked, started = os.getloadavg()[0], worked_by_children(), time.perf_counter()
    environment = {**os.environ, "ART2MUS_HOME": str(home)}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as told:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=told, text=True)  # noqa: S603
        watch = Watch(process.pid)
        watch.start()
        printed, _ = process.communicate()
        seconds, results = time.perf_counter() - started, watch.results()
        if process.returncode:
            told.seek(0)
            raise CommandError(told.read().strip()[-2000:])
    processor = worked_by_children() - worked
    return {
        "seconds": round(seconds, 2),
        "processor seconds": round(processor, 2),
        "load before": round(load, 2),
        **results,
    }, printed


def worked_by_children() -> float:
    """Processor time in seconds of all finished commands."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def converting(home: Path) -> dict[str, Any]:
    results, _ = cost(home, "convert", str(home / "imagebind" / "imagebind_huge.pth"))
    copies = (home / "imagebind").glob("*/*.safetensors")
    return {**results, "written GB": round(sum(copy.stat().st_size for copy in copies) / 1e9, 3)}


def exporting(home: Path) -> dict[str, Any]:
    results, _ = cost(home, "export-text", "audioldm2")
    constants = (home / "audioldm2" / "constants").glob("*.safetensors")
    return {**results, "written MB": round(sum(file.stat().st_size for file in constants) / 1e6, 3)}


def composing(home: Path, artwork: Path, precision: str, steps: int, options: Sequence[str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as place:
        music = Path(place, "music.wav")
        asked = ["--model", "audioldm2", "--aligner", "art2mus-2024", "--precision", precision, "--steps", str(steps)]
        results, printed = cost(
            home, "compose", str(artwork), "--out", str(music), "--seconds", str(SECONDS), *asked, *options, "--json"
        )
        sound = read_audio(music)
    if sound.seconds != SECONDS or not sound.samples.isfinite().all():
        raise CommandError(f"{sound.seconds} s of music, or samples that are not finite")
    results |= {
        "steps": steps,
        "music seconds": sound.seconds,
        "largest sample": round(float(sound.samples.abs().max()), 3),
    }
    stages = json.loads(printed.splitlines()[-1])["stages"]
    results |= {"stages": stages, "seconds a step": round(stages["denoise"] / steps, 2)}
    return {**results, "limit GB": LIMITS[precision], "within": results["anonymous GB"] <= LIMITS[precision]}


def evaluating(home: Path, steps: int) -> dict[str, Any]:
    """Evaluate every baseline on two of the packaged artworks."""
    sampled = {"model": "audioldm2", "steps": steps, "guidance": 3.5}
    systems = {
        "art2mus-2024": {"kind": "artwork", "aligner": "art2mus-2024", "encoder": "imagebind", **sampled},
        "captions": {"kind": "text", "negative": "Low quality.", **sampled},
        "shuffled": {"kind": "shuffled", "of": "art2mus-2024"},
        "unconditional": {"kind": "unconditional", "model": "audioldm2", "steps": steps},
        "reconstruction": {"kind": "reconstruction", "model": "audioldm2"},
        "real": {"kind": "reference"},
    }
    names = list(samples())[:2]
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        (place / "reference").mkdir()
        for seed, name in enumerate(names):
            sound = torch.from_numpy(compose(Character(0.6, 0.7, 0.4, 0.5, 0.2, 0.3, 0), seed, SECONDS, RATE, 1))
            music = place / "reference" / f"{name}.flac"
            write_audio(music, Waveform(sound.float()[None], RATE), tags={}, cover=None)
        (place / "captions.json").write_text(json.dumps({name: name.replace("_", " ") for name in names}))
        config = {
            "artworks": [{"samples": True, "count": len(names)}],
            "reference": "reference",
            "captions": {"file": "captions.json"},
            "seconds": SECONDS,
            "systems": systems,
            "metrics": {"embedders": ["imagebind", "pocket"], "resamples": 100},
        }
        (place / "config.yaml").write_text(json.dumps(config))  # JSON is YAML
        results, printed = cost(home, "evaluate", str(place / "config.yaml"), "--out", str(place / "out"), "--json")
        report = json.loads(printed.splitlines()[-1])
        size = (place / "out" / "report.html").stat().st_size
    return {
        **results,
        "steps": steps,
        "measures": {k: len(v) for k, v in report["figures"].items()},
        "page bytes": size,
    }


def measure(chosen: argparse.Namespace, home: Path, options: Sequence[str]) -> dict[str, Any]:
    """The measurements of every command, or its error message."""
    work = {
        "convert": lambda: converting(home),
        "export-text": lambda: exporting(home),
        **{
            f"compose, {precision}": lambda precision=precision: composing(
                home, chosen.artwork, precision, chosen.steps, options
            )
            for precision in chosen.precision
        },
        "evaluate": lambda: evaluating(home, chosen.steps),
    }
    found = {}
    for name, command in work.items():
        if chosen.only and not any(part in name for part in chosen.only):
            continue
        try:
            found[name] = command()
        except CommandError as failure:
            found[name] = {"failed": str(failure)}
        print(name.ljust(20), json.dumps(found[name]), file=sys.stderr, flush=True)
    return found


def main() -> None:
    computed = [name for name in LIMITS if not imitates(torch.device("cpu"), getattr(torch, name))]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configurations", type=Path)
    parser.add_argument("--artwork", type=Path, required=True)
    parser.add_argument("--folder", type=Path, help="where the weights are kept")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--precision", nargs="*", choices=LIMITS, default=computed)
    parser.add_argument(
        "--only", nargs="*", help="parts of the names of commands: convert, export-text, compose, evaluate"
    )
    typed = sys.argv[1:]
    split = typed.index("--") if "--" in typed else len(typed)
    chosen, options = parser.parse_args(typed[:split]), typed[split + 1 :]
    with tempfile.TemporaryDirectory() as temporary:
        home = (chosen.folder or Path(temporary)).absolute()
        write(chosen.configurations, home)
        found = measure(chosen, home, options)
    report = {
        "versions": {name: importlib.metadata.version(name) for name in ("torch", "diffusers", "transformers")},
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "options": options,
        "commands": found,
    }
    print(json.dumps(report))
    if any("failed" in results for results in found.values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
