"""Text constants of a checkpoint: encoded support and negative prompts, computed once and stored with it.

Without a text prompt, every text input of AudioLDM2 is constant, so stored constants replace its two text encoders.
A checkpoint's `constants` folder has one file per support prompt; `model.safetensors` is the default.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..checkpoints.names import name_for_command
from ..checkpoints.strict import FLOATS, WHOLES, check_finite, tensor_forms
from ..checkpoints.tensors import read_tensors, save_tensors
from ..errors import CheckpointError, SettingError
from ..networks.gpt2 import GPT2
from ..types import Condition, LanguageOfAudio, PromptTokens
from .language import fingerprint, roll_out

__all__ = ["Constants", "blend", "conditions", "constants_file", "load_constants", "prompted", "save_constants"]

REMEDY = "Export the constants again with `art2mus export-text`; if the model has no text encoders, install it again."

TEXTS = ("text", "text_mask", "unconditional_text", "unconditional_text_mask")
HEADER = ("support", "negative", "language_model")


@dataclass(frozen=True)
class Constants:
    """The stored constants of a checkpoint.

    Attributes:
        unconditional_language: the language of audio without an artwork.
        text: T5 states of the support prompt, if the denoiser attends to text.
        text_mask: false for padding.
        unconditional_text: T5 states of the negative prompt.
        unconditional_text_mask: false for padding.
        support: the support prompt.
        negative: the negative prompt.
        language_model: fingerprint of the GPT-2 that computed the language.
    """

    unconditional_language: Float[Tensor, "1 language width"]
    text: Float[Tensor, "1 length text_width"] | None = None
    text_mask: Bool[Tensor, "1 length"] | None = None
    unconditional_text: Float[Tensor, "1 other text_width"] | None = None
    unconditional_text_mask: Bool[Tensor, "1 other"] | None = None
    support: str | None = None
    negative: str | None = None
    language_model: str | None = None

    @property
    def unconditional(self) -> Condition:
        """The condition without an artwork, batch size 1."""
        return Condition(self.unconditional_language, self.unconditional_text, self.unconditional_text_mask)


def constants_file(folder: Path, name: str) -> Path:
    """The file of a checkpoint's constants.

    Raises:
        SettingError: a name that could be a path.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise SettingError(f"constants named {name!r}", "letters, digits, - and _", "Choose another name.")
    return folder / "constants" / f"{name}.safetensors"


def load_constants(folder: Path, name: str = "model", *, language: int, width: int) -> Constants:
    """Load the constants of a checkpoint whose language of audio is [language, width].

    Raises:
        SettingError: no constants of that name.
        CheckpointError: no constants at all, or damaged or incomplete ones, or constants of other sizes or of another GPT-2.
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
        f"{path} was computed with the language model {constants.language_model}",
        "constants of this checkpoint's language model",
    )
    return constants


def save_constants(folder: Path, constants: Constants, name: str = "model") -> Path:
    """Write constants of a checkpoint, completely or not at all, and return the file.

    Raises:
        SettingError: a name that could be a path.
        OutputError: the file cannot be written.
    """
    path, held = constants_file(folder, name), vars(constants)
    save_tensors(
        path,
        {key: value for key, value in held.items() if isinstance(value, Tensor)},
        metadata={key: held[key] for key in HEADER if held[key] is not None},
    )
    return path


def _unknown(folder: Path, name: str) -> CheckpointError | SettingError:
    names = sorted(path.stem for path in (folder / "constants").glob("*.safetensors"))
    export = f"art2mus export-text {name_for_command(folder)}"
    can_read = (folder / "text_encoder").is_dir()
    if names:
        made = f"Choose one of them, or export it: `{export} --name {name} --support TEXT`."
        remedy = made if can_read else "Choose one of them: this model has no text encoders to make others."
        return SettingError(f"no constants {name!r} in {folder}", f"one of {', '.join(names)}", remedy)
    remedy = f"Run `{export}`." if can_read else "Install or download the checkpoint again."
    return CheckpointError(f"{folder} has no text constants", f"{constants_file(folder, name)}", remedy)


def _checked(path: Path, stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """The stored tensors, checked, as float32 and bool.

    They are copied, so that the file can be replaced while they are in use: Windows does not replace a mapped file.
    """
    _require(
        set(stored) in ({"unconditional_language"}, {"unconditional_language", *TEXTS}),
        f"{path} contains {', '.join(sorted(stored)) or 'nothing'}",
        f"unconditional_language, and {', '.join(TEXTS)} all together or not at all",
    )
    forms = tensor_forms(stored)
    wrong = [
        f"{key} of {form.dtype}"
        for key, form in forms.items()
        if form.dtype not in (WHOLES if _is_mask(key) else FLOATS)
    ]
    _require(
        not wrong, f"{path} contains {', '.join(wrong)}", f"{', '.join(FLOATS)}, and masks of bool or whole numbers"
    )
    used = {key: value.to(torch.bool if _is_mask(key) else torch.float32, copy=True) for key, value in stored.items()}
    check_finite(used, path, REMEDY)
    for states, mask in ((TEXTS[0], TEXTS[1]), (TEXTS[2], TEXTS[3])):
        shapes = [tuple(stored[key].shape) for key in (states, mask) if key in stored]
        fits = not shapes or (len(shapes[0]) == 3 and shapes[0][:2] == shapes[1] and shapes[0][0] == 1)
        _require(fits, f"{states} and {mask} in {path} are {shapes}", "[1, length, width] and [1, length]")
    return used


def _is_mask(key: str) -> bool:
    return key.endswith("mask")


def _require(holds: bool, came: str, expected: str) -> None:  # noqa: FBT001
    if not holds:
        raise CheckpointError(came, expected, REMEDY)


def prompted(
    language_model: GPT2, prompt: PromptTokens, constants: Constants, length: int
) -> tuple[Condition, Condition]:
    """The conditions (positive, negative) of a batch of artworks, with a language of audio of `length`.

    The negative side has the language of the aligner's null prompt if it has learnt one, else that of the constants.
    """
    null = None
    if prompt.null is not None:
        null = roll_out(language_model, PromptTokens(prompt.null, torch.ones_like(prompt.mask[:1])), length)
    return conditions(roll_out(language_model, prompt, length), constants, null)


def conditions(
    language: LanguageOfAudio, constants: Constants, null: LanguageOfAudio | None = None
) -> tuple[Condition, Condition]:
    """The conditions (positive, negative) with a batch of artworks and without artworks, both on the device of the language.

    Args:
        language: of the artworks.
        constants: the texts of both sides.
        null: the language without an artwork; by default that of the constants.
    """
    like, count = language.values, len(language.values)
    texts = Condition(constants.unconditional_language, constants.text, constants.text_mask).to(like).repeated(count)
    negative = constants.unconditional
    if null is not None:
        negative = replace(negative, language=null.values)
    return replace(texts, language=like), negative.to(like).repeated(count)


def blend(positive: Condition, negative: Condition, strength: float) -> Condition:
    """The positive condition with its language interpolated towards the negative's: 0 gives the negative's, 1 the positive's."""
    language = negative.language + strength * (positive.language - negative.language)
    return positive if strength == 1 else replace(positive, language=language)
