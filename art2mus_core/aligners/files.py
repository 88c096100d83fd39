"""Aligner files: weights, and a header that names their kind and the encoder and prior they were trained with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..checkpoints.cards import read_cards
from ..checkpoints.names import aligner_file, describe, existing, folders, home, is_aligner, is_lora
from ..checkpoints.strict import fill
from ..checkpoints.tensors import opened, read_tensors, save_tensors
from ..errors import Art2MusError, CheckpointError, SettingError
from .base import AlignerNetwork
from .kinds import KINDS
from .projection import ARCHIVE, FACTS, PICKLE, SIZES, count_tokens, read_published

__all__ = [
    "OWN",
    "AlignerHeader",
    "AlignerNetwork",
    "aligner_path",
    "find_aligner",
    "load_aligner",
    "read_header",
    "save_aligner",
]

OWN = "model"
"""The name of a checkpoint's own aligner."""

PICKLED = (".pt", ".pth", ".bin")
"""Suffixes of published files, for files whose first bytes are not known."""


@dataclass(frozen=True)
class AlignerHeader:
    """The header of an aligner file.

    Attributes:
        kind: kind of network, a key of :data:`~art2mus_core.aligners.kinds.KINDS`.
        space: space of the embeddings that it was trained on.
        tokens: number of prompt tokens n.
        width: width W of the language model.
        encoder: name of the checkpoint with the image encoder of that space; by default the name of the space.
        prior: name of the checkpoint that it was trained with.
        language: :func:`~art2mus_core.conditioning.language.fingerprint` of that checkpoint's GPT-2.
        licence: licence of the weights.
        run: the training run.
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
    """The header of an aligner file; files published in 2024 have none, and get that of their authors' code.

    Raises:
        CheckpointError: missing or damaged, or not an aligner of a known kind.
    """
    if _is_pickled(path):
        return AlignerHeader(**FACTS, tokens=count_tokens(path), width=SIZES["width"])
    with opened(path) as file:
        stored: dict[str, str] = file.metadata() or {}
    sizes: dict[str, Any] = {
        name: int(size) for name in ("tokens", "width") if (size := stored.get(name, "")).isdecimal()
    }
    if stored.get("kind") not in KINDS or "space" not in stored or len(sizes) < 2 or 0 in sizes.values():
        raise CheckpointError(
            f"{path} has the kind {stored.get('kind', 'none')!r}",
            f"an aligner of the kind {' or '.join(KINDS)}, with space, tokens and width in its header",
            "Choose an aligner file.",
        )
    recorded: dict[str, Any] = {name: stored.get(name) for name in ("prior", "language", "licence", "run")}
    encoder = stored.get("encoder", stored["space"])
    return AlignerHeader(stored["kind"], stored["space"], encoder=encoder, **sizes, **recorded)


def _is_pickled(path: Path) -> bool:
    """Whether a file is a pickle, by its first bytes unless its suffix is `.safetensors`."""
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except OSError:
        start = b""
    if path.suffix == ".safetensors" or start[8:] == b"{":  # a safetensors header, after the eight bytes of its length
        return False
    return start.startswith((ARCHIVE, PICKLE)) or path.suffix.lower() in PICKLED


def aligner_path(folder: Path, name: str) -> Path | None:
    """The file of an aligner, or None if there is none; no file is read.

    Args:
        folder: the checkpoint that it is used with.
        name: a file; a name in the checkpoint's `aligner` folder (`model` is its own); or a folder with a single aligner file, as
            a path or a name in :func:`~art2mus_core.checkpoints.names.home`.
    """
    for path in (name, folder / "aligner" / f"{name}.safetensors"):
        if found := existing(path, Path.is_file):
            return found
    for path in (name, home() / name) if name else ():
        if (place := existing(path, is_aligner)) and (single := aligner_file(place)):
            return single
    return None


def find_aligner(folder: Path, name: str) -> Path:
    """As :func:`aligner_path`.

    Raises:
        SettingError: no such aligner.
    """
    if found := aligner_path(folder, name):
        return found
    own = sorted(path.stem for path in (folder / "aligner").glob("*.safetensors") if not is_lora(path))
    if name == OWN:
        fitting = [card.name for card in read_cards().values() if card.kind == "aligner" and folder.name in card.needs]
        raise SettingError(
            f"{folder.name} has no aligner of its own",
            f"one chosen by name: {', '.join([*own, *_fetched()]) or 'none installed'}, or a file",
            f"Choose {' or '.join(fitting)}; `art2mus fetch {fitting[0]}` or the node Download Art2Mus Model downloads it."
            if fitting
            else "Choose one that was trained for this model.",
        )
    raise SettingError(
        f"no aligner {name!r} for {folder.name}",
        f"an aligner file, or one of: {', '.join(dict.fromkeys([*own, *_fetched()])) or 'none installed'}",
        describe(home() / name, is_aligner)[1],
    )


def _fetched() -> Iterator[str]:
    """Names of installed folders with an aligner."""
    for name, place in folders([home()], is_aligner).items():
        try:
            if (path := aligner_file(place)) and read_header(path):
                yield name
        except CheckpointError:
            continue


def load_aligner(
    path: Path, *, space: str, width: int, language: str | None = None, prior: str | None = None
) -> AlignerNetwork:
    """Load an aligner, in float32, for an encoder and a language model.

    Args:
        path: the file.
        space: the space of the encoder.
        width: width W of the language model.
        language: fingerprint of the language model; compared if the file has one, too.
        prior: name of its checkpoint; compared if the file has no fingerprint and the name is that of a known checkpoint.

    Raises:
        CheckpointError: missing, damaged, of an unknown kind, or trained for another encoder or language model.
    """
    header = read_header(path)
    _check_fit(path, header, space=space, width=width, language=language)
    _check_prior(path, header, prior)
    if _is_pickled(path):
        tensors = read_published(path)
    else:  # copied, so that the file can be replaced while the aligner is in use: Windows does not replace a mapped file
        tensors = {key: tensor.clone() for key, tensor in read_tensors(path)[0].items()}

    def build() -> AlignerNetwork:
        return KINDS[header.kind].for_state(tensors, tokens=header.tokens, width=header.width, space=header.space)

    try:
        with torch.device("meta"):
            aligner = build()
    except (KeyError, ValueError, IndexError, RuntimeError, Art2MusError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else f"has impossible shapes ({error})"
        raise CheckpointError(
            f"{path} {what}", f"the weights of a {header.kind} aligner", "Choose an aligner file."
        ) from error
    return fill(aligner, tensors, path, build, dtype=torch.float32)


def _check_fit(path: Path, header: AlignerHeader, *, space: str, width: int, language: str | None) -> None:
    if header.space != space:
        raise CheckpointError(
            f"{path} was trained for the encoder {header.encoder} with the space {header.space!r}",
            f"an aligner for {space!r}, the space of the encoder in use",
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
    """Compare the names of the checkpoints if the header has no fingerprint of the language model."""
    if header.language or not header.prior or prior in {None, header.prior}:
        return
    if (card := read_cards().get(str(prior))) and card.kind == "prior":
        raise CheckpointError(
            f"{path} was trained for the language model of {header.prior}",
            f"an aligner for that of {prior}, which has the same width but other weights",
            f"Choose {header.prior}, or an aligner that was trained for {prior}.",
        )


def save_aligner(
    path: Path,
    aligner: AlignerNetwork,
    *,
    licence: str,
    run: str,
    half: bool,
    encoder: str | None = None,
    prior: str | None = None,
    language: str | None = None,
) -> None:
    """Write an aligner with its header, completely or not at all.

    Args:
        path: the file; `aligner/model.safetensors` in a checkpoint.
        aligner: the aligner.
        licence: licence of the weights.
        run: the training run.
        half: store the weights in float16.
        encoder: name of the encoder's checkpoint, if it differs from the space.
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
