"""Measures the sounds of `definitions.py` with librosa, essentia and pyloudnorm: FOLDER/references.json.

    python -m venv other && other/bin/pip install librosa essentia pyloudnorm soundfile
    other/bin/python benchmarks/definitions_references.py FOLDER

This script uses none of the project's code, and the project none of these packages. essentia is under the AGPL: it is run, not
shipped.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import essentia
import essentia.standard as es
import librosa
import numpy as np
import pyloudnorm
import soundfile

NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLATS = {"Db": "C#", "Eb": "D#", "Gb": "F#", "Ab": "G#", "Bb": "A#"}
KRUMHANSL = (
    (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
)


def of_librosa(mono: np.ndarray, rate: int) -> dict[str, float]:
    spectrum = np.abs(librosa.stft(mono))
    centroid = librosa.feature.spectral_centroid(S=spectrum, sr=rate)[0]
    chroma = librosa.feature.chroma_cqt(y=mono, sr=rate, tuning=0).sum(1)
    fits = np.array([[np.corrcoef(np.roll(p, k), chroma)[0, 1] for k in range(12)] for p in KRUMHANSL])
    pitches, weights = librosa.piptrack(
        y=mono, sr=rate, n_fft=8192 if rate > 20_000 else 4096, fmin=60, fmax=2100, threshold=0.03
    )
    peaks = weights > 0
    onsets = librosa.onset.onset_detect(y=mono, sr=rate, hop_length=512 if rate > 20_000 else 256)
    return {
        "onset_rate.librosa": len(onsets) * rate / len(mono),
        "tempo.librosa": float(np.ravel(librosa.feature.tempo(y=mono, sr=rate))[0]),
        "brightness.librosa": math.log2(np.average(centroid, weights=spectrum.sum(0) + 1e-12) + 1e-9),
        "register.librosa": float(np.average(librosa.hz_to_midi(pitches[peaks]), weights=weights[peaks]))
        if peaks.any()
        else math.nan,
        "mode.librosa": float(fits[0].max() - fits[1].max()),
        "key.librosa": float(fits.max(0).argmax()),
    }


def of_essentia(mono: np.ndarray, rate: int) -> dict[str, float]:
    at = librosa.resample(mono, orig_sr=rate, target_sr=44_100) if rate != 44_100 else mono
    window, spectrum, centre = es.Windowing(type="hann"), es.Spectrum(), es.Centroid(range=rate / 2)
    frames = [spectrum(window(frame)) for frame in es.FrameGenerator(mono, frameSize=2048, hopSize=512)]
    found = {
        "onset_rate.essentia": float(es.OnsetRate()(at)[1]),
        "tempo.essentia": float(es.RhythmExtractor2013(method="multifeature")(at)[0]),
        "dynamics.essentia": float(es.DynamicComplexity(sampleRate=44_100)(at)[0]),
        "brightness.essentia": math.log2(
            np.average([centre(frame) for frame in frames], weights=[frame.sum() + 1e-12 for frame in frames]) + 1e-9
        ),
    }
    for profile in ("bgate", "edma", "krumhansl", "temperley"):
        key, scale, strength = es.KeyExtractor(profileType=profile, sampleRate=44_100)(at)
        found[f"mode.essentia-{profile}"] = float(strength) * (1 if scale == "major" else -1)
        found[f"key.essentia-{profile}"] = float(NAMES.index(FLATS.get(key, key)))
    return found


def loudness(samples: np.ndarray, rate: int) -> dict[str, float]:
    """Integrated loudness in LUFS. Essentia requires two channels: mono is duplicated, and the 3 dB are subtracted."""
    both = samples if samples.shape[1] == 2 else np.repeat(samples, 2, 1)
    at = np.stack([librosa.resample(channel, orig_sr=rate, target_sr=44_100) for channel in both.T], 1)
    extra = 0.0 if samples.shape[1] == 2 else 10 * math.log10(2)
    return {
        "loudness.pyloudnorm": float(pyloudnorm.Meter(rate).integrated_loudness(samples)),
        "loudness.essentia": float(es.LoudnessEBUR128(sampleRate=44_100)(np.ascontiguousarray(at))[2]) - extra,
    }


def main() -> None:
    essentia.log.infoActive = essentia.log.warningActive = False
    folder, found = Path(sys.argv[1]), {}
    for path in sorted(folder.glob("*.wav")):
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        mono = np.ascontiguousarray(samples.mean(1))
        found[path.stem] = of_librosa(mono, rate) | of_essentia(mono, rate) | loudness(samples, rate)
    (folder / "references.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
