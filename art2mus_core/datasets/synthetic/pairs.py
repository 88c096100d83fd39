"""Synthetic pairs, each determined by one seed: paint a picture or take a view of a painting, see its character, compose for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ...audio.files import write_audio
from ...character import Character
from ...checkpoints.identity import component_digest
from ...checkpoints.names import BUNDLED, locate
from ...digests import file_digest
from ...encoders.files import CharacterEncoder, check_image_encoder, image_component, load_image_encoder
from ...errors import CheckpointError, DatasetError, SettingError
from ...images.reading import read_artwork
from ...measure.pictures import measure
from ...placing import place, replacing
from ...types import Artwork, OnStep, Step, Waveform
from ..labelled import views
from ..manifest import MANIFEST, Pair, read_manifest, write_manifest
from ..workers import spread
from .commenting import comments_for
from .composing import compose_notes
from .painting import paint
from .rendering import render
from .sound import EDITION, Sound
from .wording import COMMENTS

__all__ = ["seen_by", "synthesize"]

LAST_SEED = 2**53
"""Of the first pair: further seeds fit into 64 bits, with room for any number of pairs."""

SIDE = 640
"""Largest side of a view of a painting in pixels."""

LICENCE = "CC0-1.0"
PLAN = "synthesis.json"
"""The note of what a folder's pairs are made with."""

SOURCES = ("synthetic", "painting")
"""Painted pictures, and views of paintings; the music of both is composed."""


def split_of(index: int, count: int) -> str:
    """The split of a pair: the last twentieth is for testing, the one before it for validation."""
    held = max(1, count // 20)
    if index >= count - held:
        return "test"
    return "validation" if index >= count - 2 * held else "train"


def synthesize(
    folder: Path,
    count: int,
    *,
    encoder: Path | None = None,
    paintings: Sequence[Path] = (),
    views: int = 0,
    first_seed: int = 0,
    sound: Sound | None = None,
    comments: bool = False,
    workers: int = 1,
    on_step: OnStep | None = None,
) -> list[Pair]:
    """Make a dataset in `folder`; existing files are kept, so an interrupted run resumes.

    Args:
        folder: the dataset.
        count: pairs with painted pictures.
        encoder: checkpoint whose image encoder sees the characters; the bundled one by default.
        paintings: picture files of further training pairs.
        views: training pairs for each of `paintings`: the picture itself, then crops with slightly changed colours.
        first_seed: seed of the first pair; each further pair has the next one.
        sound: lengths, rate and channels of the music; 10 s in stereo at 44.1 kHz by default.
        comments: give most pairs comments of viewers, and compose for a character between the picture's and the words' mood.
        workers: number of processes.
        on_step: called after every pair.

    Raises:
        SettingError: fewer than three pairs; a seed that is negative or does not fit into the manifest; or a length, a rate
            or channels that cannot be composed.
        DatasetError: `folder` has another dataset, or pairs of another encoder, other paintings or other comments.
        CheckpointError: the encoder is missing, damaged or sees no characters.
    """
    if count < 3 or not 0 <= first_seed <= LAST_SEED:
        raise SettingError(
            f"count {count}, first seed {first_seed}",
            f"at least 3 pairs and a seed of 0 to {LAST_SEED:_}",
            "Choose others.",
        )
    sound = sound or Sound()
    sound.check()
    folder = Path(folder)
    if (folder / MANIFEST).is_file() and any(pair.source not in SOURCES for pair in read_manifest(folder)):
        raise DatasetError(
            f"{folder} contains another dataset", "an empty folder or synthetic pairs", "Choose another."
        )
    seer = encoder or locate(BUNDLED)
    check_image_encoder(seer)
    weights = component_digest(seer, image_component(seer))
    _encoder(seer, weights)
    plan: dict[str, object] = {
        "encoder": weights,
        "music": {"edition": EDITION, **asdict(sound), "seconds": list(sound.seconds)},
    }
    if comments:
        plan["comments"] = file_digest(COMMENTS)
    _check_plan(folder, plan | (_views_of(count, first_seed, paintings, views) if paintings else {}))
    for name in ("artworks", "music"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    job = partial(_Job, folder, seer, weights, sound, comments)
    jobs = [job(first_seed + index, split_of(index, count)) for index in range(count)]
    shown = [(path, view) for path in paintings for view in range(views)]
    jobs += [job(first_seed + count + index, "train", path, view) for index, (path, view) in enumerate(shown)]
    pairs = []
    for pair in spread(_write_pair, jobs, workers):
        pairs.append(pair)
        if on_step:
            on_step(Step("pairs", len(pairs), len(jobs)))
    write_manifest(folder, pairs)
    return pairs


@dataclass(frozen=True)
class _Job:
    """One pair to write: a picture to paint, or a view of a painting."""

    folder: Path
    encoder: Path
    weights: str
    sound: Sound
    comments: bool
    seed: int
    split: str
    painting: Path | None = None
    view: int = 0

    def artwork(self) -> Artwork:
        if self.painting is None:
            return paint(self.seed)
        rng = np.random.default_rng((0, self.view, *self.painting.name.encode()))
        *_, view = views(_small(read_artwork(self.painting)), min(self.view, 1), rng)
        return view


def _small(artwork: Artwork) -> Artwork:
    """A copy of at most `SIDE` pixels a side; the encoder sees less."""
    picture = Image.fromarray(artwork.pixels.permute(1, 2, 0).numpy())
    picture.thumbnail((SIDE, SIDE))
    return Artwork(torch.from_numpy(np.array(picture)).permute(2, 0, 1), artwork.name)


def _views_of(count: int, first_seed: int, paintings: Sequence[Path], views: int) -> dict[str, object]:
    """What decides which seed belongs to which view."""
    shown = {path.name: file_digest(path) for path in paintings}
    return {"count": count, "first_seed": first_seed, "views": views, "paintings": shown}


def _check_plan(folder: Path, plan: dict[str, object]) -> None:
    """Note what the folder's pairs are made with, or compare it with the note of the run that is resumed.

    Raises:
        DatasetError: they were made with something else, so that music would stay that was composed for other characters.
    """
    before = _noted(folder)
    if before == plan:
        return
    if before or any(folder.glob("music/*.flac")):
        other = [name for name in plan if before.get(name) != plan[name]]
        other += [name for name in ("comments", "paintings") if name in before and name not in plan]
        raise DatasetError(
            f"{folder} has pairs that were made with other values of {', '.join(other)}",
            "the encoder, music, comments, count, first seed, views and files of paintings of the run that is resumed",
            "Choose an empty folder, or the values of the first run.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    place(folder / PLAN, f"{json.dumps(plan, indent=1)}\n".encode())


def _noted(folder: Path) -> dict[str, object]:
    with suppress(FileNotFoundError, ValueError, TypeError, RecursionError):
        return dict(json.loads((folder / PLAN).read_text(encoding="utf-8")))
    return {}


def seen_by(folder: Path) -> object:
    """The digest of the image encoder that saw the characters of a folder's pairs in their pictures alone.

    None if the folder was made otherwise, or with comments: the characters of pairs are then those of their music, which lie between
    picture and words, and would tell whoever trains on them what the words say.
    """
    noted = _noted(folder)
    return None if "comments" in noted else noted.get("encoder")


@lru_cache(maxsize=1)
def _encoder(folder: Path, weights: str) -> CharacterEncoder:  # noqa: ARG001  weights that were trained anew are loaded anew
    """The encoder of a process.

    Raises:
        CheckpointError: the encoder is missing, damaged or sees no characters.
    """
    encoder = load_image_encoder(folder, dtype=torch.float32)
    if not isinstance(encoder, CharacterEncoder):
        raise CheckpointError(
            f"the image encoder of {folder.name}",
            "one that sees musical characters, as the bundled one does",
            "Choose pocket, or a converted EfficientNet-Lite.",
        )
    return encoder


def _write_pair(job: _Job) -> Pair:
    name = f"{job.seed:07d}"
    picture, sound = job.folder / "artworks" / f"{name}.png", job.folder / "music" / f"{name}.flac"
    artwork = job.artwork()
    with torch.inference_mode():
        seen: Character = _encoder(job.encoder, job.weights).characters([artwork])[0]
    comments, cause = comments_for(seen, job.seed) if job.comments else ((), seen)
    seconds = job.sound.length(job.seed)
    score = compose_notes(cause, job.seed, seconds)
    if not sound.is_file():
        samples = torch.from_numpy(render(score, cause, job.seed, job.sound.rate, job.sound.channels))[None]
        tags = {"title": name, "comment": "synthetic, CC0-1.0"}
        write_audio(sound, Waveform(samples, job.sound.rate), tags=tags, cover=None)
    if not picture.is_file():
        with replacing(picture) as partial_file:
            Image.fromarray(artwork.pixels.permute(1, 2, 0).numpy()).save(partial_file, "PNG", compress_level=3)
    return Pair(
        id=name,
        split=job.split,
        artwork=f"artworks/{name}.png",
        artwork_sha256=artwork.sha256,
        music=f"music/{name}.flac",
        seconds=seconds,
        sample_rate=job.sound.rate,
        source=SOURCES[job.painting is not None],
        licence=LICENCE if job.painting is None else "music CC0-1.0, picture as the painting",
        seed=job.seed,
        statistics=asdict(measure(artwork)),
        character={key: float(value) for key, value in asdict(cause).items()},
        tempo=score.tempo,
        beats_per_bar=score.beats_per_bar,
        mode=score.mode,
        band=score.band,
        comments=comments,
    )
