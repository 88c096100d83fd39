"""`art2mus dataset make`: from two folders to a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..outputs import AsJson, print_document, print_lines
from ..progress import alone_in, importing, reporting
from .options import Encoder, Engine, Mode, Seed, Workers, counted, findings, spreading
from .pair import described


def make(
    pictures: Annotated[Path, typer.Argument(help="Folder of pictures.")],
    music: Annotated[Path, typer.Argument(help="Folder of music.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Dataset folder; an interrupted run resumes in it.")],
    encoder: Encoder = "pocket",
    mode: Mode = "nearest",
    artwork_source: Annotated[
        str, typer.Option(help="Layout of the pictures: folder, wikiart or artgraph.")
    ] = "folder",
    music_source: Annotated[str, typer.Option(help="Layout of the music: folder or fma.")] = "folder",
    shortest: Annotated[float, typer.Option(min=0.0, help="Least length of music in seconds.")] = 1.0,
    seed: Seed = 0,
    device: Annotated[str, typer.Option(help="Device: auto, cpu, cuda or mps.")] = "cpu",
    workers: Workers = 2,
    engine: Engine = "local",
    as_json: AsJson = False,
) -> None:
    """Make a dataset of pairs from a folder of pictures and a folder of music.

    art2mus dataset make paintings songs --out data/mine

    Every file is opened once, embedded with the bundled model's encoders,
    and paired with the most similar one of the other side. The files stay
    where they are. OUT/report.html shows the result. Train on it with
    art2mus train. The steps are also commands of their own, with more
    options: scan, embed, pair, report.
    """
    with reporting() as on_step:
        with importing():
            from ...checkpoints.names import is_encoder, locate, quoted
            from ...datasets.faults import Tally
            from ...datasets.making import Plan
            from ...datasets.making import make as run
            from ...datasets.pairing import Rule
            from ..devices import choose_device

        plan = Plan(
            pictures,
            music,
            locate(encoder, is_encoder),
            artwork_source,
            music_source,
            shortest,
            Rule(mode=mode, seed=seed),
        )
        tally = Tally()
        where = str(choose_device(device))
        with alone_in(out, "dataset"):
            told = run(plan, out, spreading(workers, engine), device=where, on_step=on_step, on_fault=tally.note)
    if as_json:
        print_document({"data": str(out), **told, "faults": [vars(each) for each in tally.frequent()]})
        return
    counts = counted({name: told[name] for name in told if name != "pair"})
    print_lines(str(out), *counts, *findings(tally.frequent(), "fault"), *described(told["pair"]))
    if told["pair"]["splits"]["train"]["pairs"]:
        print_lines(f"Next: art2mus train aligner --data {quoted(out)} --prior pocket")
