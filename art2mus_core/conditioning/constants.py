"""What the denoiser is told beside the artwork: constants of a checkpoint, computed once and stored with it.

With no text from the person, every text quantity of AudioLDM2 is a constant; storing them replaces its two text encoders.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..checkpoints.folder import read_tensors, save_tensors
from ..errors import CheckpointError
from ..types import Condition, LanguageOfAudio

__all__ = ["Constants", "blend", "conditions", "load_constants", "save_constants"]

FILE = Path("constants") / "constants.safetensors"


@dataclass(frozen=True)
class Constants:
    """Stored conditions of a checkpoint.

    Attributes:
        unconditional_language: the language of audio of no artwork.
        text: states of the fixed prompt in the T5 slot, where the denoiser has one.
        text_mask: true where they count.
        unconditional_text: states of the empty prompt.
        unconditional_text_mask: true where they count.
    """

    unconditional_language: Float[Tensor, "1 language width"]
    text: Float[Tensor, "1 length text_width"] | None = None
    text_mask: Bool[Tensor, "1 length"] | None = None
    unconditional_text: Float[Tensor, "1 other text_width"] | None = None
    unconditional_text_mask: Bool[Tensor, "1 other"] | None = None


def load_constants(folder: Path, *, language: int, width: int) -> Constants:
    """The constants of a checkpoint whose language of audio is [language, width].

    Raises:
        CheckpointError: missing, damaged, incomplete or of another shape.
    """
    path = folder / FILE
    stored, _ = read_tensors(path)
    texts = {"text", "text_mask", "unconditional_text", "unconditional_text_mask"}
    if set(stored) not in ({"unconditional_language"}, {"unconditional_language"} | texts):
        raise CheckpointError(
            f"{path} holds {', '.join(sorted(stored)) or 'nothing'}",
            f"unconditional_language, and {', '.join(sorted(texts))} all together or not at all",
            "Export the constants again.",
        )
    if stored["unconditional_language"].shape != (1, language, width):
        raise CheckpointError(
            f"unconditional_language in {path} is {list(stored['unconditional_language'].shape)}",
            f"[1, {language}, {width}]",
            "Export the constants again with this checkpoint's language model.",
        )
    return Constants(**{key: value.bool() if "mask" in key else value.float() for key, value in stored.items()})


def save_constants(folder: Path, constants: Constants) -> None:
    """Write the constants of a checkpoint, whole or not at all."""
    tensors = {key: value for key, value in vars(constants).items() if value is not None}
    save_tensors(folder / FILE, tensors)


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
