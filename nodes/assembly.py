"""What the nodes do: the core's functions, with the networks in the host's hands."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..art2mus_core.aligners.files import find_aligner, load_aligner
from ..art2mus_core.audio.level import finish
from ..art2mus_core.checkpoints.memory import allocating, check_memory
from ..art2mus_core.checkpoints.names import is_encoder
from ..art2mus_core.conditioning.constants import Constants, blend, conditions
from ..art2mus_core.conditioning.language import fingerprint, roll_out
from ..art2mus_core.decoders.sketch import MelSketch, load_sketch
from ..art2mus_core.diffusion.guidance import Guided, repeated
from ..art2mus_core.diffusion.sampling import draw_noise, sample
from ..art2mus_core.diffusion.schedules import schedule
from ..art2mus_core.encoders.files import image_bytes, load_image_encoder
from ..art2mus_core.errors import SettingError
from ..art2mus_core.figures.spectrogram import heat_map
from ..art2mus_core.networks.gpt2 import GPT2
from ..art2mus_core.pipelines.prior import open_prior
from ..art2mus_core.pipelines.settings import Settings, check_seed
from ..art2mus_core.pipelines.texts import read_words
from ..art2mus_core.pipelines.words import Words
from ..art2mus_core.types import Artwork, AudioGrid, Condition, Embedding, Latent, PromptTokens, Waveform
from . import host
from .checks import require_conditioning
from .folders import aligner_name, model_folder
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

    model: GPT2
    constants: Constants
    grid: AudioGrid
    folder: Path
    patcher: host.Model = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "patcher", host.patcher({"language_model": self.model}))

    def __repr__(self) -> str:
        return f"Language({self.folder.name})"  # the host sends it beside an error


def load_parts(name: str, *, support: str = "model", heads: str = "config") -> tuple[host.Model, HostVAE, Language]:
    """A checkpoint as MODEL, VAE and ART2MUS_LANGUAGE.

    Args:
        name: of the checkpoint.
        support: of its text constants.
        heads: `config` or `original`.

    Raises:
        SettingError: no checkpoint or constants of that name, or too little memory.
        CheckpointError: something in it is missing, damaged or does not fit.
    """
    host.require_version()
    prior = open_prior(model_folder(name), support=support, heads=heads, dtype=host.precision())
    check_memory(sum(prior.weights().values()), name)
    with allocating(name):
        vae = HostVAE(prior.autoencoder, prior.vocoder, prior.grid)
        picture = _picture(load_sketch(prior.folder) or vae.sketch())
        model = host.diffusion_model(prior.unet, prior.grid, prior.schedule, name=name, picture=picture)
        return model, vae, Language(prior.language_model, prior.constants, prior.grid, prior.folder)


def _picture(sketch: MelSketch) -> host.Picture:
    return lambda latent: heat_map(sketch.draw(Latent(latent)).values[0], *PREVIEW, sketch.span)


def look(artworks: list[Artwork], encoder: str, *, identities: list[str]) -> Look:
    """What the encoder of a checkpoint says of artworks.

    Args:
        artworks: as they are to be seen, masked parts painted over.
        encoder: name of the checkpoint.
        identities: `sha256` of the artworks as they are.

    Raises:
        SettingError: no checkpoint of that name, or too little memory.
        CheckpointError: its encoder is missing or damaged.
    """
    folder, dtype = model_folder(encoder, is_encoder), host.precision()
    check_memory(image_bytes(folder, dtype=dtype), f"the image encoder {encoder}")
    network = load_image_encoder(folder, dtype=dtype)
    with host.resident(host.patcher({"encoder": cast("nn.Module", network)})):
        seen = network.encode(artworks)
    patches = None if seen.patches is None else host.intermediate(seen.patches)
    return Look(Embedding(host.intermediate(seen.values), seen.space, patches), tuple(identities))


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
    path = find_aligner(language.folder, aligner_name(aligner))
    width, trained = language.grid.language_width, fingerprint(language.folder)
    space, prior = seen.embedding.space, language.folder.name
    network = load_aligner(path, space=space, width=width, language=trained, prior=prior)
    positive, negative_side = _told(
        seen.embedding, network.align(seen.embedding), language, _words(text, negative, strength)
    )
    known = {
        "artworks": list(seen.artworks),
        "image_encoder": space,
        "aligner": aligner,
        "strength": strength,
        **{name: said for name, said in (("text", text), ("negative_text", negative)) if said.strip()},
    }
    return _pack(blend(positive, negative_side, strength), known), _pack(negative_side, {})


def empty_latent(model: host.Model, seconds: float, count: int) -> dict[str, Any]:
    """LATENT for a core sampler, unscaled.

    Raises:
        SettingError: another family's model.
    """
    shape = (count, *host.art2mus_model(model).grid.latent_shape(seconds))
    return {"samples": host.intermediate(torch.zeros(shape)), "type": "audio"}


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


def _told(
    embedding: Embedding, prompt: PromptTokens, language: Language, words: Words | None
) -> tuple[Condition, Condition]:
    """What the denoiser is told of artworks and of none, with GPT-2 in the host's hands."""
    length = language.grid.language_tokens
    if words is None:
        with host.resident(language.patcher):
            spoken = roll_out(language.model, prompt, length)
        return conditions(spoken, language.constants)
    said = read_words(
        language.folder,
        words,
        language.constants,
        dim=embedding.values.shape[-1],
        dtype=host.precision(),
        resident=lambda network: host.resident(host.patcher({"network": network})),
    )
    both = said.beside(prompt, embedding)
    with host.resident(language.patcher):
        return both.conditions(language.model, length)


def _pack(condition: Condition, known: dict[str, Any]) -> Conditioning:
    beside: dict[str, Any] = {"pooled_output": None, "art2mus": known}
    if condition.text is not None and condition.text_mask is not None:
        beside |= {"art2mus_text": host.intermediate(condition.text), "art2mus_text_mask": condition.text_mask.cpu()}
    return [(host.intermediate(condition.language), beside)]


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
    model: host.Model, vae: HostVAE, positive: Conditioning, negative: Conditioning, *, settings: Settings, seed: int
) -> tuple[Audio, dict[str, Any]]:
    """AUDIO and LATENT, one piece for each artwork.

    Raises:
        SettingError: a value outside its range, or parts of different models.
    """
    check_seed(seed)
    inside = host.art2mus_model(model)
    told, known = unpack(positive, inside.grid, "positive")
    untold, _ = unpack(negative, inside.grid, "negative")
    count = len(told.language)
    if not isinstance(vae, HostVAE) or vae.grid != inside.grid:
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
    levels = schedule(dict(inside.schedule), settings.solver, settings.steps)
    noise = draw_noise(inside.grid.latent_shape(settings.seconds), [seed] * count)
    with host.resident(model, working=model.memory_required([2 * count, *noise.shape[1:]])) as device:
        denoiser = Guided(host.denoiser(model), untold, settings.guidance)
        latent = sample(denoiser, told, noise.to(device), levels, on_step=host.reporter(settings.steps, inside.picture))
    heard = vae.play(latent).cut(settings.seconds)
    pieces = [finish(Waveform(piece[None], heard.sample_rate)).samples for piece in heard.samples]
    known = {**known, "model": inside.name, "seed": seed, **vars(settings)}
    unscaled = host.intermediate(latent.values / inside.grid.latent_scale)
    return pack_audio(Waveform(torch.cat(pieces), heard.sample_rate), known), {"samples": unscaled, "type": "audio"}
