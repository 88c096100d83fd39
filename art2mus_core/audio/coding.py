"""The formats of written audio files by suffix, and the qualities of each."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["KINDS", "STANDARD", "Coding", "Kind"]

STANDARD = "standard"
"""The default quality of every format: 16 bits a sample, or 96 kbit/s a channel."""


@dataclass(frozen=True)
class Coding:
    """Encoder settings of one quality.

    Attributes:
        codec: FFmpeg's name of the encoder.
        layout: FFmpeg's sample format; 32-bit formats hold 24 bits.
        each: bit rate of each channel in bits a second.
        whole: bit rate of all channels together, instead of `each`.
        options: options of the encoder.
    """

    codec: str
    layout: str
    each: int | None = None
    whole: int | None = None
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """A file format.

    Attributes:
        container: FFmpeg's name of the muxer.
        qualities: settings by name, :data:`STANDARD` first.
        rates: sample rates in hertz that the codec supports; empty for all.
        most: the codec's largest bit rate of a channel in bits a second; None without a limit.
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
"""Writable formats by suffix, the default first."""
