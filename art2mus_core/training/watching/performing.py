"""What stages perform in their previews, as their trained parts will be heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from ...audio.level import finish
from ...checkpoints.names import quoted
from ...datasets.manifest import Pair
from ...encoders.files import image_component, load_image_encoder
from ...encoders.texts import load_text_encoder
from ...errors import SettingError
from ...pipelines.art2music import ArtAndCommentToMusic
from ...pipelines.choice import Choice
from ...pipelines.comments import Comments
from ...pipelines.diffusion import ArtToMusic
from ...pipelines.mel_parts import MelParts, check_mel_vocoder
from ...pipelines.parts import open_parts
from ...pipelines.prompts import PromptText
from ...pipelines.settings import Settings
from ...pipelines.stages import visiting
from ...types import Artwork, Embedding, Waveform
from ..config import TrainingConfig
from ..features.dataset import Dataset
from ..objectives.aligner import AlignerObjective
from ..objectives.hifigan import HifiGanObjective
from ..objectives.mel import MelObjective
from ..stages import OBJECTIVES
from .works import Work, Works, first_artworks, first_music, pairs_of_artworks, pairs_of_music

__all__ = ["PERFORMERS", "SEED", "Memory", "Performance", "check_previews", "check_works"]

MOST = 8
"""The largest number of pictures."""

SECONDS, SEED = 6.0, 0
"""The longest pieces, and their seed."""


@dataclass(frozen=True)
class Performance:
    """The music of a work.

    Attributes:
        piece: the music, [1, channels, N].
        tags: of its file.
        true: the music that it is to be; None for composed music, which may be any.
    """

    piece: Waveform
    tags: dict[str, str]
    true: Waveform | None = None


class Remembered(nn.Module):
    """An encoder that is opened for the first call, and then freed. Later calls ask for the same, and get the same embeddings.

    Args:
        load: opens the encoder.
        device: on which it computes.
        space: of its embeddings.
        dim: their width, if it is known.
    """

    def __init__(self, load: Callable[[], Any], device: torch.device, space: str, dim: int | None) -> None:
        super().__init__()
        self.load, self.device, self.space, self.dim = load, device, space, dim
        self.found: Embedding | None = None

    def encode(self, inputs: list[Any]) -> Embedding:
        """The embeddings of artworks or texts."""
        if self.found is None:
            self.found = self.load().to(self.device).encode(inputs)
        return self.found


Memory = dict[str, Remembered]
"""The encoders of a run's previews by name."""


def _align(objective: AlignerObjective, works: Sequence[Work], memory: Memory) -> list[Performance]:
    """Music as the exported aligner composes it. VAE and vocoder are opened each time, and freed."""
    options, aligner, device = objective.options, objective.aligner, objective.unet.conv_in.weight.device
    parts = open_parts(Choice(str(objective.checkpoint), aligner=options.name, support=options.support))
    if not memory:
        look = partial(load_image_encoder, objective.encoder, dtype=parts.dtype)
        memory["encoder"] = Remembered(look, device, aligner.space, aligner.dim)
    open_already = {name: getattr(objective, name) for name in ("aligner", "language_model", "unet")}
    vars(parts).update(open_already, **memory, encoder_folder=objective.encoder)
    route, chosen = ArtToMusic(parts, visiting(device), offload=True), _shortened(parts.defaults)
    pieces = route.compose(_pictured(works), seeds=[SEED] * len(works), **chosen)
    tags = route.tags(route.settings(**chosen), PromptText())
    return [Performance(piece, tags) for piece in pieces]


def _imagine(objective: MelObjective, works: Sequence[Work], memory: Memory) -> list[Performance]:
    """Music as the exported fusion and mel decoder compose it. The vocoder is opened each time, and freed."""
    fusion, choice = objective.fusion, Choice(str(objective.checkpoint))
    config, device = fusion.config, fusion.residual.weight.device
    if not memory:
        unit = image_component(objective.encoder) != "."
        look = partial(load_image_encoder, objective.encoder, dtype=choice.dtype, normalised=unit)
        memory["encoder"] = Remembered(look, device, config["image_space"], config["image_dim"])
        read = partial(load_text_encoder, objective.texts)
        memory["text_encoder"] = Remembered(read, device, config["text_space"], config["text_dim"])
    index = {"art2mus": objective.options.defaults} if objective.options.defaults else {}
    network: Any = objective.trained["mel_decoder"]
    parts = MelParts.of(choice, objective.checkpoint, objective.data.grid, index, network.config)
    spaces = {kind: config[f"{kind}_space"] for kind in ("text", "image")}
    open_already = {"fusion": fusion, "mel_decoder": objective.decoder(), **memory}
    vars(parts).update(open_already, encoder_folder=objective.encoder, spaces=spaces)
    route, chosen = ArtAndCommentToMusic(parts, visiting(device)), _shortened(parts.defaults)
    told, settings = [work.comments for work in works], route.settings(**chosen)
    pieces = route.compose(_pictured(works), comments=told, seeds=[SEED] * len(works), **chosen)
    tags = [route.tags(settings, PromptText(), Comments(each)) for each in told]
    return [Performance(piece, each) for piece, each in zip(pieces, tags, strict=True)]


def _vocode(objective: HifiGanObjective, works: Sequence[Work], memory: Memory) -> list[Performance]:  # noqa: ARG001
    """What the generator makes of the beginnings of music, beside the music itself."""
    grid, shared = objective.data.grid, {"model": objective.checkpoint.name, "mels": objective.options.mels}
    found = []
    for work in works:
        sounds = objective.beginnings(np.array([work.row]), int(SECONDS * grid.sample_rate / grid.hop))
        made, true = (finish(Waveform(sound[:, None].float().cpu(), grid.sample_rate)) for sound in sounds)
        comment = {"comment": "\n".join(work.comments)} if work.comments else {}
        found.append(Performance(made, shared | comment, true))
    return found


def _pictured(works: Sequence[Work]) -> list[Artwork]:
    return [work.artwork for work in works if work.artwork]


def _shortened(defaults: Settings) -> dict[str, Any]:
    return {"seconds": min(defaults.seconds, SECONDS)}


class Performer(NamedTuple):
    """How a stage performs.

    Attributes:
        choose: works of the validation split.
        perform: their music, with the weights of the objective as they are.
        find: the pairs of the works in a dataset; raises a DatasetError if there are none.
        check: raises an error if a configuration or the checkpoint's folder does not allow it.
    """

    choose: Callable[[Any], Works]
    perform: Callable[[Any, Sequence[Work], Memory], list[Performance]]
    find: Callable[[Dataset], dict[int, Pair]]
    check: Callable[[TrainingConfig, Path], None] = lambda *_: None


def _check_vocoder(config: TrainingConfig, checkpoint: Path) -> None:
    if not (checkpoint / "vocoder").is_dir():
        raise SettingError(
            f"preview_every {config.preview_every}, and {checkpoint} has no vocoder",
            "one, through which the mels of this stage are heard",
            f"Train it first, by `art2mus train art2music-tonewheel` or art2music-vocoder with --out {quoted(checkpoint)}, "
            "or set preview_every to 0.",
        )
    check_mel_vocoder(checkpoint)


def _check_pictures(config: TrainingConfig, checkpoint: Path) -> None:  # noqa: ARG001
    if config.previews:
        raise SettingError(
            f"pictures in the field previews for the stage {config.stage}",
            "none, as its previews are the music of validation pairs",
            "Remove the field.",
        )


PERFORMERS: dict[str, Performer] = {
    "aligner": Performer(partial(first_artworks, commented=False), _align, pairs_of_artworks),
    "mel": Performer(partial(first_artworks, commented=True), _imagine, pairs_of_artworks, _check_vocoder),
    "hifigan": Performer(first_music, _vocode, pairs_of_music, _check_pictures),
}
"""By stage; others have no previews."""


def check_previews(config: TrainingConfig, checkpoint: Path) -> None:
    """Check that the previews of a configuration can be performed, with what is in the folder of the checkpoint.

    Raises:
        SettingError: a stage without previews; pictures that are too many or not used; or no vocoder.
        CheckpointError: a vocoder that cannot be used.
    """
    if config.preview_every and config.stage not in PERFORMERS:
        raise SettingError(
            f"preview_every {config.preview_every} for the stage {config.stage}",
            f"0, as previews are of the stages {', '.join(PERFORMERS)}",
            "Remove it from the configuration.",
        )
    if config.previews and not config.preview_every:
        raise SettingError(
            "previews without preview_every",
            "a number of steps between previews",
            "Choose one, such as preview_every=100, or leave out the pictures, by previews=[].",
        )
    if len(config.previews) > MOST:
        raise SettingError(f"{len(config.previews)} previews", f"at most {MOST} artworks", "Remove some.")
    if config.preview_every:
        PERFORMERS[config.stage].check(config, checkpoint)


def check_works(config: TrainingConfig, data: Path, checkpoint: Path) -> None:
    """Check that a dataset has what the previews of a configuration perform; its tables alone are read.

    Raises:
        DatasetError: no pictures are chosen, and the validation split has nothing; or no dataset.
        SettingError: a mel that contradicts the checkpoint's.
        CheckpointError: a configuration in the checkpoint is missing or damaged.
    """
    if config.preview_every and not config.previews:
        grid = OBJECTIVES[config.stage].grid(config, checkpoint)
        PERFORMERS[config.stage].find(Dataset(data, grid))
