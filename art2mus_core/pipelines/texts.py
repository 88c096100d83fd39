"""Uses of AudioLDM2's text encoders: the export of text constants, and the encoding of text prompts.

The recipe is that of Art2Mus (arXiv 2410.04906). With an artwork alone, the denoiser attends to a support prompt, and GPT-2's negative prompt
is the CLAP embedding and one T5 token of the negative text. With an artwork and a text, the denoiser attends to the text and the image
embedding, and GPT-2's prompt has the text before the image tokens. The denoiser's negative text has the length of its positive one in
both cases. Each encoder is loaded for its stage and freed afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from ..checkpoints.folder import load_component
from ..checkpoints.grid import read_grid
from ..checkpoints.memory import allocating, check_memory
from ..checkpoints.weighing import needed
from ..conditioning.constants import Constants, constants_file, save_constants
from ..conditioning.language import fingerprint, load_language_model, roll_out
from ..conditioning.prompts import BESIDE, NEGATIVE_TOKENS, TextPrompt, check_width, text_prompt
from ..encoders.text import check_text_encoders, load_clap_text, load_t5
from ..errors import SettingError
from ..networks.projection import ProjectionModel
from ..types import OnStep, PromptTokens, Step
from .prompts import EncodedText, Prompts, PromptText
from .stages import Resident

__all__ = ["NEGATIVE", "SUPPORTS", "encode_prompts", "encode_text", "export_text"]

SUPPORTS = {
    "model": "Music representing the content of this artwork",
    "period": "Music representing the period and place of this artwork",
    "emotion": "Music that evokes the emotion () of this artwork",
}
"""The support prompts of Art2Mus (2024) by the name of their constants; the empty brackets are in the original."""

NEGATIVE = "Low quality."
"""The negative prompt of its test script. Its pipeline uses the empty text by default."""

Network = TypeVar("Network", bound=nn.Module)
Result = TypeVar("Result")
States = tuple[Tensor, Tensor]
"""T5 states [B, L, T] and their mask [B, L]."""


@dataclass(frozen=True)
class _Encoders:
    """A checkpoint's text encoders, each loaded for its stage and freed afterwards.

    Raises:
        CheckpointError: the checkpoint has none.
        SettingError: not enough memory for the largest.
    """

    folder: Path
    dtype: torch.dtype
    resident: Resident
    on_step: OnStep | None

    def __post_init__(self) -> None:
        check_text_encoders(self.folder)
        largest = "text_encoder_2"
        with allocating(f"{self.folder.name}'s {largest}"):
            check_memory(needed(self.folder, [largest], self.dtype), f"{self.folder.name}'s {largest}")

    def clap(self, *texts: str) -> Tensor:
        """CLAP embeddings, [B, D]."""
        return self.use("text_encoder", load_clap_text, lambda clap: clap.embed(texts))

    def t5(self, work: Callable[[Any], Result]) -> Result:
        """The result of a function of T5."""
        return self.use("text_encoder_2", load_t5, work)

    def project(self, *pairs: tuple[Tensor, States]) -> list[PromptTokens]:
        """GPT-2's prompts for CLAP embeddings [1, D] and T5 states."""

        def load(folder: Path, *, dtype: torch.dtype) -> Any:  # noqa: ANN401
            return load_component(folder, "projection_model", ProjectionModel, dtype=dtype)

        return self.use("projection_model", load, lambda model: [text_prompt(model, c, *t5) for c, t5 in pairs])

    def use(self, name: str, load: Callable[..., Network], work: Callable[[Network], Result]) -> Result:
        """The result of a function of a network, which is loaded for it."""
        with allocating(f"{self.folder.name}'s {name}"):
            network = load(self.folder, dtype=self.dtype)
            self._report(f"open {name}")
            with self.resident(network), torch.inference_mode():
                result = work(network)
        self._report(name)
        return result

    def _report(self, stage: str) -> None:
        if self.on_step:
            self.on_step(Step(stage, 1, 1))


def export_text(
    folder: Path,
    *,
    supports: Mapping[str, str] = SUPPORTS,
    negative: str = NEGATIVE,
    dtype: torch.dtype = torch.float32,
    resident: Resident = nullcontext,
    on_step: OnStep | None = None,
) -> list[Path]:
    """Compute and store a checkpoint's text constants, one file per support prompt; nothing is written before all are computed.

    For L tokens of T5 a file has 8 x 768 and 2 x L x 1024 numbers in float32 at the published sizes; three files with up to 17
    tokens each take less than 0.5 MB.

    Args:
        folder: a checkpoint with text encoders, GPT-2 and its projection model.
        supports: support prompts by name; `model` is the default.
        negative: the negative prompt: "Low quality." as in the authors' test script, or "" as in their pipeline.
        dtype: precision of the networks; the constants are stored in float32.
        resident: the caller's memory policy.
        on_step: called after each network is loaded and after its stage.

    Returns:
        The files.

    Raises:
        SettingError: a name that could be a path, or too little memory.
        CheckpointError: a component is missing, damaged or does not match.
        OutputError: the file cannot be written.
    """
    for name in supports:
        constants_file(folder, name)
    encoders = _Encoders(folder, dtype, resident, on_step)

    def read(t5: Any) -> tuple[States, dict[str, tuple[States, States]]]:  # noqa: ANN401
        texts = {}
        for name, support in supports.items():
            states = t5.read([support])
            texts[name] = states, t5.read([negative], states[0].shape[1])
        return t5.read([negative], NEGATIVE_TOKENS), texts

    short, texts = encoders.t5(read)
    [prompt] = encoders.project((encoders.clap(negative), short))
    length = read_grid(folder).language_tokens
    language = encoders.use("language_model", load_language_model, lambda model: roll_out(model, prompt, length))
    facts = negative, fingerprint(folder)
    constants = {
        name: Constants(language.values.float().cpu(), *_stored(text), *_stored(against), supports[name], *facts)
        for name, (text, against) in texts.items()
    }
    return [save_constants(folder, each, name) for name, each in constants.items()]


def encode_text(
    folder: Path,
    text: PromptText,
    constants: Constants,
    *,
    dim: int | None,
    dtype: torch.dtype = torch.float32,
    resident: Resident = nullcontext,
    on_step: OnStep | None = None,
) -> EncodedText:
    """Encode text prompts that are used together with artworks.

    Args:
        folder: a checkpoint with text encoders.
        text: the prompts.
        constants: the support prompt, for prompts without a text, and the default negative prompt.
        dim: width of the image embedding, which is appended to the states of a text; None if not known yet.
        dtype: precision of the text encoders.
        resident: the caller's memory policy.
        on_step: called after each network is loaded and after its stage.

    Raises:
        SettingError: with a text, an embedding of another width than T5's states; or too little memory.
        CheckpointError: no text encoders, or a component is damaged or does not match.
    """
    encoders = _Encoders(folder, dtype, resident, on_step)
    if constants.text is None or constants.text_mask is None:
        raise SettingError(
            f"a text prompt for {folder}", "a checkpoint whose constants have a support prompt", "Leave the text out."
        )
    support = constants.text, constants.text_mask
    negative = next(each for each in (text.negative, constants.negative, NEGATIVE) if each is not None)
    if text.text is None:
        lengths = NEGATIVE_TOKENS, support[0].shape[1]
        short, against = encoders.t5(lambda t5: [t5.read([negative], length) for length in lengths])
        [prompt] = encoders.project((encoders.clap(negative), short))
        return EncodedText(None, *support, TextPrompt(prompt, *against))
    if dim is not None:
        check_width(dim, support[0].shape[-1])
    texts = text.text, negative

    def read(t5: Any) -> tuple[States, States]:  # noqa: ANN401
        states = t5.read([texts[0]])
        return states, t5.read([negative], states[0].shape[1] + BESIDE)

    states, against = encoders.t5(read)
    clap = encoders.clap(*texts)
    positive, prompt = encoders.project((clap[:1], states), (clap[1:], against))
    return EncodedText(positive, *states, TextPrompt(prompt, *against))


def encode_prompts(
    folder: Path,
    texts: Sequence[str],
    *,
    negative: str = "",
    dtype: torch.dtype = torch.float32,
    resident: Resident = nullcontext,
    on_step: OnStep | None = None,
) -> list[Prompts]:
    """Encode texts that are used without artworks, as in AudioLDM2. No constants are needed.

    Each text is encoded as if it were alone, with the negative prompt cut or padded to its length. diffusers pads all texts of a
    batch to the longest, and GPT-2 counts the padding as positions, so that a piece there depends on the rest of its batch.
    The other arguments are those of :func:`encode_text`.

    Raises:
        SettingError: too little memory.
        CheckpointError: no text encoders, or a component is damaged or does not match.
    """
    encoders = _Encoders(folder, dtype, resident, on_step)

    def read(t5: Any) -> list[States]:  # noqa: ANN401
        positive = [t5.read([text]) for text in texts]
        return [*positive, *(t5.read([negative], states.shape[1]) for states, _ in positive)]

    states, count = encoders.t5(read), len(texts)
    clap = encoders.clap(*texts, negative)
    prompts = encoders.project(*zip([*clap[:count].split(1), *[clap[count:]] * count], states, strict=True))
    sides = [TextPrompt(prompt, *each) for prompt, each in zip(prompts, states, strict=True)]
    return [Prompts(*both) for both in zip(sides[:count], sides[count:], strict=True)]


def _stored(states: States) -> States:
    return states[0].float().cpu(), states[1].cpu()
