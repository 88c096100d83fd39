"""`art2mus dataset embed`: embed the scanned artworks and music."""

from __future__ import annotations

from typing import Annotated

import typer

from ..outputs import AsJson, print_document, print_lines
from ..progress import alone_in, importing, reporting
from .options import DATA, Encoder, Engine, Retry, Workers, counted, findings, spreading


def embed(
    data: DATA,
    encoder: Encoder = "pocket",
    only: Annotated[str | None, typer.Option(help="Embed only these: artworks or music.")] = None,
    device: Annotated[str, typer.Option(help="Device: auto, cpu, cuda or mps.")] = "cpu",
    retry: Retry = False,
    workers: Workers = 2,
    engine: Engine = "local",
    as_json: AsJson = False,
) -> None:
    """Embed the artworks and the music of a scanned dataset in one space.

    art2mus dataset embed DATA --encoder imagebind

    Vectors are kept in shards in DATA/embeddings. If stopped, the same
    command resumes. Files that cannot be embedded are listed at the end;
    --retry tries them again, one by one.
    """
    with reporting() as on_step:
        with importing():
            from ...checkpoints.names import is_encoder, locate
            from ...datasets.embedding import embed as make
            from ...datasets.faults import Tally
            from ...datasets.sides import kinds
            from ..devices import choose_device

        tally = Tally()
        checkpoint, where, told = locate(encoder, is_encoder), str(choose_device(device)), {}
        with alone_in(data, "embedding"):
            for kind in kinds(only):
                told[kind] = make(
                    data,
                    kind,
                    checkpoint,
                    spreading(workers, engine),
                    device=where,
                    retry=retry,
                    on_step=on_step,
                    on_fault=tally.note,
                )
    if as_json:
        print_document({"data": str(data), **told, "faults": [vars(each) for each in tally.frequent()]})
        return
    print_lines(*counted(told), *findings(tally.frequent(), "fault"))
