"""Which objective belongs to which stage, and what each needs from the stages before it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from ..types import AudioGrid, OnStep
from .config import TrainingConfig, load_config
from .features import Dataset
from .objective import Objective

__all__ = ["pocket_grid", "stage_builder"]

MEL = Path(__file__).parents[1] / "configs" / "mel.yaml"


def pocket_grid() -> AudioGrid:
    """The grid that the packaged training configurations agree on; latents are not scaled yet."""
    mel = _mel_fields()
    vae, prior = load_config("vae").model, load_config("prior").model
    return AudioGrid(
        **{**mel, "windows": tuple(mel["windows"])},
        latent_channels=vae["latent_channels"],
        latent_factor=2 ** (len(vae["block_out_channels"]) - 1),
        latent_scale=1.0,
        language_width=prior["language_model"]["n_embd"],
    )


def _mel_fields() -> dict[str, Any]:
    return yaml.safe_load(MEL.read_text(encoding="utf-8"))


def stage_builder(
    config: TrainingConfig, data: Path, checkpoint: Path, on_step: OnStep | None = None
) -> Callable[[], Objective]:
    """A function that makes the objective of a stage from a dataset folder and the checkpoint folder it adds to."""
    grid = pocket_grid()
    size = load_config("embedding").model["image"]["size"]

    def build() -> Objective:
        dataset = Dataset(data, grid, size, on_step)
        if config.stage == "embedding":
            from .objectives.embedding import EmbeddingObjective  # noqa: PLC0415 - one stage at a time

            return EmbeddingObjective(dataset, config)
        if config.stage == "vae":
            from .objectives.vae import VaeObjective  # noqa: PLC0415

            return VaeObjective(dataset, config)
        if config.stage == "vocoder":
            from .objectives.vocoder import VocoderObjective  # noqa: PLC0415

            model = {"mel": _mel_fields(), **config.model}
            return VocoderObjective(dataset, config.model_copy(update={"model": model}), checkpoint)
        return _on_latents(config, dataset, grid, checkpoint)

    return build


def _on_latents(config: TrainingConfig, dataset: Dataset, grid: AudioGrid, checkpoint: Path) -> Objective:
    from .latents import LatentDataset  # noqa: PLC0415
    from .objectives.aligner import AlignerObjective  # noqa: PLC0415
    from .objectives.prior import PriorObjective  # noqa: PLC0415

    latents = LatentDataset(dataset, checkpoint)
    if config.stage == "prior":
        return PriorObjective(latents, config, grid)
    return AlignerObjective(latents, config, grid, checkpoint)
