"""The exception tree. Every message has three parts: what came, what was expected, what to do.

    Art2MusError
    |-- ArtworkError        a picture that cannot be read or measured
    |-- OutputError         a place or a format that cannot be written
    |-- SettingError        a value outside its range (seconds, steps, guidance, seed, a name)
    |-- CheckpointError     weights that are missing, damaged or of another shape
    |-- AudioError          a sound that cannot be read or measured
    |-- DatasetError        a manifest or a pair that does not hold what it promises
    '-- EvaluationError     what cannot be compared or scored

The command line prints the message and leaves with exit code 2; the nodes show it as the node's error.
"""

from __future__ import annotations

__all__ = [
    "Art2MusError",
    "ArtworkError",
    "AudioError",
    "CheckpointError",
    "DatasetError",
    "EvaluationError",
    "OutputError",
    "SettingError",
]


class Art2MusError(Exception):
    """Base of every error a person can mend.

    Args:
        came: what was given or found.
        expected: what would have been right.
        remedy: what to do now.
    """

    def __init__(self, came: str, expected: str, remedy: str) -> None:
        self.came, self.expected, self.remedy = came, expected, remedy
        super().__init__(f"{came}; expected {expected}. {remedy}")

    def __reduce__(self) -> tuple[type[Art2MusError], tuple[str, str, str]]:
        """As three parts again where it comes out of another process."""
        return type(self), (self.came, self.expected, self.remedy)


class ArtworkError(Art2MusError):
    """A picture that cannot be read or measured."""


class OutputError(Art2MusError):
    """A place or a format that cannot be written."""


class SettingError(Art2MusError):
    """A setting outside its range, or a name that is not known."""


class CheckpointError(Art2MusError):
    """Weights that are missing, damaged or of another shape."""


class AudioError(Art2MusError):
    """A sound that cannot be read or measured."""


class DatasetError(Art2MusError):
    """A manifest or a pair that does not hold what it promises."""


class EvaluationError(Art2MusError):
    """What cannot be compared or scored: missing pairs, too few pieces, an embedder that is not here."""
