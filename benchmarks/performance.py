"""Runs the measurements of docs/PERFORMANCE.md and prints the rows of its tables.

    python benchmarks/performance.py [NAME...] [--home FOLDER] [--artworks FOLDER] [--list]

NAME is a measurement, by default each that --list names. A measurement is a script of this folder whose last line of standard output is
a JSON document with `figures`: what was measured, and its value, both as they stand in the table. FOLDER of --home is ART2MUS_HOME
with the full-size random weights (`random_checkpoints.py`), that of --artworks has pictures.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import torch

from art2mus_core.images.listing import samples

FOLDER = Path(__file__).parent

MEASUREMENTS = {
    "bundled": ["warm.py"],
    "start": ["startup.py", "{artwork}", "--", "--preset", "instant"],
    "folders": ["cost.py", "{artworks}", "--before", "6349551", "--many", "24", "--folders", "3"],
    "full-size": [
        *("peer.py", "{home}", "--artwork", "{artwork}", "--memory", "--precision", "{precisions}"),
        *("--ours", "balanced:preset=balanced", "--ours", "fast:preset=fast"),
    ],
    "lengths": ["lengths.py", "{artwork}"],
    "compile": ["compile.py", "--precision", "{precisions}"],
}
"""The command of each measurement; words in braces are filled in."""


def machine() -> str:
    """The processor, the cores and threads that torch uses, and its extensions that matter here."""
    able = torch.cpu.get_capabilities()
    names = [name for name in ("avx2", "avx512_f", "avx512_bf16", "amx_bf16") if able.get(name)]
    versions = f"torch {torch.__version__}, Python {platform.python_version()}"
    name, threads = able.get("cpu_name", platform.processor()), torch.get_num_threads()
    return f"{name}, {os.cpu_count()} cores, {threads} threads, {', '.join(names)}; {versions}"


def commit() -> str:
    """The commit of this tree, marked if files differ from it."""
    told = ["git", "-C", str(FOLDER), "describe", "--always", "--dirty", "--abbrev=7", "--exclude=*"]
    return subprocess.run(told, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603


def filled(command: list[str], values: dict[str, list[str]]) -> list[str]:
    """A command with the words in braces replaced, one or several for each."""
    return [part for word in command for part in (values[word[1:-1]] if word[0] == "{" else [word])]


def measure(name: str, values: dict[str, list[str]]) -> str:
    """Run a measurement; its section of the document."""
    command = filled(MEASUREMENTS[name], values)
    done = subprocess.run(  # noqa: S603
        [sys.executable, str(FOLDER / command[0]), *command[1:]], check=True, stdout=subprocess.PIPE, text=True
    )
    figures = json.loads(done.stdout.splitlines()[-1])["figures"]
    told = " ".join(Path(word).name if Path(word).is_absolute() else word for word in command)
    rows = [f"| {figure} | {value} | {commit()} |" for figure, value in figures.items()]
    head = f"{dt.datetime.now(dt.UTC):%Y-%m-%d}, {machine()}\n\n`python benchmarks/{told}`"
    return "\n".join([f"## {name}\n\n{head}\n", "| figure | value | commit |", "|---|---|---|", *rows, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one or more of {', '.join(MEASUREMENTS)}")
    parser.add_argument("--home", type=Path, default=os.environ.get("ART2MUS_HOME"))
    parser.add_argument("--artworks", type=Path, default=None, help="by default the packaged samples")
    parser.add_argument("--list", action="store_true", help="print the commands only")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(MEASUREMENTS):
        parser.error(f"no measurement {', '.join(sorted(unknown))}; there are {', '.join(MEASUREMENTS)}")
    artworks = sorted(map(str, chosen.artworks.iterdir())) if chosen.artworks else list(map(str, samples().values()))
    values = {
        "home": [str(chosen.home)],
        "artwork": artworks[:1],
        "artworks": artworks,
        "precisions": ["float32", *(["bfloat16"] if torch.cpu.get_capabilities().get("avx512_bf16") else [])],
    }
    for name in chosen.names or MEASUREMENTS:
        if chosen.list:
            print(name, " ".join(["benchmarks/" + MEASUREMENTS[name][0], *filled(MEASUREMENTS[name][1:], values)]))
        else:
            print(measure(name, values), flush=True)


if __name__ == "__main__":
    main()
