"""Sound files in, facts and faults out; many files over several processes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...audio.reading import read_audio
from ...datasets.workers import spread
from ...errors import AudioError
from ...types import OnStep, Step
from .faults import Faults, faults
from .music import MusicFacts, listen

__all__ = ["signals_of", "signals_of_all"]


def signals_of(path: Path | str) -> tuple[MusicFacts, Faults]:
    """What is heard in a sound file of any rate, channels mixed; and its faults, at its own rate and channels.

    Raises:
        AudioError: no such file, a damaged one, less than a second, or samples that are not finite.
    """
    waveform = read_audio(path, mono=False)
    samples = waveform.samples[0].numpy()
    try:
        return listen(samples.mean(0), waveform.sample_rate), faults(samples, waveform.sample_rate)
    except AudioError as error:
        raise AudioError(f"{path} holds {error.came}", error.expected, error.remedy) from error


def signals_of_all(
    paths: Sequence[Path], *, workers: int = 1, on_step: OnStep | None = None
) -> list[tuple[MusicFacts, Faults]]:
    """:func:`signals_of` of every path, in their order.

    Args:
        paths: sound files.
        workers: processes; a few files are measured in this one.
        on_step: told after each file.

    Raises:
        AudioError: as :func:`signals_of`, of the first such file.
    """
    found = []
    for done, signals in enumerate(spread(signals_of, paths, workers), start=1):
        found.append(signals)
        if on_step:
            on_step(Step("signals", done, len(paths)))
    return found
