"""What the nodes do: the core's functions, with the networks in the host's hands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..art2mus_core.aligners.files import find_aligner, load_aligner
from ..art2mus_core.checkpoints.memory import allocating, check_memory
from ..art2mus_core.checkpoints.names import is_encoder
from ..art2mus_core.conditioning.constants import blend
from ..art2mus_core.conditioning.language import fingerprint
from ..art2mus_core.decoders.sketch import MelSketch, load_sketch
from ..art2mus_core.diffusion.guidance import repeated
from ..art2mus_core.encoders.files import image_bytes, load_image_encoder
from ..art2mus_core.errors import SettingError
from ..art2mus_core.figures.spectrogram import heat_map
from ..art2mus_core.pipelines.parts import Choice, Parts, open_parts
from ..art2mus_core.pipelines.settings import Settings, check_seed
from ..art2mus_core.pipelines.stages import condition, denoise, finished
from ..art2mus_core.pipelines.texts import read_words
from ..art2mus_core.pipelines.words import Said, Words
from ..art2mus_core.types import Artwork, AudioGrid, Condition, Embedding, Latent, Waveform
from .checks import require_conditioning
from .folders import aligner_name, model_folder
from .memory import Memory, Picture, host_memory
from .packing import Audio, pack_audio
from .vae import HostVAE

__all__ = ["Conditioning", "Language", "Look", "align", "compose", "empty_latent", "load_parts", "look", "unpack"]

Conditioning = list[tuple[Float[Tensor, "batch language width"], dict[str, Any]]]
"""The host's CONDITIONING: the language of audio, and beside it T5 states, their mask and provenance."""

PREVIEW = (640, 160)
"""Pixels of the picture above the progress bar."""


@dataclass(frozen=True)
class Look:
    """What ART2MUS_EMBEDDING carries: what an encoder says of artworks, and which artworks they are."""

    embedding: Embedding
    artworks: tuple[str, ...]


@dataclass(frozen=True)
class Language:
    """What ART2MUS_LANGUAGE carries: GPT-2 and the text constants of one checkpoint."""

    parts: Parts
    memory: Memory

    @cached_property
    def patcher(self) -> Any:  # noqa: ANN401
        """GPT-2 in the memory's hands."""
        return self.memory.hold({"language_model": self.parts.language_model})

    def __repr__(self) -> str:
        return f"Language({self.parts.folder.name})"  # the host sends it beside an error


def load_parts(
    name: str, *, support: str = "model", heads: str = "config", memory: Memory | None = None
) -> tuple[Any, HostVAE, Language]:
    """A checkpoint as MODEL, VAE and ART2MUS_LANGUAGE.

    Args:
        name: of the checkpoint.
        support: of its text constants.
        heads: `config` or `original`.
        memory: where its networks are kept; in the host's memory if left out.

    Raises:
        SettingError: no checkpoint or constants of that name, or too little memory.
        CheckpointError: something in it is missing, damaged or does not fit.
    """
    memory = memory or host_memory()
    parts = open_parts(Choice(str(model_folder(name)), support=support, heads=heads, dtype=memory.dtype))
    _ = parts.constants
    parts.check()
    check_memory(sum(parts.weights().values()), name)
    with allocating(name):
        vae = HostVAE(parts, memory)
        picture = _picture(load_sketch(parts.folder) or vae.sketch())
        model = memory.model(parts.unet, parts.grid, parts.schedule, name=name, picture=picture)
        return model, vae, Language(parts, memory)


def _picture(sketch: MelSketch) -> Picture:
    return lambda latent: heat_map(sketch.draw(Latent(latent)).values[0], *PREVIEW, sketch.span)


def look(artworks: list[Artwork], encoder: str, *, identities: list[str], memory: Memory | None = None) -> Look:
    """What the encoder of a checkpoint says of artworks.

    Args:
        artworks: as they are to be seen, masked parts painted over.
        encoder: name of the checkpoint.
        identities: `sha256` of the artworks as they are.
        memory: as for :func:`load_parts`.

    Raises:
        SettingError: no checkpoint of that name, or too little memory.
        CheckpointError: its encoder is missing or damaged.
    """
    memory = memory or host_memory()
    folder, dtype = model_folder(encoder, is_encoder), memory.dtype
    check_memory(image_bytes(folder, dtype=dtype), f"the image encoder {encoder}")
    network = load_image_encoder(folder, dtype=dtype)
    with memory.resident(memory.hold({"encoder": cast("nn.Module", network)})):
        seen = network.encode(artworks)
    patches = None if seen.patches is None else memory.put_by(seen.patches)
    return Look(Embedding(memory.put_by(seen.values), seen.space, patches), tuple(identities))


def align(
    seen: Look, language: Language, aligner: str, strength: float, *, text: str = "", negative: str = ""
) -> tuple[Conditioning, Conditioning]:
    """CONDITIONING with the artworks, and without.

    Args:
        seen: from :func:`look`.
        language: from :func:`load_parts`.
        aligner: name of the aligner.
        strength: of the artworks, 1 as trained.
        text: words beside the artworks, if any.
        negative: what the music is pushed away from, if not what the constants say.

    Raises:
        SettingError: no aligner of that name; a strength other than 1 beside a text.
        CheckpointError: the aligner was made for another encoder or another language model; no text encoders for words.
    """
    parts, memory, space = language.parts, language.memory, seen.embedding.space
    network = load_aligner(
        find_aligner(parts.folder, aligner_name(aligner)),
        space=space,
        width=parts.grid.language_width,
        language=fingerprint(parts.folder),
        prior=parts.folder.name,
    )
    words = _words(text, negative, strength)
    positive, negative_side = condition(
        parts.language_model,
        network.align(seen.embedding),
        parts.constants,
        parts.grid,
        resident=lambda _: memory.resident(language.patcher),
        embedding=seen.embedding,
        said=_read(words, language, seen.embedding) if words else None,
    )
    known = {
        "artworks": list(seen.artworks),
        "image_encoder": space,
        "aligner": aligner,
        "strength": strength,
        **{name: said for name, said in (("text", text), ("negative_text", negative)) if said.strip()},
    }
    return _pack(blend(positive, negative_side, strength), known, memory), _pack(negative_side, {}, memory)


def empty_latent(model: Any, seconds: float, count: int, *, memory: Memory | None = None) -> dict[str, Any]:  # noqa: ANN401
    """LATENT for a core sampler, unscaled.

    Raises:
        SettingError: another family's model.
    """
    memory = memory or host_memory()
    shape = (count, *memory.inside(model).grid.latent_shape(seconds))
    return {"samples": memory.put_by(torch.zeros(shape)), "type": "audio"}


def _words(text: str, negative: str, strength: float) -> Words | None:
    """Words that were written.

    Raises:
        SettingError: a text, which has no place between an artwork and none.
    """
    if text.strip() and strength != 1:
        raise SettingError(
            f"a strength of {strength:g} beside a text", "1", "Set the strength to 1, or empty the text."
        )
    said = [words if words.strip() else None for words in (text, negative)]
    return Words(*said) if any(said) else None


def _read(words: Words, language: Language, embedding: Embedding) -> Said:
    """What the checkpoint's text encoders make of words."""
    parts, memory = language.parts, language.memory
    return read_words(
        parts.folder,
        words,
        parts.constants,
        dim=embedding.values.shape[-1],
        dtype=parts.dtype,
        resident=lambda network: memory.resident(memory.hold({"network": network})),
    )


def _pack(condition: Condition, known: dict[str, Any], memory: Memory) -> Conditioning:
    beside: dict[str, Any] = {"pooled_output": None, "art2mus": known}
    if condition.text is not None and condition.text_mask is not None:
        beside |= {"art2mus_text": memory.put_by(condition.text), "art2mus_text_mask": condition.text_mask.cpu()}
    return [(memory.put_by(condition.language), beside)]


def unpack(conditioning: Conditioning, grid: AudioGrid, name: str) -> tuple[Condition, dict[str, Any]]:
    """The core's condition in a CONDITIONING, and what is known of where it comes from.

    Raises:
        SettingError: it is another model's, or combined in a way that only core samplers know; `name` is said then.
    """
    if len(conditioning) != 1:
        raise SettingError(
            f"a {name} conditioning of {len(conditioning)} parts",
            "one, averaged or concatenated if you like",
            "Take a core sampler for conditionings that are combined in other ways.",
        )
    language, beside = conditioning[0]
    require_conditioning(language, beside.get("art2mus"), grid, f"a {name}")
    condition = Condition(language, beside.get("art2mus_text"), beside.get("art2mus_text_mask"))
    return condition, beside["art2mus"]


def compose(
    model: Any,  # noqa: ANN401
    vae: HostVAE,
    positive: Conditioning,
    negative: Conditioning,
    *,
    settings: Settings,
    seed: int,
    memory: Memory | None = None,
) -> tuple[Audio, dict[str, Any]]:
    """AUDIO and LATENT, one piece for each artwork.

    Raises:
        SettingError: a value outside its range, or parts of different models.
    """
    check_seed(seed)
    memory = memory or host_memory()
    inside = memory.inside(model)
    grid = inside.grid
    told, known = unpack(positive, grid, "positive")
    untold, _ = unpack(negative, grid, "negative")
    count = len(told.language)
    if not isinstance(vae, HostVAE) or vae.grid != grid:
        raise SettingError(
            "a VAE of another model", f"that of {inside.name}", "Connect the VAE of the same Load Art2Mus Model."
        )
    if len(untold.language) not in {1, count}:
        raise SettingError(
            f"a negative conditioning of {len(untold.language)} artworks beside {count}",
            "as many, or one",
            "Connect the negative output of the same Image Aligner.",
        )
    untold = untold if len(untold.language) == count else repeated(untold, count)
    report = memory.reporter(settings.steps, inside.picture)
    with memory.denoising(model, count, grid.latent_frames(settings.seconds)) as (denoiser, device):
        both, levels = (denoiser, told, untold), dict(inside.schedule)
        latent = denoise(*both, settings, [seed] * count, grid=grid, levels=levels, device=device, on_step=report)
    pieces = finished(vae.play(latent), grid, settings.seconds)
    known = {**known, "model": inside.name, "seed": seed, **vars(settings)}
    unscaled = memory.put_by(latent.values / grid.latent_scale)
    music = Waveform(torch.cat([piece.samples for piece in pieces]), grid.sample_rate)
    return pack_audio(music, known), {"samples": unscaled, "type": "audio"}
