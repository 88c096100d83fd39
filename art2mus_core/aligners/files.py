"""Aligner files: weights, and in the header what they are and what they were trained with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor

from ..checkpoints.cards import read_cards
from ..checkpoints.names import aligner_file, describe, folders, home, is_aligner, there
from ..checkpoints.strict import fill
from ..checkpoints.tensors import opened, read_tensors, save_tensors
from ..errors import Art2MusError, CheckpointError, SettingError
from .projection import ARCHIVE, FACTS, PICKLE, SIZES, ProjectionAligner, count_tokens, read_published
from .visual import VisualAligner

__all__ = ["AlignerHeader", "AnyAligner", "find_aligner", "load_aligner", "read_header", "save_aligner"]

AnyAligner = VisualAligner | ProjectionAligner
KINDS: Mapping[str, type[AnyAligner]] = MappingProxyType(
    {kind.kind: kind for kind in (VisualAligner, ProjectionAligner)}
)
"""Kind in the header to class; a new aligner is a new file and its class in this row."""

OWN = "model"
"""The name of a checkpoint's own aligner."""

PICKLED = (".pt", ".pth", ".bin")
"""Suffixes that promise a published file where its first bytes say nothing."""


@dataclass(frozen=True)
class AlignerHeader:
    """What is known of an aligner without reading its weights.

    Attributes:
        kind: which network, a key of `KINDS`.
        space: of the embeddings that it was trained on.
        tokens: prompt tokens n.
        width: width W of the language model.
        encoder: name of the checkpoint whose image encoder gives that space; the space's own name where it is not recorded.
        prior: name of the checkpoint that it was trained with.
        language: :func:`~art2mus_core.conditioning.language.fingerprint` of that checkpoint's GPT-2.
        licence: of the weights.
        run: what trained it.
    """

    kind: str
    space: str
    tokens: int
    width: int
    encoder: str
    prior: str | None = None
    language: str | None = None
    licence: str | None = None
    run: str | None = None


def read_header(path: Path) -> AlignerHeader:
    """The header of an aligner file; of one published in 2024, which has none, what its authors' code says.

    Raises:
        CheckpointError: missing, damaged, or no aligner of a known kind.
    """
    if _is_pickled(path):
        return AlignerHeader(**FACTS, tokens=count_tokens(path), width=SIZES["width"])
    with opened(path) as file:
        said: dict[str, str] = file.metadata() or {}
    sizes = [said.get(name, "") for name in ("tokens", "width")]
    if (
        said.get("kind") not in KINDS
        or "space" not in said
        or not all(size.isdecimal() and int(size) for size in sizes)
    ):
        raise CheckpointError(
            f"{path} says it is {said.get('kind', 'nothing')!r}",
            f"an aligner of the kind {' or '.join(KINDS)}, with space, tokens and width in its header",
            "Choose an aligner file.",
        )
    tokens, width = map(int, sizes)
    recorded = {name: said.get(name) for name in ("prior", "language", "licence", "run")}
    return AlignerHeader(said["kind"], said["space"], tokens, width, said.get("encoder", said["space"]), **recorded)


def _is_pickled(path: Path) -> bool:
    """Whether a file is for the reader of published files: unless it is called safetensors, its first bytes decide."""
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except OSError:
        start = b""
    if path.suffix == ".safetensors" or start[8:] == b"{":  # where its header begins, after eight bytes that may be any
        return False
    return start.startswith((ARCHIVE, PICKLE)) or path.suffix.lower() in PICKLED


def find_aligner(folder: Path, name: str) -> Path:
    """The file of an aligner.

    Args:
        folder: the checkpoint that it is for.
        name: a file; a name below the checkpoint's `aligner` folder (`model` is its own); or a folder, or the name of one
            below :func:`~art2mus_core.checkpoints.names.home`, that holds a single aligner file.

    Raises:
        SettingError: nothing of that name.
    """
    for path in (name, folder / "aligner" / f"{name}.safetensors"):
        if found := there(path, Path.is_file):
            return found
    for path in (name, home() / name) if name else ():
        if (place := there(path, is_aligner)) and (single := aligner_file(place)):
            return single
    own = sorted(path.stem for path in (folder / "aligner").glob("*.safetensors"))
    if name == OWN:
        fitting = [card.name for card in read_cards().values() if card.kind == "aligner" and folder.name in card.needs]
        raise SettingError(
            f"{folder.name} has no aligner of its own",
            f"one chosen by name: {', '.join([*own, *_fetched()]) or 'none so far'}, or a file",
            f"Choose {' or '.join(fitting)}; `art2mus fetch {fitting[0]}` or the node Download Art2Mus Model brings it."
            if fitting
            else "Choose one that was trained for this model.",
        )
    raise SettingError(
        f"no aligner {name!r} for {folder.name}",
        f"an aligner file, or one of: {', '.join(dict.fromkeys([*own, *_fetched()])) or 'none so far'}",
        describe(home() / name, is_aligner)[1],
    )


def _fetched() -> Iterator[str]:
    """Names of folders that hold an aligner, and not the weights of something else."""
    for name, place in folders([home()], is_aligner).items():
        try:
            if (path := aligner_file(place)) and read_header(path):
                yield name
        except CheckpointError:
            continue


def load_aligner(
    path: Path, *, space: str, width: int, language: str | None = None, prior: str | None = None
) -> AnyAligner:
    """The aligner in a file, in float32, for an encoder and a language model.

    Args:
        path: of the file.
        space: that the encoder gives.
        width: width W of the language model.
        language: fingerprint of the language model; compared where the file has one too.
        prior: name of its checkpoint; compared where the file has no fingerprint, unless it is a name of the person's own.

    Raises:
        CheckpointError: missing, damaged, of no known kind, or made for another encoder or language model.
    """
    header = read_header(path)
    _check_fit(path, header, space=space, width=width, language=language)
    _check_prior(path, header, prior)
    tensors = read_published(path) if _is_pickled(path) else _read(path)

    def build() -> AnyAligner:
        return KINDS[header.kind].for_state(tensors, tokens=header.tokens, width=header.width, space=header.space)

    try:
        with torch.device("meta"):
            aligner = build()
    except (KeyError, ValueError, IndexError, RuntimeError, Art2MusError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else f"has shapes that fit nowhere ({error})"
        raise CheckpointError(
            f"{path} {what}", f"the weights of a {header.kind} aligner", "Choose an aligner file."
        ) from error
    return fill(aligner, tensors, path, build, dtype=torch.float32)


def _read(path: Path) -> dict[str, Tensor]:
    """Copies, so that the file can be replaced while the aligner is held: Windows replaces none that is mapped."""
    return {key: tensor.clone() for key, tensor in read_tensors(path)[0].items()}


def _check_fit(path: Path, header: AlignerHeader, *, space: str, width: int, language: str | None) -> None:
    if header.space != space:
        raise CheckpointError(
            f"{path} was trained for the encoder {header.encoder} and reads the space {header.space!r}",
            f"an aligner for {space!r}, which the encoder in use gives",
            f"Choose the encoder {header.encoder}, or an aligner that was trained for {space}.",
        )
    prior = header.prior or "another model"
    remedy = f"Choose {header.prior or 'that model'}, or an aligner that was trained for this model."
    if header.width != width:
        raise CheckpointError(
            f"{path} was trained for the language model of {prior}, which is {header.width} wide",
            f"an aligner for one that is {width} wide",
            remedy,
        )
    if language and header.language and header.language != language:
        raise CheckpointError(
            f"{path} was trained for the language model of {prior} with the fingerprint {header.language}",
            f"an aligner for the one in use, whose fingerprint is {language}",
            remedy,
        )


def _check_prior(path: Path, header: AlignerHeader, prior: str | None) -> None:
    """Language models of one width are told apart by their checkpoints' names if nothing better is recorded."""
    if header.language or not header.prior or prior in {None, header.prior}:
        return
    if (card := read_cards().get(str(prior))) and card.kind == "prior":
        raise CheckpointError(
            f"{path} was trained for the language model of {header.prior}",
            f"an aligner for that of {prior}, which is another of the same width",
            f"Choose {header.prior}, or an aligner that was trained for {prior}.",
        )


def save_aligner(
    path: Path,
    aligner: AnyAligner,
    *,
    licence: str,
    run: str,
    half: bool,
    encoder: str | None = None,
    prior: str | None = None,
    language: str | None = None,
) -> None:
    """Write an aligner with its header, whole or not at all.

    Args:
        path: the file; `aligner/model.safetensors` in a checkpoint.
        aligner: what is written.
        licence: of the weights.
        run: what trained it, for the record.
        half: store the weights in float16.
        encoder: name of the checkpoint with the encoder, if it is not that of the space.
        prior: name of the checkpoint that it was trained with.
        language: fingerprint of that checkpoint's language model.
    """
    recorded = {
        "encoder": encoder or aligner.space,
        "prior": prior,
        "language": language,
        "licence": licence,
        "run": run,
    }
    sizes = {"tokens": str(aligner.tokens), "width": str(aligner.width)}
    header = {"kind": aligner.kind, "space": aligner.space, **sizes, **{k: v for k, v in recorded.items() if v}}
    save_tensors(path, aligner.state_dict(), half=half, metadata=header)
