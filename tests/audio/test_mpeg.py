"""MP3 files without their last frames, and free-format MP3 files."""

from __future__ import annotations

import random

import pytest

from art2mus_core.audio.mpeg import is_free_format, mpeg_parts
from art2mus_core.audio.reading import read_audio
from art2mus_core.errors import AudioError

from .spliced import ID3V1, frames_of, id3, written

FRAME = 576 / 8000
"""Seconds."""


@pytest.fixture(scope="module")
def mp3(tmp_path_factory):
    return written(tmp_path_factory.mktemp("mp3"), ".mp3", seconds=3.0)


def told(tmp_path, content):
    path, notes = tmp_path / "sound.mp3", []
    path.write_bytes(content)
    read_audio(path, on_note=notes.append)
    return notes


@pytest.mark.parametrize("lost", range(1, 6))
@pytest.mark.parametrize("behind", [b"", ID3V1, b"torn"], ids=["nothing", "a tag", "half a frame"])
def test_a_few_last_frames_that_are_missing_are_told(tmp_path, mp3, lost, behind):
    front, frames = frames_of(mp3)
    behind = frames[-lost][:200] if behind == b"torn" else behind
    (note,) = told(tmp_path, front + b"".join(frames[:-lost]) + behind)
    assert f"ends {lost * FRAME:.2f} s early" in note


def test_what_an_encoder_miscounts_is_no_missing_end(tmp_path, mp3):
    """Its bytes are all there."""
    at = mp3.index(b"Info") + 8
    count = int.from_bytes(mp3[at : at + 4], "big")
    for off in (-1, 0, 1, 2):
        assert told(tmp_path, mp3[:at] + (count + off).to_bytes(4, "big") + mp3[at + 4 :]) == []


@pytest.mark.parametrize("flags", [0, 1, 2, 4, 12])
def test_a_header_that_says_less_tells_less(tmp_path, mp3, flags):
    """Frames alone may be miscounted, and bytes alone may count what stands behind."""
    front, frames = frames_of(mp3)
    at = front.index(b"Info")
    numbers = front[at + 8 : at + 16]
    kept = b"".join(numbers[4 * bit : 4 * bit + 4] for bit in (0, 1) if flags >> bit & 1)
    front = front[: at + 4] + bytes([0, 0, 0, flags]) + kept + front[at + 8 + len(kept) :]
    assert told(tmp_path, front + b"".join(frames)) == []
    assert told(tmp_path, front + b"".join(frames[:-2])) == []
    if flags & 1:
        with pytest.raises(AudioError, match="early"):
            told(tmp_path, front + b"".join(frames[:-6]))


def free(sizes, head=b"\xff\xfb\x00\xc0"):
    """Silent free-format frames; every second one is padded by a byte."""
    return b"".join(
        head[:2] + bytes([head[2] | (number % 2) << 1, head[3]]) + bytes(size - 4 + number % 2)
        for number, size in enumerate(sizes)
    )


@pytest.mark.parametrize(
    "front", [b"", id3(), id3(padding=2000), bytes(50)], ids=["nothing", "tag", "long tag", "zeros"]
)
@pytest.mark.parametrize("size", [60, 500, 2000])
@pytest.mark.parametrize("head", [b"\xff\xfb\x00\xc0", b"\xff\xfa\x04\x00", b"\xff\xf3\x00\xc0"])
def test_a_free_bit_rate_is_named(tmp_path, front, size, head):
    with pytest.raises(AudioError, match="free-format MP3") as refused:
        told(tmp_path, front + free([size] * 40, head))
    assert "save it as FLAC" in refused.value.remedy


def test_no_other_bytes_are_taken_for_a_free_bit_rate(mp3):
    rng = random.Random(5)
    others = [mp3, b"", b"\xff", b"\xff\xfb\x00\xc0" * 3, bytes(9000), b"\xff" * 9000, rng.randbytes(100_000)]
    others += [free([500, 431, 612, 555, 470, 701]), free([500] * 3)]
    assert [is_free_format(content) for content in others] == [False] * len(others)
    assert is_free_format(rng.randbytes(3000) + free([500] * 9))
    assert mpeg_parts(free([500] * 9)) == []
