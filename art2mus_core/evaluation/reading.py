"""Sound files in, what is heard and what is wrong with them out; many files over several processes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..audio.reading import read_audio
from ..datasets.workers import spread
from ..errors import AudioError
from ..measure.sound.faults import Faults, faults
from ..measure.sound.music import Music, measure_samples
from ..types import OnStep, Step, Waveform

__all__ = ["SHORTEST", "check_length", "signals_of", "signals_of_all"]

SHORTEST = 1.0
"""Seconds; of less there is no rhythm to speak of, and no loop."""


def check_length(sound: Waveform) -> None:
    """Refuse a sound that is too short to be judged.

    Raises:
        AudioError: less than a second.
    """
    if sound.seconds < SHORTEST:
        raise AudioError(
            f"a piece of {sound.seconds:.2f} s", f"{SHORTEST:.0f} s or more", "Leave it out, or make it longer."
        )


def signals_of(path: Path | str) -> tuple[Music, Faults]:
    """What is heard in a sound file of any rate and channels, and its faults.

    Raises:
        AudioError: no such file, a damaged one, less than a second, or samples that are not finite.
    """
    sound = read_audio(path, mono=False)
    try:
        check_length(sound)
        samples = sound.samples[0].numpy()
        return measure_samples(samples, sound.sample_rate), faults(samples, sound.sample_rate)
    except AudioError as error:
        raise AudioError(f"{path} holds {error.came}", error.expected, error.remedy) from error


def signals_of_all(
    paths: Sequence[Path], *, workers: int = 1, on_step: OnStep | None = None
) -> list[tuple[Music, Faults]]:
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
