"""The parameters of the instruments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["VOICES", "Voice"]


@dataclass(frozen=True)
class Voice:
    """An instrument.

    Attributes:
        spectrum: `saw`, `odd`, `soft`, `organ` or `string` (plucked at a fifth of its length).
        tilt: exponent with which the harmonics fall.
        partials: number of harmonics.
        attack: seconds to full level.
        release: seconds of fade after the note.
        decay: seconds until the first partial of C4 falls to 1/e; 0 for sustained tones.
        damping: how much faster each further partial decays.
        stretch: inharmonicity of stiff strings.
        copies: number of detuned copies.
        detune: cents of the outermost copies.
        noise: level of the attack's noise.
        noise_hertz: its frequency.
        noise_decay: its time constant in seconds.
        breath: level of sustained noise.
        glow: level of the attack's additional high partials, for sustained tones.
        vibrato: cents.
        ratios: (ratio, amplitude, share of the decay) of each partial, instead of harmonics.
        formants: (hertz, width, gain) of resonances.
    """

    spectrum: str = "saw"
    tilt: float = 1.2
    partials: int = 20
    attack: float = 0.003
    release: float = 0.08
    decay: float = 0.0
    damping: float = 0.22
    stretch: float = 0.0
    copies: int = 1
    detune: float = 0.0
    noise: float = 0.0
    noise_hertz: float = 2500.0
    noise_decay: float = 0.006
    breath: float = 0.0
    glow: float = 0.0
    vibrato: float = 0.0
    ratios: tuple[tuple[float, float, float], ...] = ()
    formants: tuple[tuple[float, float, float], ...] = ()

    def shape(self, h: np.ndarray) -> np.ndarray:
        """Amplitudes of harmonics."""
        fall = np.asarray(h, float) ** -self.tilt
        if self.spectrum == "odd":
            return np.where(h % 2 == 1, 1.0, 0.1) * fall
        if self.spectrum == "organ":
            return np.isin(h, (1, 2, 3, 4, 6, 8, 12, 16)) * fall
        if self.spectrum == "string":
            return (np.abs(np.sin(np.pi * h * 0.21)) + 0.02) * fall
        return fall


AH = ((700.0, 130.0, 3.0), (1150.0, 150.0, 2.0), (2700.0, 300.0, 1.5))
BODY = ((300.0, 80.0, 1.2), (480.0, 90.0, 1.0), (2400.0, 600.0, 1.0))

VOICES: dict[str, Voice] = {
    # hammers and plucked strings
    "piano": Voice(
        "string", 1.25, 22, 0.002, 0.12, 1.3, 0.2, 4e-4, 2, 0.7, noise=0.9, noise_hertz=900.0, noise_decay=0.012
    ),
    "jazz piano": Voice(
        "string", 1.45, 18, 0.002, 0.1, 0.9, 0.24, 4e-4, 2, 1.1, noise=0.8, noise_hertz=700.0, noise_decay=0.012
    ),
    "keys": Voice(
        attack=0.002,
        release=0.1,
        decay=1.1,
        ratios=((1.0, 1.0, 1.0), (2.0, 0.28, 0.7), (3.0, 0.1, 0.5), (4.0, 0.06, 0.4), (7.02, 0.12, 0.08)),
        noise=0.5,
    ),
    "harp": Voice("string", 1.2, 18, 0.002, 0.35, 0.8, 0.3, noise=0.7, noise_hertz=3000.0, noise_decay=0.004),
    "guitar": Voice(
        "string",
        1.15,
        22,
        0.002,
        0.09,
        0.75,
        0.3,
        1e-4,
        noise=1.3,
        noise_hertz=3500.0,
        noise_decay=0.005,
        formants=BODY,
    ),
    "mandolin": Voice(
        "string", 1.0, 20, 0.001, 0.09, 0.45, 0.25, 1e-4, 2, 4.0, noise=1.4, noise_hertz=4500.0, noise_decay=0.004
    ),
    "pizzicato": Voice("string", 1.4, 14, 0.002, 0.06, 0.2, 0.3, noise=1.0, noise_hertz=1200.0),
    "pluck synth": Voice("saw", 1.15, 22, 0.002, 0.08, 0.3, 0.25, copies=2, detune=5.0, noise=0.6, noise_hertz=5000.0),
    # bars, tines and bells
    "music box": Voice(
        attack=0.001,
        release=0.4,
        decay=0.9,
        ratios=((1.0, 1.0, 1.0), (2.0, 0.12, 0.6), (5.41, 0.3, 0.16), (9.9, 0.12, 0.06)),
        noise=0.9,
        noise_hertz=6000.0,
        noise_decay=0.003,
    ),
    "celesta": Voice(
        attack=0.002,
        release=0.3,
        decay=0.8,
        ratios=((1.0, 1.0, 1.0), (2.0, 0.2, 0.7), (4.0, 0.35, 0.4), (8.0, 0.08, 0.15)),
        noise=0.6,
        noise_hertz=4000.0,
        noise_decay=0.004,
    ),
    "glass": Voice(
        attack=0.008,
        release=0.6,
        decay=1.5,
        ratios=((1.0, 1.0, 1.0), (2.0, 0.25, 0.7), (3.0, 0.2, 0.5), (4.02, 0.15, 0.35), (6.03, 0.1, 0.2)),
        copies=2,
        detune=1.6,
        noise=0.25,
        noise_hertz=7000.0,
    ),
    "kalimba": Voice(
        attack=0.002,
        release=0.25,
        decay=0.6,
        ratios=((1.0, 1.0, 1.0), (2.0, 0.1, 0.6), (5.43, 0.2, 0.1)),
        noise=0.9,
        noise_hertz=2500.0,
        noise_decay=0.005,
    ),
    "marimba": Voice(
        attack=0.002,
        release=0.2,
        decay=0.32,
        ratios=((1.0, 1.0, 1.0), (3.93, 0.3, 0.25), (9.2, 0.1, 0.1)),
        noise=0.9,
        noise_hertz=1000.0,
        noise_decay=0.007,
    ),
    "vibraphone": Voice(
        attack=0.002,
        release=0.3,
        decay=1.4,
        ratios=((1.0, 1.0, 1.0), (3.99, 0.22, 0.35), (9.8, 0.06, 0.1)),
        copies=2,
        detune=3.0,
        noise=0.5,
        noise_hertz=1500.0,
    ),
    # basses
    "double bass": Voice("string", 1.3, 16, 0.004, 0.07, 0.6, 0.35, noise=0.8, noise_hertz=600.0, noise_decay=0.012),
    "soft bass": Voice("soft", 2.0, 8, 0.006, 0.08, 0.9, 0.3, noise=0.3, noise_hertz=400.0),
    "synth bass": Voice("saw", 1.1, 18, 0.003, 0.04, 0.45, 0.35, noise=0.4, noise_hertz=1500.0),
    "cello": Voice("saw", 1.4, 18, 0.05, 0.12, glow=0.5, noise=0.3, noise_hertz=900.0, noise_decay=0.03),
    "pedal": Voice("organ", 1.5, 12, 0.03, 0.15),
    # bowed and blown
    "strings": Voice("saw", 1.5, 14, 0.09, 0.3, copies=2, detune=4.0),
    "violin": Voice(
        "saw",
        1.15,
        20,
        0.04,
        0.1,
        glow=0.4,
        vibrato=11.0,
        noise=0.3,
        noise_hertz=3500.0,
        noise_decay=0.03,
        formants=BODY,
    ),
    "fiddle": Voice(
        "saw",
        1.05,
        20,
        0.02,
        0.08,
        glow=0.7,
        vibrato=7.0,
        noise=0.7,
        noise_hertz=3500.0,
        noise_decay=0.025,
        formants=BODY,
    ),
    "flute": Voice(
        "soft", 1.9, 8, 0.04, 0.09, glow=0.3, vibrato=8.0, noise=0.5, noise_hertz=2500.0, noise_decay=0.04, breath=0.012
    ),
    "whistle": Voice(
        "soft", 1.7, 8, 0.02, 0.06, glow=0.6, vibrato=5.0, noise=0.7, noise_hertz=4000.0, noise_decay=0.02, breath=0.015
    ),
    "pipe flute": Voice("soft", 1.8, 8, 0.03, 0.12, glow=0.5, noise=0.4, noise_hertz=2000.0, noise_decay=0.03),
    "oboe": Voice(
        "saw",
        0.9,
        18,
        0.03,
        0.07,
        glow=0.2,
        vibrato=7.0,
        formants=((1100.0, 250.0, 2.5), (2900.0, 400.0, 1.0)),
        noise=0.2,
    ),
    "clarinet": Voice(
        "odd", 1.2, 18, 0.03, 0.07, glow=0.3, vibrato=4.0, noise=0.3, noise_hertz=1500.0, noise_decay=0.02
    ),
    "trumpet": Voice("saw", 0.95, 20, 0.025, 0.08, glow=0.5, vibrato=4.0, formants=((1200.0, 500.0, 1.5),), noise=0.4),
    "muted trumpet": Voice(
        "saw", 1.0, 20, 0.025, 0.07, glow=0.4, vibrato=6.0, formants=((1800.0, 500.0, 2.0),), noise=0.4
    ),
    "choir": Voice("saw", 1.7, 20, 0.1, 0.3, copies=2, detune=4.0, formants=AH),
    "organ": Voice("organ", 1.0, 16, 0.015, 0.1, noise=0.7, noise_hertz=3000.0, noise_decay=0.008),
    "lead": Voice("saw", 1.2, 22, 0.008, 0.08, copies=2, detune=6.0, glow=1.0, vibrato=5.0),
    "synth pad": Voice("saw", 1.5, 14, 0.08, 0.3, copies=3, detune=6.0),
    "glass pad": Voice(
        attack=0.15,
        release=0.4,
        ratios=((1.0, 1.0, 1.0), (2.0, 0.3, 1.0), (3.0, 0.12, 1.0), (4.0, 0.08, 1.0)),
        copies=2,
        detune=3.0,
    ),
}
