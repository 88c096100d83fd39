"""What the denoiser is told beside the artwork: constants of a checkpoint, computed once and stored with it.

With no text from the person, every text quantity of AudioLDM2 is a constant; storing them replaces its two text encoders.
A checkpoint's `constants` folder holds a file for every support prompt, `model.safetensors` for its own default.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float
from safetensors import SafetensorError
from torch import Tensor

from ..checkpoints.names import spoken
from ..checkpoints.strict import FLOATS, WHOLES, is_finite, tensor_forms
from ..checkpoints.tensors import read_tensors, save_tensors
from ..errors import CheckpointError, OutputError, SettingError
from ..types import Condition, LanguageOfAudio
from .language import fingerprint

__all__ = ["Constants", "blend", "conditions", "constants_file", "load_constants", "save_constants"]

REMEDY = "Export the constants again with `art2mus export-text`; if the model reads no text, install it again."

TEXTS = ("text", "text_mask", "unconditional_text", "unconditional_text_mask")
HEADER = ("support", "negative", "language_model")


@dataclass(frozen=True)
class Constants:
    """Stored conditions of a checkpoint.

    Attributes:
        unconditional_language: the language of audio of no artwork.
        text: states of the support prompt in the T5 slot, where the denoiser has one.
        text_mask: true where they count.
        unconditional_text: states of the negative prompt.
        unconditional_text_mask: true where they count.
        support: the support prompt.
        negative: the negative prompt.
        language_model: fingerprint of the GPT-2 that the language is of.
    """

    unconditional_language: Float[Tensor, "1 language width"]
    text: Float[Tensor, "1 length text_width"] | None = None
    text_mask: Bool[Tensor, "1 length"] | None = None
    unconditional_text: Float[Tensor, "1 other text_width"] | None = None
    unconditional_text_mask: Bool[Tensor, "1 other"] | None = None
    support: str | None = None
    negative: str | None = None
    language_model: str | None = None


def constants_file(folder: Path, name: str) -> Path:
    """The file of a checkpoint's constants of that name.

    Raises:
        SettingError: a name that could be a path.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise SettingError(f"constants named {name!r}", "letters, digits, - and _", "Choose such a name.")
    return folder / "constants" / f"{name}.safetensors"


def load_constants(folder: Path, name: str = "model", *, language: int, width: int) -> Constants:
    """The constants of a checkpoint whose language of audio is [language, width].

    Raises:
        SettingError: the checkpoint has constants, but none of that name.
        CheckpointError: it has none at all, or they are damaged, incomplete, of another shape or of another GPT-2.
    """
    path = constants_file(folder, name)
    if not path.is_file():
        raise _unknown(folder, name)
    stored, header = read_tensors(path)
    held: dict[str, Any] = {**_checked(path, stored), **{key: header[key] for key in HEADER if key in header}}
    constants = Constants(**held)
    _require(
        constants.unconditional_language.shape == (1, language, width),
        f"unconditional_language in {path} is {list(constants.unconditional_language.shape)}",
        f"[1, {language}, {width}]",
    )
    _require(
        constants.language_model is None or constants.language_model == fingerprint(folder),
        f"{path} is of the language model {constants.language_model}",
        "constants of the one in this checkpoint",
    )
    return constants


def save_constants(folder: Path, constants: Constants, name: str = "model") -> Path:
    """Write constants of a checkpoint, whole or not at all.

    Returns:
        The file.

    Raises:
        SettingError: a name that could be a path.
        OutputError: the disk or the folder does not take it.
    """
    path = constants_file(folder, name)
    held = {field.name: getattr(constants, field.name) for field in fields(constants)}
    try:
        save_tensors(
            path,
            {key: value for key, value in held.items() if isinstance(value, Tensor)},
            metadata={key: held[key] for key in HEADER if held[key] is not None},
        )
    except (OSError, SafetensorError) as error:
        raise OutputError(
            f"{path} cannot be written ({error})",
            "a place that you may write to, with room on its disk",
            "Make room, or mend the folder's rights.",
        ) from error
    return path


def _unknown(folder: Path, name: str) -> CheckpointError | SettingError:
    there = sorted(path.stem for path in (folder / "constants").glob("*.safetensors"))
    export = f"art2mus export-text {spoken(folder)}"
    can_read = (folder / "text_encoder").is_dir()
    if there:
        made = f"Choose one of them, or make it: `{export} --name {name} --support TEXT`."
        remedy = made if can_read else "Choose one of them: this model has no text encoders, so it reads no text."
        return SettingError(f"no constants {name!r} in {folder}", f"one of {', '.join(there)}", remedy)
    remedy = f"Run `{export}`." if can_read else "Install or download the checkpoint again."
    return CheckpointError(f"{folder} has no text constants", f"{constants_file(folder, name)}", remedy)


def _checked(path: Path, stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """All tensors in the types they are used in, once they are found whole.

    Copies, so that the file can be replaced while they are held: Windows replaces none that is mapped.
    """
    _require(
        set(stored) in ({"unconditional_language"}, {"unconditional_language", *TEXTS}),
        f"{path} holds {', '.join(sorted(stored)) or 'nothing'}",
        f"unconditional_language, and {', '.join(TEXTS)} all together or not at all",
    )
    forms = tensor_forms(stored)
    wrong = [f"{key} of {form.dtype}" for key, form in forms.items() if form.dtype not in _types(key)]
    _require(not wrong, f"{path} holds {', '.join(wrong)}", f"{', '.join(FLOATS)}, and masks of bool or whole numbers")
    used = {key: value.to(torch.bool if _is_mask(key) else torch.float32, copy=True) for key, value in stored.items()}
    broken = [key for key, value in used.items() if not is_finite(value)]
    _require(not broken, f"{path} has values that are not finite in {', '.join(broken)}", "finite numbers")
    for states, mask in ((TEXTS[0], TEXTS[1]), (TEXTS[2], TEXTS[3])):
        shapes = [tuple(stored[key].shape) for key in (states, mask) if key in stored]
        fits = not shapes or (len(shapes[0]) == 3 and shapes[0][:2] == shapes[1] and shapes[0][0] == 1)
        _require(fits, f"{states} and {mask} in {path} are {shapes}", "[1, length, width] and [1, length]")
    return used


def _is_mask(key: str) -> bool:
    return key.endswith("mask")


def _types(key: str) -> tuple[str, ...]:
    return WHOLES if _is_mask(key) else FLOATS


def _require(holds: bool, came: str, expected: str) -> None:  # noqa: FBT001
    if not holds:
        raise CheckpointError(came, expected, REMEDY)


def conditions(language: LanguageOfAudio, constants: Constants) -> tuple[Condition, Condition]:
    """What the denoiser is told of a batch of artworks, and what it is told of none: (positive, negative)."""
    count, like = len(language.values), language.values

    def repeated(stored: Tensor | None) -> Tensor | None:
        if stored is None:
            return None
        stored = stored.to(like.device) if stored.dtype == torch.bool else stored.to(like)
        return stored.expand(count, *stored.shape[1:])

    unconditional = constants.unconditional_language.to(like).expand(count, -1, -1)
    return (
        Condition(like, repeated(constants.text), repeated(constants.text_mask)),
        Condition(unconditional, repeated(constants.unconditional_text), repeated(constants.unconditional_text_mask)),
    )


def blend(positive: Condition, negative: Condition, strength: float) -> Condition:
    """The positive condition with its language moved towards the negative's: 0 forgets the artwork, 1 changes nothing."""
    language = negative.language + strength * (positive.language - negative.language)
    return positive if strength == 1 else replace(positive, language=language)
