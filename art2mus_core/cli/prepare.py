"""`art2mus prepare`: compute and store what the training of an aligner reads."""

from __future__ import annotations

from typing import Annotated

import typer

from .dataset.options import DATA, Engine, Retry, findings
from .outputs import AsJson, print_document, print_lines, table
from .progress import alone_in, importing, reporting


def prepare(
    data: DATA,
    encoder: Annotated[
        str | None, typer.Option(help="Image encoder: a name or a folder.", show_default="the prior's own")
    ] = None,
    prior: Annotated[str, typer.Option(help="Audio prior: pocket, a name such as audioldm2, or a folder.")] = "pocket",
    patches: Annotated[bool, typer.Option("--patches", help="Store the embeddings of patches too.")] = False,
    views: Annotated[int, typer.Option(min=1, help="Stored views of each artwork; the first is the whole.")] = 1,
    window: Annotated[
        str, typer.Option(help="Part of each piece: whole, START-END in seconds, or random:COUNTxSECONDS.")
    ] = "whole",
    level: Annotated[float | None, typer.Option(help="Peak of that part, after its mean is removed.")] = None,
    crop: Annotated[int, typer.Option(min=0, help="Latent frames to which shorter parts are filled up.")] = 0,
    support: Annotated[str, typer.Option(help="Name of the prior's text constants, which are checked.")] = "model",
    alignment: Annotated[
        bool, typer.Option("--alignment", help="Store what the option alignment of a configuration reads, too.")
    ] = False,
    device: Annotated[str, typer.Option(help="Device: auto, cpu, cuda or mps.")] = "auto",
    engine: Engine = "local",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Number of parallel processes.", show_default="by the networks' size")
    ] = None,
    retry: Retry = False,
    as_json: AsJson = False,
) -> None:
    """Compute all features of a dataset that the training of an aligner reads.

    art2mus prepare DATA --encoder imagebind --prior audioldm2 --window 10-20

    Every file is opened once; embeddings of artworks and latents of music
    are stored in DATA/features. If stopped, the same command resumes.
    Training with the same options finds them, and computes what is missing.
    Files that cannot be used are listed at the end; training leaves their
    pairs out, and --retry tries them again, one by one.
    """
    with reporting() as on_step:
        with importing():
            from ..checkpoints.names import is_encoder, locate
            from ..training.features.dataset import Working
            from ..training.features.preparing import Request, check_space, expected, open_data
            from ..training.features.preparing import prepare as compute
            from ..training.features.windows import read_window
            from .devices import choose_device

        folder, where = locate(prior), choose_device(device)
        seeing = locate(encoder, is_encoder) if encoder else folder
        asked = Request(folder, seeing, patches, views, read_window(window, level, crop), support, alignment)
        opened = open_data(data, asked, on_step, Working(engine, workers, retry, faults=1.0))
        with alone_in(data, "preparing of features"):
            found = expected(opened, asked, where)
            check_space(opened, found)
            needs = {each.name: each.bytes for each in found}
            if not as_json:
                print_lines(*table([(f"{name}, about", _size(size)) for name, size in needs.items()]))
            compute(opened, asked, where)
    stores, faults = [], opened.faults.frequent()
    for kind, store in opened.stores.values():
        rows = opened.side(kind).files
        stores.append((store.folder.name, len(rows), len(rows) - len(store.faults), store.bytes))
    if as_json:
        keys = "store", "files", "stored", "bytes"
        told = [dict(zip(keys, each, strict=True)) for each in stores]
        counts = {"pairs": len(opened.pairs), "left_out": len(opened.left_out)}
        print_document({"data": str(data), **counts, "expected": needs, "stores": told, "faults": [*map(vars, faults)]})
        return
    head = ("store", "files", "stored", "size")
    print_lines(*table([head, *((name, f"{of:,}", f"{kept:,}", _size(size)) for name, of, kept, size in stores)]))
    print_lines(f"{len(opened.left_out):,} of {len(opened.pairs):,} pairs are left out")
    print_lines(*findings(faults, "fault"))


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
