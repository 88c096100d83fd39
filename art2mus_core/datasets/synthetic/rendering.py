"""Render a composition: synthesize its parts, place them in a stereo room, and set the character's loudness."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from ...character import Character
from .bands import BANDS, Band
from .composing import compose_notes
from .drums import CENTRED, STROKES, TUNED, VARIANTS, stroke
from .notes import PARTS, Composition, Note
from .rooms import colour, reverberate, set_loudness
from .voices import VOICES, Voice, tone

__all__ = ["CHANNELS", "RATE", "compose", "loudness_of", "render"]

RATE, CHANNELS = 44_100, 2
QUIETEST, LOUDEST = -29.0, -14.5
"""Integrated loudness of a piece in LUFS at arousal 0 and 1."""

LEVELS = {"melody": 0.0, "answer": -0.5, "accompaniment": -2.5, "pad": -17.0, "bass": -3.0, "percussion": -2.0}
"""Decibels of the parts' loud moments, relative to the melody."""

PANS = {"melody": 0.12, "answer": -0.25, "accompaniment": -0.3, "pad": 0.0, "bass": 0.0, "percussion": 0.0}
"""Places of the parts, -1 left to 1 right."""

SENDS = {"melody": 0.8, "answer": 0.9, "accompaniment": 0.8, "pad": 1.1, "bass": 0.12, "percussion": 0.35}
"""Level of each part in the room."""

LAYERS = 5
"""Velocities at which tones are synthesized; louder ones are brighter."""

FADE = 0.01
"""Seconds of fade at both ends of a piece."""


def loudness_of(character: Character) -> float:
    """The integrated loudness in LUFS of a piece of this character."""
    return QUIETEST + (LOUDEST - QUIETEST) * character.arousal


def compose(
    character: Character, seed: int, seconds: float = 10.0, rate: int = RATE, channels: int = CHANNELS
) -> np.ndarray:
    """Music for a character: float32 [channels, seconds * rate] in -1..1. The same seed gives the same piece."""
    return render(compose_notes(character, seed, seconds), character, seed, rate, channels)


def render(
    composition: Composition, character: Character, seed: int, rate: int = RATE, channels: int = CHANNELS
) -> np.ndarray:
    """The sound of a composition, float32 [channels, seconds * rate] in -1..1; `channels` is 1 or 2."""
    rng = np.random.default_rng((seed, 2))
    band = BANDS[composition.band]
    cast = _cast(band, rng)
    brightness = round(float(np.clip(0.95 - 0.9 * character.warmth + rng.normal(0, 0.04), 0, 1)), 1)
    side = 1.0 if rng.random() < 0.5 else -1.0
    count = round(composition.seconds * rate)
    dry, send = np.zeros((2, count), np.float32), np.zeros(count, np.float32)
    for part in PARTS:
        notes = [note for note in composition.notes if note.part == part]
        if not notes:
            continue
        if part == "percussion":
            bus = _strokes(composition, notes, brightness, count, rate)
        else:
            bus = _tones(
                composition, notes, cast[part], brightness=brightness, pan=side * PANS[part], count=count, rate=rate
            )
        bus *= np.float32(10 ** (_level(part, character) / 20) / _loud(bus, rate))
        dry += bus
        send += np.float32(SENDS[part] / 2) * (bus[0] + bus[1])
    wet = 10 ** ((band.wet - 1.5 + 3.0 * (0.5 - character.arousal)) / 20)
    mixed = dry + np.float32(wet) * reverberate(send, band.room, rate)
    mixed = colour(mixed, brightness, rate)
    if channels == 1:
        mixed = mixed.mean(0, keepdims=True)
    mixed *= _ending(composition, count, rate)
    return _faded(set_loudness(mixed, loudness_of(character), rate), rate)


def _cast(band: Band, rng: np.random.Generator) -> dict[str, Voice]:
    """The instrument of each part."""
    first = int(rng.integers(len(band.melody)))
    second = (first + 1 + int(rng.integers(max(1, len(band.melody) - 1)))) % len(band.melody)
    chosen = {"melody": band.melody[first], "answer": band.melody[second]}
    for part in ("accompaniment", "pad", "bass"):
        options = getattr(band, part)
        if options:
            chosen[part] = options[int(rng.integers(len(options)))]
    return {part: VOICES[name] for part, name in chosen.items()}


def _level(part: str, character: Character) -> float:
    """The level of a part in decibels; percussion is softer in calm pieces."""
    return LEVELS[part] - (9.0 * (1 - character.arousal) if part == "percussion" else 0.0)


def _loud(bus: np.ndarray, rate: int) -> float:
    """RMS amplitude of a part in its loud moments."""
    size = max(1, rate // 20)
    mid = bus[:, : bus.shape[1] // size * size].mean(0).reshape(-1, size)
    levels = np.sqrt((mid * mid).mean(1))
    return max(1e-6, float(np.quantile(levels[levels > 0.05 * levels.max()], 0.8))) if levels.size else 1.0


def _tones(
    composition: Composition,
    notes: list[Note],
    voice: Voice,
    *,
    brightness: float,
    pan: float,
    count: int,
    rate: int,
) -> np.ndarray:
    """The notes of one instrument, float32 [2, count]; equal tones are synthesized once, as long as the longest."""
    bus = np.zeros((2, count), np.float32)
    groups: dict[tuple[int, int], list[Note]] = defaultdict(list)
    for note in notes:
        groups[note.pitch, int(min(LAYERS - 1, note.velocity * LAYERS))].append(note)
    for (pitch, layer), members in groups.items():
        longest = max(_sounding(composition, note, voice) for note in members)
        sound = tone(voice, pitch, longest, (layer + 0.5) / LAYERS, brightness=brightness, rate=rate)
        angle = (np.pi / 4) * (1 + float(np.clip(pan + 0.012 * (pitch - 60) * np.sign(pan or 1.0), -0.6, 0.6)))
        for note in members:
            held = sound[: max(2, round(_sounding(composition, note, voice) * rate))] * np.float32(note.velocity**1.7)
            fade = min(len(held), round(voice.release * rate))
            held[len(held) - fade :] *= _fall(fade)
            start = max(0, round(composition.start(note) * rate))
            end = min(count, start + len(held))
            if end > start:
                bus[0, start:end] += np.float32(np.cos(angle)) * held[: end - start]
                bus[1, start:end] += np.float32(np.sin(angle)) * held[: end - start]
    return bus


def _sounding(composition: Composition, note: Note, voice: Voice) -> float:
    """Seconds of a note with its release; a decaying tone ends when it is 52 dB down."""
    length = composition.duration(note) + voice.release
    if voice.decay:
        length = min(length, 6.0 * voice.decay * float(np.sqrt(261.6 / (440 * 2 ** ((note.pitch - 69) / 12)))))
    return min(length, composition.seconds)


def _fall(count: int) -> np.ndarray:
    return (0.5 + 0.5 * np.cos(np.pi * np.arange(1, count + 1) / max(1, count))).astype(np.float32)


def _strokes(composition: Composition, notes: list[Note], brightness: float, count: int, rate: int) -> np.ndarray:
    bus = np.zeros((2, count), np.float32)
    for number, note in enumerate(notes):
        name = STROKES[note.pitch]
        sound = stroke(name, number % VARIANTS, brightness, rate, composition.tonic if name in TUNED else 0)
        start = max(0, round(composition.start(note) * rate))
        end = min(count, start + len(sound))
        pan = 0.0 if name in CENTRED else 0.35 * (-1) ** note.pitch
        for channel, gain in enumerate((1 - pan, 1 + pan)):
            bus[channel, start:end] += np.float32(gain * note.velocity**1.7) * sound[: max(0, end - start)]
    return bus


def _ending(composition: Composition, count: int, rate: int) -> np.ndarray:
    """1 until the last chord has begun, then a fall to 0 at the end."""
    last = composition.ending * 60 / composition.tempo
    ring = composition.seconds - last
    if composition.ending == 0 or ring <= 0:
        return np.ones(count, np.float32)
    place = (np.arange(count) / rate - last) / ring
    fall = np.clip((place - 0.2) / 0.8, 0, 1)
    return ((0.5 + 0.5 * np.cos(np.pi * fall)) ** 1.5).astype(np.float32)


def _faded(samples: np.ndarray, rate: int) -> np.ndarray:
    fade = int(FADE * rate)
    samples[:, : fade // 10] *= np.linspace(0, 1, fade // 10, dtype=np.float32)
    samples[:, -fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return samples
