"""What AudioLDM2's text encoders are needed for: constants, exported once, and words that go with an artwork.

The recipe is that of Art2Mus (arXiv 2410.04906). With an artwork alone the T5 slot holds a support prompt, and GPT-2 hears of
the negative prompt its CLAP embedding and one T5 token. With an artwork and a text the slot holds the text and the image
embedding, and GPT-2 hears the text before the image tokens; the negative prompt is then as long as that slot on both ways.
Every encoder is opened for its work and forgotten after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from ..checkpoints.folder import load_component
from ..checkpoints.grid import read_grid
from ..checkpoints.memory import allocating, check_memory
from ..checkpoints.sizes import needed
from ..conditioning.constants import Constants, constants_file, save_constants
from ..conditioning.language import fingerprint, load_language_model, roll_out
from ..conditioning.prompts import BESIDE, NEGATIVE_TOKENS, TextPrompt, check_width, text_prompt
from ..encoders.text import check_text_encoders, load_clap_text, load_t5
from ..errors import SettingError
from ..networks.projection import ProjectionModel
from ..types import OnStep, PromptTokens, Step
from .words import Prompts, Said, Words

__all__ = ["NEGATIVE", "SUPPORTS", "export_text", "read_prompts", "read_words"]

SUPPORTS = {
    "model": "Music representing the content of this artwork",
    "period": "Music representing the period and place of this artwork",
    "emotion": "Music that evokes the emotion () of this artwork",
}
"""The support prompts of Art2Mus (2024) by the name of their constants; the empty brackets are its own."""

NEGATIVE = "Low quality."
"""The negative prompt of its test script. Its pipeline takes the empty text where none is given."""

Network = TypeVar("Network", bound=nn.Module)
Worked = TypeVar("Worked")
States = tuple[Tensor, Tensor]
"""Of T5: [B, L, T] and a mask [B, L]."""


@dataclass(frozen=True)
class _Bench:
    """Where a checkpoint's components are opened, used and forgotten."""

    folder: Path
    dtype: torch.dtype
    resident: Callable[[nn.Module], AbstractContextManager[Any]]
    on_step: OnStep | None

    def check_room(self) -> None:
        """Refuse, before anything is opened, what the largest of the encoders has no memory for."""
        name = "text_encoder_2"
        with allocating(f"{self.folder.name}'s {name}"):
            check_memory(needed(self.folder, [name], self.dtype), f"{self.folder.name}'s {name}")

    def clap(self, *texts: str) -> Tensor:
        """CLAP embeddings, [B, D]."""
        return self.work("text_encoder", load_clap_text, lambda clap: clap.embed(texts))

    def t5(self, work: Callable[[Any], Worked]) -> Worked:
        return self.work("text_encoder_2", load_t5, work)

    def projected(self, *pairs: tuple[Tensor, States]) -> list[PromptTokens]:
        """GPT-2's prompts of CLAP embeddings [1, D] and T5 states."""

        def load(folder: Path, *, dtype: torch.dtype) -> Any:  # noqa: ANN401
            return load_component(folder, "projection_model", ProjectionModel, dtype=dtype)

        return self.work("projection_model", load, lambda model: [text_prompt(model, c, *t5) for c, t5 in pairs])

    def work(self, name: str, load: Callable[..., Network], work: Callable[[Network], Worked]) -> Worked:
        with allocating(f"{self.folder.name}'s {name}"):
            network = load(self.folder, dtype=self.dtype)
            self._tell(f"open {name}")
            with self.resident(network), torch.inference_mode():
                done = work(network)
        self._tell(name)
        return done

    def _tell(self, stage: str) -> None:
        if self.on_step:
            self.on_step(Step(stage, 1, 1))


def export_text(
    folder: Path,
    *,
    supports: Mapping[str, str] = SUPPORTS,
    negative: str = NEGATIVE,
    dtype: torch.dtype = torch.float32,
    resident: Callable[[nn.Module], AbstractContextManager[Any]] = nullcontext,
    on_step: OnStep | None = None,
) -> list[Path]:
    """Compute and store a checkpoint's text constants, a file each; all are computed before the first is written.

    With L tokens of T5 a file holds 8 x 768 and 2 x L x 1024 numbers of float32 at the published sizes: three files stay
    below 0.5 MB with up to 17 tokens each.

    Args:
        folder: a checkpoint with text encoders, GPT-2 and its projection model.
        supports: support prompts by name; `model` is what is used where none is chosen.
        negative: the negative prompt, "Low quality." as in the authors' test script; "" is what they take without one.
        dtype: precision of the networks; the constants are stored in float32.
        resident: the caller's memory policy.
        on_step: told after each network's opening and work.

    Returns:
        The files.

    Raises:
        SettingError: a name that could be a path.
        CheckpointError: a component is missing, damaged or does not fit.
        OutputError: the disk or the folder does not take a file.
    """
    for name in supports:
        constants_file(folder, name)
    check_text_encoders(folder)
    bench = _Bench(folder, dtype, resident, on_step)
    bench.check_room()

    def read(t5: Any) -> tuple[States, dict[str, tuple[States, States]]]:  # noqa: ANN401
        slots = {}
        for name, support in supports.items():
            slot = t5.read([support])
            slots[name] = slot, t5.read([negative], slot[0].shape[1])
        return t5.read([negative], NEGATIVE_TOKENS), slots

    heard, slots = bench.t5(read)
    [prompt] = bench.projected((bench.clap(negative), heard))
    common = Constants(_language(bench, prompt), negative=negative, language_model=fingerprint(folder))
    return [
        save_constants(folder, replace(common, support=supports[name], **_stored(*slots[name])), name) for name in slots
    ]


def read_words(
    folder: Path,
    words: Words,
    constants: Constants,
    *,
    dim: int | None,
    dtype: torch.dtype = torch.float32,
    resident: Callable[[nn.Module], AbstractContextManager[Any]] = nullcontext,
    on_step: OnStep | None = None,
) -> Said:
    """What a checkpoint's text encoders make of a person's words.

    Args:
        folder: a checkpoint with text encoders.
        words: of the person.
        constants: hold the support prompt, for words without a text, and the usual negative prompt.
        dim: width of the artworks' embedding, which takes a place beside a text; None if it is not known yet.
        dtype: precision of the text encoders.
        resident: the caller's memory policy.
        on_step: told after each network's opening and work.

    Raises:
        SettingError: a text beside an embedding of another width than T5's.
        CheckpointError: no text encoders, or a component is damaged or does not fit.
    """
    check_text_encoders(folder)
    if constants.text is None or constants.text_mask is None:
        raise SettingError(
            f"words for {folder}", "a checkpoint whose constants hold a support prompt", "Leave the words out."
        )
    bench = _Bench(folder, dtype, resident, on_step)
    bench.check_room()
    texts = (words.negative, constants.negative, NEGATIVE)
    chosen = next(text for text in texts if text is not None)
    if words.text is None:
        return _without_text(bench, chosen, (constants.text, constants.text_mask))
    if dim is not None:
        check_width(dim, constants.text.shape[-1])
    text = words.text

    def read(t5: Any) -> tuple[States, States]:  # noqa: ANN401
        slot = t5.read([text])
        return slot, t5.read([chosen], slot[0].shape[1] + BESIDE)

    slot, against = bench.t5(read)
    clap = bench.clap(text, chosen)
    positive, negative = bench.projected((clap[:1], slot), (clap[1:], against))
    return Said(positive, *slot, TextPrompt(negative, *against))


def read_prompts(
    folder: Path,
    texts: Sequence[str],
    *,
    negative: str = "",
    dtype: torch.dtype = torch.float32,
    resident: Callable[[nn.Module], AbstractContextManager[Any]] = nullcontext,
    on_step: OnStep | None = None,
) -> list[Prompts]:
    """What a checkpoint's text encoders make of texts that make music alone, as AudioLDM2 has it.

    Each text is read as if it were the only one, the negative prompt cut or filled up to its length. diffusers fills all
    texts of a batch up to the longest, and GPT-2 counts the places, so that there a piece changes with its neighbours.
    A checkpoint needs no constants for it; the other arguments are those of :func:`read_words`.

    Raises:
        CheckpointError: no text encoders, or a component is damaged or does not fit.
    """
    check_text_encoders(folder)
    bench = _Bench(folder, dtype, resident, on_step)
    bench.check_room()

    def read(t5: Any) -> list[States]:  # noqa: ANN401
        slots = [t5.read([text]) for text in texts]
        return [*slots, *(t5.read([negative], slot.shape[1]) for slot, _ in slots)]

    states = bench.t5(read)
    clap = bench.clap(*texts, negative)
    count = len(texts)
    heard = [*clap[:count].split(1), *[clap[count:]] * count]
    prompts = bench.projected(*zip(heard, states, strict=True))
    sides = [TextPrompt(prompt, *slot) for prompt, slot in zip(prompts, states, strict=True)]
    return [Prompts(*both) for both in zip(sides[:count], sides[count:], strict=True)]


def _without_text(bench: _Bench, negative: str, slot: States) -> Said:
    lengths = NEGATIVE_TOKENS, slot[0].shape[1]
    heard, against = bench.t5(lambda t5: [t5.read([negative], length) for length in lengths])
    [unsaid] = bench.projected((bench.clap(negative), heard))
    return Said(None, *slot, TextPrompt(unsaid, *against))


def _language(bench: _Bench, prompt: PromptTokens) -> Tensor:
    length = read_grid(bench.folder).language_tokens
    return (
        bench.work("language_model", load_language_model, lambda model: roll_out(model, prompt, length).values)
        .float()
        .cpu()
    )


def _stored(slot: States, against: States) -> dict[str, Any]:
    names = ("text", "text_mask", "unconditional_text", "unconditional_text_mask")
    values = (slot[0].float(), slot[1], against[0].float(), against[1])
    return dict(zip(names, (value.cpu() for value in values), strict=True))
