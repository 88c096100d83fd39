"""The loss of the mel decoder by diffusion: the error of denoising latents of the mel codec, and of reading plans."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ...audio.normalisation import read_normalisation
from ...checkpoints.folder import check_component, load_component, read_config, save_component
from ...checkpoints.grid import mel_fields
from ...conditioning.plan import PlanModel, misreadings
from ...diffusion.levels import read_levels
from ...diffusion.sampling import draw_noise
from ...errors import SettingError
from ...networks.mel_codec import CodecDecoder, CodecEncoder, codec_factor
from ...networks.mel_transformer import MelTransformer
from ...pipelines.mel_diffusion import DiffusionMelDecoder, MelDenoiser
from ...types import Condition, Fused
from ..batches import Draw, NoisedBatch
from ..features.dataset import Dataset, Pieces
from ..grids import mel_of
from .diffusion import diffusion_loss
from .mel_loss import MelLoss, MelOptions
from .plans import READING, UNPLANNED, Plans, bands_of, spread_of
from .weighting import by_bands

__all__ = ["Denoising"]

CODEC: dict[str, Callable[[dict[str, Any]], nn.Module]] = {"codec_encoder": CodecEncoder, "codec_decoder": CodecDecoder}
"""The frozen components that make and undo what is denoised."""


class Denoising(MelLoss):
    """Learns the beginnings of pieces in the codec's latents, and perhaps guidance; see :func:`.diffusion.diffusion_loss`."""

    read = tuple(CODEC)

    def __init__(self, data: Dataset, sizes: dict[str, Any], options: MelOptions, checkpoint: Path) -> None:
        super().__init__()
        codec, bands = read_config(checkpoint, "codec_encoder"), bands_of(data)
        self.checkpoint, self.grid = checkpoint, data.grid
        self.factor, self.share, self.guided = codec_factor(codec), options.drop, options.guided
        self.rate = data.grid.sample_rate / data.grid.hop / self.factor
        self.levels = read_levels(sizes["scheduler"])
        shared = {"mel": mel_of(data.grid), "normalisation": codec["normalisation"]}
        fitted = {"latent_dim": codec["latent_dim"], "bands": max(1, len(bands))}
        self.network = MelTransformer({**sizes, **shared, **fitted})
        self.plan_model = PlanModel(1, self.network.config["fused_dim"], 0.0, bands)
        self.networks = nn.ModuleDict({"mel_decoder": self.network, "plan_model": self.plan_model})
        _check_mel(data, checkpoint)
        for part, build in CODEC.items():
            check_component(checkpoint, part, build)

    def prepare(self, data: Dataset, checkpoint: Path, device: torch.device) -> None:
        self.latents = encode_mels(data, checkpoint, device)
        self.plans = Plans.of(data, self.latents.lengths, self.rate, self.plan_model.config["bands"])

    def target(self, draw: Draw, rows: Int[np.ndarray, " size"], dropped: Float[np.ndarray, " size"]) -> NoisedBatch:
        own, most = rows[draw.part], self.network.config["max_frames"] // self.factor
        crops = self.latents.crops(own, min(most, self.latents.shortest(rows)))
        latent = torch.from_numpy(crops).mT[..., None].contiguous()
        t = torch.from_numpy(draw.levels(len(self.levels))[draw.part])
        plan = self.plans(own, np.zeros(len(own)))
        planned = torch.from_numpy(dropped[draw.part] >= self.share * UNPLANNED)
        return NoisedBatch(
            latent, draw_noise((latent.shape[1], latent.shape[2], 1), draw.seeds()), t, plan=plan.only(planned)
        )

    def losses(
        self, fused: Fused, target: NoisedBatch, kept: Bool[Tensor, " batch"]
    ) -> tuple[Float[Tensor, " batch"], dict[str, Tensor]]:
        denoiser, condition = MelDenoiser(self.network, len(self.levels)), Condition(fused.values[:, None])
        negative = None if fused.neutral is None else Condition(fused.neutral[:, None]).repeated(len(kept))
        guided = self.guided if self.training else 0.0  # validation compares with the data alone
        losses = diffusion_loss(denoiser, self.levels, target, condition, negative=negative, guided=guided)
        terms = by_bands(losses, target.t, len(self.levels))
        if target.plan is None:
            return losses, terms
        read = misreadings(self.plan_model, condition.language, target.plan.only(kept), self.rate)
        return losses, {**terms, **read}

    def beside(self, terms: dict[str, Tensor]) -> Tensor | float:
        return READING * sum(terms[name] for name in ("tempo", "key", "band"))

    def settle(self, rows: Int[np.ndarray, " rows"], fused: Float[Tensor, "rows dim"]) -> None:
        """Compute the spread of the tempo about the one that is read."""
        steps = torch.from_numpy(self.plans.steps[rows]).to(fused.device)
        self.plan_model.config["spread"] = spread_of(self.plan_model, fused[:, None], steps, self.rate)

    def decoder(self) -> DiffusionMelDecoder:
        codec = load_component(self.checkpoint, "codec_decoder", CodecDecoder)
        normalisation = read_normalisation(self.network.config["normalisation"], self.grid.mel_bins)
        return DiffusionMelDecoder(self.network, codec, self.plan_model, normalisation, self.grid)

    def export(self, folder: Path) -> None:
        save_component(folder, "mel_decoder", self.network, self.network.config, half=True)
        save_component(folder, "plan_model", self.plan_model, self.plan_model.config, half=False)


def _check_mel(data: Dataset, checkpoint: Path) -> None:
    """Check that the codec was trained on the mels of the dataset's grid.

    Raises:
        SettingError: it was not.
    """
    trained, wanted = mel_fields(checkpoint, "codec_encoder"), mel_of(data.grid)
    if other := [name for name, value in wanted.items() if trained[name] != value]:
        raise SettingError(
            f"a codec of mels with {', '.join(f'{name} {trained[name]}' for name in other)} in {checkpoint}",
            f"{', '.join(f'{name} {wanted[name]}' for name in other)}, as its vocoder was trained with",
            "Train the codec on the vocoder's mel, in another folder.",
        )


@torch.no_grad()
def encode_mels(data: Dataset, checkpoint: Path, device: torch.device) -> Pieces:
    """The means of the codec's latents of whole pieces, standardised, float32 [frames, latent_dim] for each pair, in memory.

    Raises:
        CheckpointError: the codec is missing or damaged.
        DatasetError: too many pieces cannot be read.
    """
    encoder = load_component(checkpoint, "codec_encoder", CodecEncoder).to(device)
    decoder = load_component(checkpoint, "codec_decoder", CodecDecoder).to(device)
    normalisation = read_normalisation(encoder.config["normalisation"], data.grid.mel_bins)
    mels = data.mels(codec_factor(encoder.config))
    _, first = np.unique(data.music.of, return_index=True)
    found = []
    for row in first:
        mel = torch.from_numpy(mels[row][None, :, 0].astype(np.float32)).to(device)
        if mel.shape[1]:
            latent = encoder(normalisation.apply(mel))[0][0]
            found.append(((latent - decoder.mean) / decoder.std).cpu().numpy())
        else:  # its file failed
            found.append(np.zeros((0, encoder.config["latent_dim"]), np.float32))
    lengths = np.array([len(each) for each in found])
    return Pieces.of(np.concatenate(found), lengths).rows(data.music.of)
