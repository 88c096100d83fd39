"""Finds checkpoint folders by name, and explains why a folder is not of the wanted kind."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from ..errors import SettingError
from .cards import read_cards

__all__ = [
    "ART2MUSIC",
    "BUNDLED",
    "COMMENTED",
    "LORA",
    "MODULES",
    "aligner_file",
    "describe",
    "existing",
    "folders",
    "home",
    "is_aligner",
    "is_captioner",
    "is_commented",
    "is_encoder",
    "is_evaluation_model",
    "is_lora",
    "is_prior",
    "is_sentence_encoder",
    "known",
    "locate",
    "lora_beside",
    "name_for_command",
    "quoted",
]

PACKAGED = Path(__file__).parents[1]
BUNDLED = "pocket"
COMMENTED = "art2music"
"""The bundled checkpoint that reads comments."""
ART2MUSIC = "Art2MusicPipeline"
"""Class of the pipeline of models that read comments, in `model_index.json`."""

MODULES = "modules.json"
"""File of a sentence encoder, in sentence-transformers' layout."""

WEIGHTS = (".pt", ".safetensors")
"""Suffixes of an aligner in a folder of its own: published in 2024, and trained here."""

LORA = "-lora.safetensors"
"""Ending of a LoRA that was trained with an aligner, after the aligner's name."""

EVALUATION_MODELS = ("clap", "audio-spectrogram-transformer")
"""transformers' `model_type` of networks for evaluation."""


def home() -> Path:
    """The folder of checkpoints: `ART2MUS_HOME`, or `art2mus` in the user's data folder."""
    if chosen := os.environ.get("ART2MUS_HOME"):
        return _expanded(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "art2mus"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "art2mus"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "art2mus"


def is_prior(folder: Path) -> bool:
    """Whether a folder is a model (prior): everything from GPT-2 to the vocoder."""
    return (folder / "model_index.json").is_file()


def is_commented(folder: Path) -> bool:
    """Whether a folder is a model that reads comments of viewers, by the class of its pipeline."""
    return _stated(folder / "model_index.json", "_class_name") == ART2MUSIC


def is_encoder(folder: Path) -> bool:
    """Whether a folder has an image encoder: one in our format, or a CLIP."""
    return (folder / "image_encoder" / "config.json").is_file() or _model_type(folder) == "clip"


def is_evaluation_model(folder: Path) -> bool:
    """Whether a folder has a network that is only used for evaluation."""
    return _model_type(folder) in EVALUATION_MODELS or any(path.is_file() for path in folder.glob("vggish*.pth"))


def is_sentence_encoder(folder: Path) -> bool:
    """Whether a folder has a model that embeds texts, in sentence-transformers' layout."""
    return (folder / MODULES).is_file()


def is_captioner(folder: Path) -> bool:
    """Whether a folder has a network in transformers' layout that reads pictures or sounds and writes words."""
    reads = any((folder / name).is_file() for name in ("preprocessor_config.json", "processor_config.json"))
    writes = (folder / "tokenizer_config.json").is_file()
    return reads and writes and _model_type(folder) not in (None, "clip", *EVALUATION_MODELS)


def _model_type(folder: Path) -> object:
    """`model_type` in the configuration of a folder in transformers' layout."""
    return _stated(folder / "config.json", "model_type")


def _stated(file: Path, key: str) -> object:
    """An entry of a JSON file, or None."""
    try:
        return json.loads(file.read_text(encoding="utf-8")).get(key)
    except (OSError, ValueError, AttributeError, RecursionError):
        return None


def is_aligner(folder: Path) -> bool:
    """Whether a folder has a single file of weights and no configuration of another network."""
    return aligner_file(folder) is not None


def aligner_file(folder: Path) -> Path | None:
    """The file of weights in a folder for which :func:`is_aligner` is true."""
    files = [
        path for path in folder.glob("*") if path.suffix.lower() in WEIGHTS and path.is_file() and not is_lora(path)
    ]
    return files[0] if len(files) == 1 and not (folder / "config.json").exists() else None


def is_lora(path: Path) -> bool:
    """Whether a file has the name of a LoRA that was trained with an aligner."""
    return path.name.endswith(LORA)


def lora_beside(aligner: Path) -> Path:
    """The file of the LoRA that was trained with an aligner."""
    return aligner.with_name(aligner.stem + LORA)


class Kind(NamedTuple):
    """A kind of checkpoint: its name in messages, its kind on cards, and advice on its use."""

    noun: str
    card: str
    use: str


KINDS: Mapping[Callable[[Path], bool], Kind] = MappingProxyType(
    {
        is_prior: Kind("model", "prior", "Choose it as the model."),
        is_commented: Kind(
            "model that reads comments", "commented", "Choose it in the node Art2Music Generator, or with --model."
        ),
        is_encoder: Kind("image encoder", "encoder", "Choose it as the image encoder, together with a model."),
        is_aligner: Kind("aligner", "aligner", "Choose it as the aligner, together with a model."),
        is_captioner: Kind("captioner", "captioner", "It describes the works of a dataset: `art2mus dataset caption`."),
        is_evaluation_model: Kind("evaluation model", "judge", "It is used for evaluation, not for composing."),
        is_sentence_encoder: Kind("sentence encoder", "text", "It embeds texts, in `art2mus dataset articaps`."),
    }
)
"""Kinds by the test that recognises their folders, in the order of testing."""


def existing(path: str | Path, is_a: Callable[[Path], bool] = Path.is_dir) -> Path | None:
    """A path with its `~` expanded if a file or folder of a kind exists there, else None; also for invalid names."""
    try:
        expanded = _expanded(path)
        return expanded if is_a(expanded) else None
    except (OSError, ValueError):
        return None


def _expanded(path: str | Path) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:  # ~ of an unknown user
        return Path(path)


def folders(roots: Iterable[Path], is_a: Callable[[Path], bool] = is_prior) -> dict[str, Path]:
    """Folders of a kind in some root folders, by name; earlier roots take precedence."""
    found = [path for root in roots if root.is_dir() for path in sorted(root.iterdir()) if existing(path, is_a)]
    return {path.name: path for path in reversed(found)}


def known(is_a: Callable[[Path], bool] = is_prior) -> list[str]:
    """Names of a kind that :func:`locate` finds."""
    return [*(name for name in (BUNDLED, COMMENTED) if is_a(PACKAGED / name)), *sorted(folders([home()], is_a))]


def locate(name: str, is_a: Callable[[Path], bool] = is_prior) -> Path:
    """The folder of a checkpoint: `pocket` or `art2music` (in the package), a path, or a name in :func:`home`.

    Args:
        name: name or path.
        is_a: the wanted kind, a key of `KINDS`, for the message; it is not checked.

    Raises:
        SettingError: no such folder.
    """
    if found := _found(name):
        return found
    noun = KINDS[is_a].noun
    raise SettingError(
        f"no {noun} {name!r}",
        f"one of {', '.join(known(is_a)) or 'none installed'}, or the path of the folder of {_a(noun)}",
        describe(home() / name, is_a)[1],
    )


def _found(name: str) -> Path | None:
    if name in {BUNDLED, COMMENTED}:
        return PACKAGED / name
    return (existing(name) or existing(home() / name)) if name else None


def describe(folder: Path, is_a: Callable[[Path], bool] = is_prior) -> tuple[str, str]:
    """Describe a folder that is not of the wanted kind, by its card or its content.

    Args:
        folder: it may not exist.
        is_a: the wanted kind, a key of `KINDS`.

    Returns:
        A description, for "NAME is ..."; and a remedy for users of the command line and of the nodes.
    """
    wanted, card = KINDS[is_a], read_cards().get(folder.name)
    if card and card.kind == wanted.card:
        remedy = (
            "Install Art2Mus again."
            if card.bundled
            else f"Run `art2mus fetch {card.name}`, or the node Download Art2Mus Model."
        )
        return f"{_a(wanted.noun)} that is not completely installed", remedy
    for recognises, kind in KINDS.items():
        if card.kind == kind.card if card else existing(folder, recognises):
            return _a(kind.noun), kind.use
    return f"no {wanted.noun}", f"Check the name, or put it into a folder of its own in {home()}."


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def name_for_command(folder: Path) -> str:
    """The shortest argument by which :func:`locate` finds a folder, quoted for a command line: its name or its path."""
    found = _found(folder.name)
    return quoted(folder.name if found and found.resolve() == folder.resolve() else folder)


def quoted(word: str | Path) -> str:
    """An argument for a command line, quoted if the shells of this system need that."""
    if sys.platform != "win32":
        return shlex.quote(str(word))
    return str(word) if re.fullmatch(r"[\w.:/\\~+-]+", str(word)) else f'"{word}"'
