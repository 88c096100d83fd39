"""What a denoiser with guidance makes of artworks, step by step, from which a student learns to take fewer steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ...diffusion.denoiser import LatentDenoiser
from ...diffusion.guidance import Guided
from ...diffusion.sampling import draw_noise
from ...pipelines.choice import Choice
from ...pipelines.diffusion import ArtToMusic
from ...pipelines.parts import open_parts
from ...pipelines.settings import Settings, noise_seed
from ...pipelines.stages import denoise_noise, visiting
from ...types import Artwork, Condition, Plan

__all__ = ["Trajectories", "plan_of"]


class _Recorded(Guided):
    """Guidance that keeps the latents it was called with, and the condition."""

    condition: Condition

    def __init__(self, denoiser: LatentDenoiser, negative: Condition, scale: float) -> None:
        super().__init__(denoiser, negative, scale)
        self.latents: list[Tensor] = []

    def __call__(
        self, x: Float[Tensor, "batch channels frames rows"], t: Int[Tensor, ""], condition: Condition
    ) -> Float[Tensor, "batch channels frames rows"]:
        self.latents.append(x)
        self.condition = condition
        return super().__call__(x, t, condition)


@dataclass(frozen=True)
class Trajectories:
    """The latents of an artwork's pieces at the ends of a student's steps, and what the denoiser was told.

    Columns: `states` float16 [pieces, steps + 1, channels, frames, rows], from noise to music; `language` float32 [pieces, tokens,
    width]; `plan` float32 [pieces, 5], the fields of :class:`~art2mus_core.types.Plan`, if the denoiser has one.

    Attributes:
        choice: the teacher's parts.
        digests: of all that its music depends on.
        settings: of its music: seconds, steps and guidance.
        steps: of the student, which divide the teacher's.
        pieces: number of pieces for an artwork; their noise has the seeds from 0 on.
        planned: whether the denoiser has a plan.
        device: of the networks.
    """

    choice: Choice
    digests: tuple[tuple[str, str], ...]
    settings: Settings
    steps: int
    pieces: int
    planned: bool
    device: str

    @property
    def columns(self) -> Mapping[str, Any]:
        chosen = {name: getattr(self.settings, name) for name in ("seconds", "steps", "guidance", "solver", "reprise")}
        precision = str(self.choice.dtype).removeprefix("torch.")
        origin = {**dict(self.digests), **chosen, "ends": self.steps, "pieces": self.pieces, "precision": precision}
        return dict.fromkeys(("states", "language", *(["plan"] if self.planned else [])), origin)

    @torch.inference_mode()
    def __call__(self, artworks: Sequence[Artwork]) -> list[dict[str, np.ndarray]]:
        pipeline = _pipeline(self.choice, self.digests, self.device)
        return [self._pieces(pipeline, artwork) for artwork in artworks]

    def _pieces(self, pipeline: ArtToMusic, artwork: Artwork) -> dict[str, np.ndarray]:
        parts, device = pipeline.parts, torch.device(self.device)
        positive, negative = (side.repeated(self.pieces) for side in pipeline.condition(pipeline.embed([artwork])))
        seeds = [noise_seed(seed, artwork.sha256) for seed in range(self.pieces)]
        noise = draw_noise(parts.grid.latent_shape(self.settings.seconds), seeds)
        fixed: dict[str, Any] = {"levels": parts.schedule, "plan_model": parts.plan_model, "device": device}
        with pipeline.resident(parts.unet):
            recorded = _Recorded(LatentDenoiser(parts.unet), negative, self.settings.guidance)
            latent = denoise_noise(recorded, positive, noise, self.settings, rate=parts.grid.latent_rate, **fixed)
        visited = recorded.latents[:: self.settings.steps // self.steps]
        told: dict[str, Tensor] = {"language": recorded.condition.language.float()}
        if recorded.condition.plan is not None:
            told["plan"] = torch.stack([field.float() for field in vars(recorded.condition.plan).values()], dim=1)
        states = torch.stack([*visited, latent.values], dim=1).to(torch.float16)
        return {name: value.cpu().numpy() for name, value in {"states": states, **told}.items()}


def plan_of(values: Float[Tensor, "batch 5"]) -> Plan:
    """The plan whose fields a row of the column `plan` has."""
    step, first, frames, key, band = values.unbind(1)
    return Plan(step, first, frames, key.long(), band.long())


@lru_cache(maxsize=1)
def _pipeline(choice: Choice, digests: tuple[tuple[str, str], ...], device: str) -> ArtToMusic:  # noqa: ARG001  new weights are loaded anew
    return ArtToMusic(open_parts(choice), visiting(device))
