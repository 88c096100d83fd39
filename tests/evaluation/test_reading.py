from __future__ import annotations

import pickle
import struct
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.signal import resample_poly

from art2mus_core.audio.files import write_audio
from art2mus_core.audio.reading import read_audio
from art2mus_core.character import Character
from art2mus_core.datasets.synthetic.rendering import compose
from art2mus_core.errors import AudioError, EvaluationError
from art2mus_core.evaluation import reading, study
from art2mus_core.evaluation.collection import read_collection
from art2mus_core.evaluation.reading import measure_piece, read_files
from art2mus_core.evaluation.records import Collection, Piece, Subject
from art2mus_core.evaluation.scoring.score import score
from art2mus_core.images.reading import read_artwork
from art2mus_core.measure.sound.faults import faults
from art2mus_core.measure.sound.music import FACTS, measure_samples
from art2mus_core.types import Waveform

from .studies import study_of

RATE = 16_000


@pytest.fixture(scope="module")
def sound():
    return compose(Character(0.6, 0.7, 0.4, 0.5, 0.2, 0.3, 0), 11, 4.0, RATE, 1)[0]


def system(paths):
    """A collection of one system."""
    pieces = tuple(Piece(Subject(path.stem), path=path) for path in paths)
    return Collection(paths[0].parent, {piece.id: piece.subject for piece in pieces}, {"ours": pieces})


def write(path, channels, rate=RATE):
    write_audio(path, Waveform(torch.tensor(np.atleast_2d(channels))[None].float(), rate), tags={}, cover=None)
    return path


def test_a_file_reads_as_its_samples(tmp_path, sound):
    quantised = (np.rint(sound * 32768) / 32768).astype(np.float32)
    facts, found = measure_piece(read_audio(write(tmp_path / "a.flac", quantised), mono=False))
    assert facts == measure_samples(quantised[None], RATE)
    assert found == faults(quantised[None], RATE)


def test_rates_and_channels_may_be_mixed(tmp_path, sound):
    high = resample_poly(sound, 441, 160)
    paths = [write(tmp_path / "mono.flac", sound), write(tmp_path / "stereo.wav", np.stack([high, high]), 44_100)]
    told = []
    _, readings = read_files(system(paths), pieces=measure_piece, on_step=told.append)
    (mono, _), (stereo, _) = (readings.values[path] for path in paths)
    assert stereo.loudness == pytest.approx(mono.loudness + 3.01, abs=0.05)
    for name in set(FACTS) - {"loudness"}:
        assert getattr(stereo, name) == pytest.approx(getattr(mono, name), rel=0.05, abs=0.05), name
    assert [(step.stage, step.done, step.total) for step in told] == [("read", 1, 2), ("read", 2, 2)]


def test_clipping_is_seen_in_files_of_another_rate(tmp_path, sound):
    loud = np.clip(4 * resample_poly(sound, 3, 1), -0.5, 0.5)
    _, found = measure_piece(read_audio(write(tmp_path / "a.wav", np.stack([loud, loud]), 48_000), mono=False))
    assert found.clipping == pytest.approx(np.mean(np.abs(loud) == 0.5), abs=0.01)
    assert found.clipping > 0.05


def float_wav(path, samples):
    """A WAV of 32-bit floats, which may hold what 16 bits can't."""
    data = np.asarray(samples, "<f4").tobytes()
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + len(data),
        b"WAVE",
        b"fmt ",
        16,
        3,
        1,
        RATE,
        4 * RATE,
        4,
        32,
        b"data",
        len(data),
    )
    path.write_bytes(header + data)
    return path


def test_files_that_cannot_be_measured_are_left_out_and_named(tmp_path, sound):
    broken = sound.copy()
    broken[100:103] = np.nan
    whole = write(tmp_path / "whole.flac", sound)
    paths = [float_wav(tmp_path / "broken.wav", broken), write(tmp_path / "short.flac", sound[: RATE // 2]), whole]
    for name, content in (("empty.flac", b""), ("text.flac", b"not a sound at all")):
        (tmp_path / name).write_bytes(content)
        paths.append(tmp_path / name)
    rest, readings = read_files(system(paths), pieces=measure_piece)
    assert [piece.path for piece in rest.systems["ours"]] == list(readings.values) == [whole]
    said = "; ".join(rest.left_out.values())
    assert "broken.wav has 3 of 64000 samples that are NaN" in said
    assert "short.flac contains a sound of 0.50 s" in said
    assert len(rest.left_out) == 4
    with pytest.raises(EvaluationError, match="no piece is left"):
        read_files(system(paths[:2]), pieces=measure_piece)


def test_every_file_is_decoded_once(known_cause, tmp_path, monkeypatch):
    """By measures, embedders and distances."""
    decoded = []

    def counting(read):
        def reading(path, *args, **more):
            decoded.append(Path(path))
            return read(path, *args, **more)

        return reading

    for module in (reading, study):
        monkeypatch.setattr(module, "read_audio", counting(read_audio))
    monkeypatch.setattr(reading, "read_artwork", counting(read_artwork))
    collection = read_collection(known_cause)
    collection = replace(collection, systems={name: own[:4] for name, own in collection.systems.items()})
    score(study_of(collection, tmp_path))
    pieces = [piece.path for own in collection.systems.values() for piece in own]
    everything = {*pieces, *collection.reference.values(), *collection.background, *collection.artworks.values()}
    assert sorted(decoded) == sorted(everything)


def test_what_an_embedder_cannot_hear_is_left_out(tmp_path, sound):
    paths = [write(tmp_path / f"{name}.flac", sound) for name in ("a", "b")]

    def on_content(path, content):
        if path == paths[0]:
            raise AudioError("a sound that is not liked", "another", "Leave it out.")

    rest, _ = read_files(system(paths), on_content=on_content)
    assert [piece.path for piece in rest.systems["ours"]] == paths[1:]
    assert "a.flac contains a sound that is not liked" in rest.left_out[paths[0]]


def test_what_processes_hand_each_other_can_be_handed(tmp_path, sound):
    work = reading._Task(write(tmp_path / "a.flac", sound), measure_piece, wanted=True)
    with warnings.catch_warnings():  # torch 2.4 warns of its own pickles
        warnings.simplefilter("ignore", FutureWarning)
        there = pickle.loads(pickle.dumps(reading._run(pickle.loads(pickle.dumps(work)))))
    assert there.value == measure_piece(there.content)
