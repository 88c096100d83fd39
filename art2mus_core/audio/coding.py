"""How sound files are coded: the kinds by suffix, and the qualities of each."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["KINDS", "STANDARD", "Coding", "Kind", "qualities"]

STANDARD = "standard"
"""The quality of every kind when none is asked for: 16 bits a sample, or 96 kbit/s a channel."""


@dataclass(frozen=True)
class Coding:
    """One quality.

    Attributes:
        codec: FFmpeg's encoder.
        layout: its sample format; 32-bit formats hold 24 bits.
        each: bits a second for each channel, or
        whole: for all channels.
        options: of the encoder.
    """

    codec: str
    layout: str
    each: int | None = None
    whole: int | None = None
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """What a suffix stands for.

    Attributes:
        container: FFmpeg's muxer.
        qualities: by name, :data:`STANDARD` first.
        rates: in hertz that the codec takes; empty for all.
        most: bits a second that the codec takes for a channel, if it refuses more.
    """

    container: str
    qualities: dict[str, Coding]
    rates: tuple[int, ...] = ()
    most: int | None = None


def _lossless(codec16: str, codec24: str) -> dict[str, Coding]:
    return {STANDARD: Coding(codec16, "s16"), "16 bit": Coding(codec16, "s16"), "24 bit": Coding(codec24, "s32")}


def _lossy(codec: str, layout: str) -> dict[str, Coding]:
    rates = {f"{rate}k": Coding(codec, layout, whole=1000 * rate) for rate in (64, 96, 128, 192, 320)}
    return {STANDARD: Coding(codec, layout, each=96_000), **rates}


_VARIABLE = Coding("libmp3lame", "s16p", options={"flags": "+qscale", "global_quality": "0"})
_MP3 = Kind(
    "mp3",
    _lossy("libmp3lame", "s16p") | {"V0": _VARIABLE},
    (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
)
_OPUS = Kind("ogg", _lossy("libopus", "s16"), (8000, 12000, 16000, 24000, 48000), most=256_000)

KINDS = {
    ".flac": Kind("flac", _lossless("flac", "flac")),
    ".wav": Kind("wav", _lossless("pcm_s16le", "pcm_s24le")),
    ".mp3": _MP3,
    ".ogg": _OPUS,
    ".opus": _OPUS,
}
"""Kinds that can be written by suffix, the default first."""


def qualities(suffix: str) -> tuple[str, ...]:
    """Names of the qualities of a suffix of :data:`KINDS`."""
    return tuple(KINDS[suffix].qualities)
