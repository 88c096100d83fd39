"""`art2mus fit-words`: make the small text encoder that reads viewers' comments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .outputs import print_lines
from .progress import alone_in, importing, reporting


def fit_words(
    sentences: Annotated[
        Path,
        typer.Argument(help="Folder of a sentence encoder in sentence-transformers' layout, such as all-MiniLM-L6-v2."),
    ],
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint folder to train, whose text encoder it becomes.")],
    pieces: Annotated[int, typer.Option(min=1, help="Word pieces that are kept, the most frequent ones.")] = 18_000,
    dim: Annotated[int, typer.Option(min=1, help="Width of the embeddings.")] = 80,
    steps: Annotated[int, typer.Option(min=1, help="Training steps of 256 comments.")] = 1_500,
    seed: Annotated[int, typer.Option(help="Seed of the comments and of the training.")] = 0,
) -> None:
    """Make the small text encoder of an Art2Music checkpoint from a large sentence encoder and comments made from moods.

    The large one gives each word piece its vector; which words count, and
    what negation and degree change, is learnt from comments. The printed
    error is that of moods (0 to 1) of comments that were left out.
    """
    with importing():
        from ..encoders.sentences import load_sentence_encoder
        from ..training.words import fit_words as fit

    with alone_in(checkpoint, "fit"), reporting() as on_step:
        sizes = {"pieces": pieces, "dim": dim}
        error = fit(checkpoint, load_sentence_encoder(sentences), sizes, steps=steps, seed=seed, on_step=on_step)
    print_lines(f"{pieces} word pieces; error of moods {error:.3f}")
