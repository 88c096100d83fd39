"""The work of the nodes: the core's stages, with networks under a :class:`~.memory.Memory`."""

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
from ..art2mus_core.decoders.preview import LatentPreview, load_preview
from ..art2mus_core.diffusion.schedules import STUDENT
from ..art2mus_core.encoders.files import image_bytes, load_image_encoder
from ..art2mus_core.errors import SettingError
from ..art2mus_core.figures.spectrogram import heat_map
from ..art2mus_core.pipelines.choice import Choice
from ..art2mus_core.pipelines.parts import Parts, open_parts
from ..art2mus_core.pipelines.prompts import EncodedText, PromptText
from ..art2mus_core.pipelines.settings import Settings, check_seed
from ..art2mus_core.pipelines.stages import condition, denoise, finished
from ..art2mus_core.pipelines.texts import encode_text
from ..art2mus_core.types import Artwork, AudioGrid, Condition, Embedding, Latent, Waveform
from .checks import require_conditioning
from .folders import aligner_name, model_folder
from .memory import DenoiserInfo, Memory, Preview, host_memory
from .packing import Audio, pack_audio
from .vae import HostVAE

__all__ = [
    "Conditioning",
    "EncodedArtwork",
    "Language",
    "align",
    "compose",
    "empty_latent",
    "encode_artworks",
    "load_parts",
    "unpack",
]

Conditioning = list[tuple[Float[Tensor, "batch language width"], dict[str, Any]]]
"""The host's CONDITIONING: the language of audio, and a dict with T5 states, their mask and the provenance."""

PREVIEW_SIZE = (640, 160)
"""Width and height in pixels of the preview above the progress bar."""


@dataclass(frozen=True)
class EncodedArtwork:
    """The value of ART2MUS_EMBEDDING: embeddings of a batch of artworks, and the artworks' `sha256` hashes."""

    embedding: Embedding
    artworks: tuple[str, ...]


@dataclass(frozen=True)
class Language:
    """The value of ART2MUS_LANGUAGE: GPT-2 and the text constants of one checkpoint."""

    parts: Parts
    memory: Memory

    @cached_property
    def patcher(self) -> Any:  # noqa: ANN401
        """GPT-2 under memory management."""
        return self.memory.manage({"language_model": self.parts.language_model})

    def __repr__(self) -> str:
        return f"Language({self.parts.folder.name})"  # the host shows it with an error


def load_parts(
    name: str, *, support: str = "model", heads: str = "config", memory: Memory | None = None
) -> tuple[Any, HostVAE, Language]:
    """Load a checkpoint as MODEL, VAE and ART2MUS_LANGUAGE.

    Args:
        name: name of the checkpoint.
        support: name of its text constants.
        heads: `config` or `original`.
        memory: memory policy; the host's by default.

    Raises:
        SettingError: there is no such checkpoint or text constants, or memory is too small.
        CheckpointError: a file of the checkpoint is missing, damaged or does not match the others.
    """
    memory = memory or host_memory()
    parts = open_parts(Choice(str(model_folder(name)), support=support, heads=heads, dtype=memory.dtype))
    _ = parts.constants
    parts.check()
    check_memory(sum(parts.weights().values()), name)
    with allocating(name):
        vae = HostVAE(parts, memory)
        preview = _preview(load_preview(parts.folder) or vae.fit_preview())
        facts = DenoiserInfo(
            name, parts.grid, parts.schedule, preview, parts.plan_model, parts.presets, parts.student_file
        )
        model = memory.model(parts.unet, facts)
        return model, vae, Language(parts, memory)


def _preview(decoder: LatentPreview) -> Preview:
    return lambda latent: heat_map(decoder.draw(Latent(latent)).values[0], *PREVIEW_SIZE, decoder.span)


def encode_artworks(
    artworks: list[Artwork], encoder: str, *, hashes: list[str], memory: Memory | None = None
) -> EncodedArtwork:
    """Encode artworks with a checkpoint's image encoder.

    Args:
        artworks: the pictures to encode, with masked parts filled.
        encoder: name of the checkpoint.
        hashes: `sha256` of each artwork before masking.
        memory: memory policy; the host's by default.

    Raises:
        SettingError: there is no such checkpoint, or memory is too small.
        CheckpointError: its encoder is missing or damaged.
    """
    memory = memory or host_memory()
    folder, dtype = model_folder(encoder, is_encoder), memory.dtype
    check_memory(image_bytes(folder, dtype=dtype), f"the image encoder {encoder}")
    network = load_image_encoder(folder, dtype=dtype)
    with memory.resident(memory.manage({"encoder": cast("nn.Module", network)})):
        found = network.encode(artworks)
    patches = None if found.patches is None else memory.to_intermediate(found.patches)
    return EncodedArtwork(Embedding(memory.to_intermediate(found.values), found.space, patches), tuple(hashes))


def align(
    encoded: EncodedArtwork, language: Language, aligner: str, strength: float, *, text: str = "", negative: str = ""
) -> tuple[Conditioning, Conditioning]:
    """Compute the positive CONDITIONING, with the artworks, and the negative one, without them.

    Args:
        encoded: from :func:`encode_artworks`.
        language: from :func:`load_parts`.
        aligner: name of the aligner.
        strength: conditioning strength; 1 as trained.
        text: text prompt; empty for none.
        negative: negative prompt; empty for the checkpoint's own.

    Raises:
        SettingError: there is no such aligner, or a strength other than 1 with a text prompt.
        CheckpointError: the aligner was trained for another encoder or language model, or there are no text encoders for
            the prompts.
    """
    parts, memory, space = language.parts, language.memory, encoded.embedding.space
    network = load_aligner(
        find_aligner(parts.folder, aligner_name(aligner)),
        space=space,
        width=parts.grid.language_width,
        language=fingerprint(parts.folder),
        prior=parts.folder.name,
    )
    prompts = _prompts(text, negative, strength)
    positive, unconditional = condition(
        parts.language_model,
        network.align(encoded.embedding),
        parts.constants,
        parts.grid,
        resident=lambda _: memory.resident(language.patcher),
        embedding=encoded.embedding,
        text=_encode_prompts(prompts, language, encoded.embedding) if prompts else None,
    )
    written = {"text": text, "negative_text": negative}
    provenance = {
        "artworks": list(encoded.artworks),
        "image_encoder": space,
        "aligner": aligner,
        "strength": strength,
        **{name: prompt for name, prompt in written.items() if prompt.strip()},
    }
    return _pack(blend(positive, unconditional, strength), provenance, memory), _pack(unconditional, {}, memory)


def empty_latent(model: Any, seconds: float, count: int, *, memory: Memory | None = None) -> dict[str, Any]:  # noqa: ANN401
    """LATENT of zeros for a core sampler.

    Raises:
        SettingError: the model is not an Art2Mus model.
    """
    memory = memory or host_memory()
    shape = (count, *memory.info(model).grid.latent_shape(seconds))
    return {"samples": memory.to_intermediate(torch.zeros(shape)), "type": "audio"}


def _prompts(text: str, negative: str, strength: float) -> PromptText | None:
    """The prompts that are not blank; None if both are.

    Raises:
        SettingError: a text prompt with a strength other than 1: the strength blends with a conditioning without text.
    """
    if text.strip() and strength != 1:
        raise SettingError(
            f"a strength of {strength:g} with a text prompt", "1", "Set strength to 1, or clear the text."
        )
    prompts = [prompt if prompt.strip() else None for prompt in (text, negative)]
    return PromptText(*prompts) if any(prompts) else None


def _encode_prompts(prompts: PromptText, language: Language, embedding: Embedding) -> EncodedText:
    parts, memory = language.parts, language.memory
    return encode_text(
        parts.folder,
        prompts,
        parts.constants,
        dim=embedding.values.shape[-1],
        dtype=parts.dtype,
        resident=lambda network: memory.resident(memory.manage({"network": network})),
    )


def _pack(condition: Condition, provenance: dict[str, Any], memory: Memory) -> Conditioning:
    options: dict[str, Any] = {"pooled_output": None, "art2mus": provenance}
    if condition.text is not None and condition.text_mask is not None:
        options |= {
            "art2mus_text": memory.to_intermediate(condition.text),
            "art2mus_text_mask": condition.text_mask.cpu(),
        }
    return [(memory.to_intermediate(condition.language), options)]


def unpack(conditioning: Conditioning, grid: AudioGrid, name: str) -> tuple[Condition, dict[str, Any]]:
    """The core's condition in a CONDITIONING, and its provenance.

    ConditioningAverage of one artwork with a batch gives the languages of the batch with the text of the one, which repeats.

    Args:
        conditioning: from an Image Aligner, possibly averaged or concatenated.
        grid: sizes of the checkpoint.
        name: `positive` or `negative`, for the messages.

    Raises:
        SettingError: it was made for another model, or combines parts in a way that only core samplers support.
    """
    if len(conditioning) != 1:
        raise SettingError(
            f"a {name} conditioning of {len(conditioning)} parts",
            "one; averaged or concatenated is fine",
            "Use a core sampler for conditionings that are combined in other ways.",
        )
    language, options = conditioning[0]
    require_conditioning(language, options.get("art2mus"), grid, f"a {name}")
    condition = Condition(language, options.get("art2mus_text"), options.get("art2mus_text_mask"))
    return condition.repeated(len(language)), options["art2mus"]


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
    """Generate AUDIO and LATENT, one piece for each artwork; steps, guidance and solver are those of the settings' preset, if they have one.

    A conditioning that core nodes averaged or concatenated has the provenance of its first input, so its noise is that of the
    first input's artwork, whatever the weight.

    Raises:
        SettingError: a value is outside its range, or the inputs belong to different models.
    """
    check_seed(seed)
    memory = memory or host_memory()
    info = memory.info(model)
    grid, settings = info.grid, info.resolved(settings)
    conditional, provenance = unpack(positive, grid, "positive")
    unconditional, _ = unpack(negative, grid, "negative")
    count = len(conditional.language)
    artworks = _artworks(provenance, count)
    if not isinstance(vae, HostVAE) or vae.grid != grid:
        raise SettingError(
            "a VAE of another model", f"that of {info.name}", "Connect the VAE of the same Load Art2Mus Model."
        )
    if len(unconditional.language) not in {1, count}:
        raise SettingError(
            f"a negative conditioning of {len(unconditional.language)} artworks and a positive one of {count}",
            "as many, or one",
            "Connect the negative output of the same Image Aligner.",
        )
    unconditional = unconditional.repeated(count)
    if settings.solver == STUDENT:
        if info.student is None:
            raise SettingError(
                f"the solver {STUDENT!r} with {info.name}", "a model with a student", "Choose another solver."
            )
        model = memory.as_student(model)
    report = memory.reporter(settings.steps, preview=info.preview)
    with memory.denoising(model, count, grid.latent_frames(settings.seconds)) as (denoiser, device):
        guided, levels = (denoiser, conditional, unconditional), dict(info.schedule)
        seeds = settings.noise_seeds([seed] * count, artworks) if artworks else [seed] * count
        fixed: dict[str, Any] = {"grid": grid, "levels": levels, "device": device, "plan_model": info.plan_model}
        latent = denoise(*guided, settings, seeds, **fixed, on_step=report)
    sound = vae.decode_latent(latent)
    pieces = finished(sound, grid, settings.seconds, levelled=settings.level, plans=latent.plans)
    provenance = {**provenance, "artworks": artworks, "model": info.name, "seed": seed, **vars(settings)}
    if settings.level:
        provenance["gains"] = [piece.gain for piece in pieces]
    if latent.plans:
        provenance["plans"] = list(latent.plans)
    unscaled = memory.to_intermediate(latent.values / grid.latent_scale)
    music = Waveform(torch.cat([piece.samples for piece in pieces]), grid.sample_rate)
    return pack_audio(music, provenance), {"samples": unscaled, "type": "audio"}


def _artworks(provenance: dict[str, Any], count: int) -> list[str]:
    """The artwork of each of `count` pieces; if a conditioning has fewer artworks than pieces, they repeat, as masks do."""
    artworks = provenance.get("artworks", [])
    return [artworks[index % len(artworks)] for index in range(count)] if artworks else []
