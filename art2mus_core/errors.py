"""The exception tree. Every message has three parts: what was given or found, what was expected, what to do.

    Art2MusError
    |-- ArtworkError        a picture that cannot be read or measured
    |-- OutputError         a file or folder that cannot be written
    |-- SettingError        a value outside its range (seconds, steps, guidance, seed), or an unknown name
    |-- CheckpointError     weights that are missing, damaged or of another shape
    |-- AudioError          a sound that cannot be read or measured
    |-- DatasetError        a dataset that contradicts its manifest
    '-- EvaluationError     systems or pieces that cannot be compared or scored

The command line prints the message and exits with code 2; nodes show it as the node's error.
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
    """Base class of all errors that a user can correct.

    Args:
        came: what was given or found.
        expected: what would have been right.
        remedy: what to do now.
    """

    def __init__(self, came: str, expected: str, remedy: str) -> None:
        self.came, self.expected, self.remedy = came, expected, remedy
        super().__init__(f"{came}; expected {expected}. {remedy}")

    def __reduce__(self) -> tuple[type[Art2MusError], tuple[str, str, str]]:
        """Pickle the three parts, so that the error can be passed between processes."""
        return type(self), (self.came, self.expected, self.remedy)


class ArtworkError(Art2MusError):
    """A picture that cannot be read or measured."""


class OutputError(Art2MusError):
    """A file or folder that cannot be written."""


class SettingError(Art2MusError):
    """A setting outside its range, or an unknown name."""


class CheckpointError(Art2MusError):
    """Weights that are missing, damaged or of another shape."""


class AudioError(Art2MusError):
    """A sound that cannot be read or measured."""


class DatasetError(Art2MusError):
    """A dataset that contradicts its manifest."""


class EvaluationError(Art2MusError):
    """Missing pairs, too few pieces, or a missing embedder: nothing that could be compared or scored."""
