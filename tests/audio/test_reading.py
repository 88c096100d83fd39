"""Files as other writers, tools and networks leave them: what players play is read whole, and what is missing is told."""

from __future__ import annotations

import random
import re
import struct
from contextlib import suppress

import numpy as np
import pytest
import torch

from art2mus_core.audio.reading import read_audio, read_tags
from art2mus_core.errors import AudioError

from .spliced import (
    ID3V1,
    LYRICS1,
    LYRICS2,
    RATE,
    aiff,
    ape,
    au,
    chunk,
    frames_of,
    id3,
    pages_of,
    pcm,
    rf64,
    sound,
    w64,
    wav,
    written,
)

DATA, BIG = pcm(), pcm(">")
N = len(DATA)
INFO = chunk(b"LIST", b"INFO" + chunk(b"INAM", b"name") + chunk(b"ICMT", b"c" * 301))
STREAMED = (0, 0x7FFFFFFF, 0x7FFFF000, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFF - 36, 0x7FFFF024)
EXTENSIBLE = struct.pack("<HHIIHHHHIH", 0xFFFE, 1, RATE, 2 * RATE, 2, 16, 22, 16, 4, 1) + bytes.fromhex(
    "000000001000800000aa00389b71"
)
GARBAGE = random.Random(3).randbytes(700)

UNCOMPRESSED = {
    **{f"total {size:x}": wav(DATA, total=size) for size in STREAMED},
    **{f"data {size:x}": wav(DATA, size=size) for size in STREAMED},
    **{f"both {size:x}": wav(DATA, size=size, total=size) for size in STREAMED},
    **{f"total {slip:+d}": wav(DATA, total=N + 36 + slip) for slip in (8, -8, 1, -1, 100)},
    "data counts the header": wav(DATA, size=N + 44),
    "LIST behind": wav(DATA, back=INFO),
    "LIST behind a placeholder": wav(DATA, back=INFO, size=0xFFFFFFFF, total=0xFFFFFFFF),
    "id3 and bext": wav(DATA, front=chunk(b"bext", bytes(602)), back=chunk(b"id3 ", id3())),
    "JUNK in front": wav(DATA, front=chunk(b"JUNK", bytes(28))),
    "garbage behind": wav(DATA, back=GARBAGE, total=N + 36),
    "extensible": wav(DATA, form=EXTENSIBLE),
    "RF64": rf64(DATA, N),
    "BW64": rf64(DATA, N, b"BW64"),
    "RF64 streamed": rf64(DATA, 2**64 - 1),
    "RF64 zero": rf64(DATA, 0),
    "Wave64": w64(DATA),
    "Wave64 without sizes": w64(DATA, size=0, total=0),
    "Wave64 streamed": w64(DATA, size=2**63 - 1, total=2**63 - 1),
    "AIFF": aiff(BIG),
    "AIFF with an id3": aiff(BIG, back=chunk(b"ID3 ", id3(), ">")),
    "AIFF streamed": aiff(BIG, total=2**32 - 1, size=2**32 - 1, frames=2**32 - 1),
    "AIFF without sizes": aiff(BIG, total=0, size=0, frames=0),
    "AIFF by SoX": aiff(BIG, total=0x7F000000 + 46, size=0x7F000008, frames=0x7F000000 // 2),
    "AIFF total off": aiff(BIG, total=N + 200),
    "AIFC": aiff(BIG, compressed=True),
    "AIFC streamed": aiff(BIG, total=0, size=0, frames=0, compressed=True),
    "AU": au(BIG, N),
    "AU streamed": au(BIG, 2**32 - 1),
}


@pytest.mark.parametrize("name", UNCOMPRESSED)
def test_uncompressed_files_are_judged_by_their_samples(tmp_path, name):
    path = tmp_path / "sound.wav"
    path.write_bytes(UNCOMPRESSED[name])
    told = []
    assert torch.equal(read_audio(path, on_note=told.append).samples, sound().samples)
    assert told == []


TAGGED = (
    "LIST behind",
    "both ffffffff",
    "data ffffffff",
    "RF64",
    "RF64 streamed",
    "Wave64",
    "AIFF",
    "AIFF streamed",
    "AU",
)


@pytest.mark.parametrize("name", TAGGED)
@pytest.mark.parametrize(
    "tag", [id3(), id3(padding=3), id3(padding=200_000), id3(4, footer=True), id3(4) + id3(padding=1)]
)
def test_a_tag_in_front_is_passed_over(tmp_path, name, tag):
    path = tmp_path / "sound.wav"
    path.write_bytes(tag + UNCOMPRESSED[name])
    told = []
    assert torch.equal(read_audio(path, on_note=told.append).samples, sound().samples)
    assert told == []
    read_tags(path)
    path.write_bytes(tag)
    with pytest.raises(AudioError):
        read_audio(path)


@pytest.mark.parametrize("size", [None, 0xFFFFFFFF, 0])
@pytest.mark.parametrize("tag", [b"", id3(padding=3)])
def test_tags_of_a_wav_are_read_whatever_its_sizes(tmp_path, size, tag):
    path = tmp_path / "sound.wav"
    path.write_bytes(tag + wav(DATA, front=INFO, size=size, total=size))
    assert read_tags(path)["title"] == "name"


def test_a_short_sound_behind_a_tag_is_told(tmp_path):
    path = tmp_path / "sound.wav"
    path.write_bytes(id3(padding=7) + wav(DATA, size=N + 4096))
    with pytest.raises(AudioError, match=r"sound\.wav ends 0\.26 s early"):
        read_audio(path)


def test_an_odd_chunk_without_its_padding_is_whole(tmp_path):
    path = tmp_path / "sound.wav"
    form = struct.pack("<HHIIHH", 1, 1, RATE, RATE, 1, 8)
    values = (np.arange(4001) % 200).astype(np.uint8)
    for total in (None, 4001 + 37):
        path.write_bytes(wav(values.tobytes(), form=form, total=total))
        assert np.array_equal(read_audio(path).samples[0, 0].numpy(), values.astype(np.float32) / 128 - 1)


CUT = {
    "WAV": wav(DATA, size=N + 4096),
    "WAV with both": wav(DATA, size=N + 4096, total=N + 4096 + 36),
    "WAV extensible": wav(DATA, size=N + 4096, form=EXTENSIBLE),
    "RF64": rf64(DATA, N + 4096),
    "Wave64": w64(DATA, size=N + 4096 + 24),
    "AIFF": aiff(BIG, size=N + 4096 + 8, frames=(N + 4096) // 2),
    "AU": au(BIG, N + 4096),
}


@pytest.mark.parametrize("name", CUT)
def test_a_header_that_promises_more_samples_is_told_with_how_much(tmp_path, name):
    path = tmp_path / "sound.wav"
    path.write_bytes(CUT[name])
    with pytest.raises(
        AudioError, match=r"sound\.wav ends 0\.26 s early: .* 12,096 bytes of samples, and the file has 8,000;"
    ):
        read_audio(path)


BEHIND = {
    "ID3v1": ID3V1,
    "Lyrics3": LYRICS1 + ID3V1,
    "Lyrics3 v2": LYRICS2 + ID3V1,
    "Lyrics3 v2 alone": LYRICS2,
    "APE": ape(),
    "APE without a header": ape(header=False),
    "APE 1": ape(1000, header=False) + ID3V1,
    "bare APE footer": ape(header=False, items=0),
    "ID3v2.3": id3(3),
    "ID3v2.4": id3(4, footer=True),
    "zeros": bytes(100),
    "many zeros": bytes(70_000),
    "text": b"hello " * 50,
    "garbage": GARBAGE,
}
FRONT = {
    "zeros": bytes(100),
    "many zeros": bytes(70_000),
    "two ID3v2": id3(3) + id3(4),
    "ID3v2 and zeros": id3(3, padding=500) + bytes(900),
    "text": b"hello " * 50,
    "APE": ape(),
}


@pytest.fixture(scope="module")
def mp3(tmp_path_factory):
    return written(tmp_path_factory.mktemp("mp3"), ".mp3", seconds=0.6)


@pytest.fixture
def read(tmp_path):
    """Samples of bytes, and what was told of them."""

    def read(content, suffix=".mp3"):
        path, told = tmp_path / f"sound{suffix}", []
        path.write_bytes(content)
        return read_audio(path, mono=False, on_note=told.append).samples, told

    return read


@pytest.mark.parametrize("name", BEHIND)
def test_what_stands_behind_an_mp3_is_passed_over(read, mp3, name):
    assert torch.equal(read(mp3 + BEHIND[name])[0], read(mp3)[0])
    assert read(mp3 + BEHIND[name])[1] == []


@pytest.mark.parametrize("name", FRONT)
def test_what_stands_in_front_of_an_mp3_is_passed_over(read, mp3, name):
    assert torch.equal(read(FRONT[name] + mp3)[0], read(mp3)[0])


@pytest.mark.parametrize("junk", [b"\xff", bytes(40), GARBAGE, GARBAGE * 30, id3()], ids=len)
def test_junk_between_frames_costs_no_frame_and_is_told(read, mp3, junk):
    front, frames = frames_of(mp3)
    spliced = front + b"".join(frame + junk * (index % 5 == 2) for index, frame in enumerate(frames))
    samples, told = read(spliced)
    assert torch.equal(samples, read(mp3)[0])
    assert len(told) == 1
    assert f"{len(junk) * len([*range(2, len(frames) - 1, 5)]):,} bytes between its frames" in told[0]


def test_joined_mp3s_are_all_read_whatever_the_first_header_says(read, mp3, tmp_path):
    other = written(tmp_path, ".mp3", seconds=0.9, seed=1)
    one, two = read(mp3)[0], read(other)[0]
    for parts in ((mp3, other), (other, ID3V1, mp3), (mp3, id3(), other, mp3)):
        samples, told = read(b"".join(parts))
        wanted = torch.cat([{mp3: one, other: two}[each] for each in parts if each in (mp3, other)], -1)
        assert torch.equal(samples, wanted)
        assert told == []


def test_joined_mp3s_of_other_rates_go_on_at_the_first_and_are_told(read, mp3, tmp_path):
    other = written(tmp_path, ".mp3", seconds=0.5, rate=16_000, channels=2)
    samples, told = read(mp3 + other)
    assert samples.shape == (1, 1, round(0.6 * RATE) + round(0.5 * RATE))
    assert "changes to 16,000 Hz and 2 channels" in told[0]


def test_an_mp3_without_a_xing_header_is_read(read, mp3):
    _, frames = frames_of(mp3)
    assert read(b"".join(frames))[0].shape[-1] == 576 * len(frames)
    assert read(id3() + b"".join(frames) + ID3V1)[0].shape[-1] == 576 * len(frames)


def test_an_mp3_that_lacks_promised_frames_is_told_with_how_many(tmp_path, mp3):
    front, frames = frames_of(mp3)
    path = tmp_path / "sound.mp3"
    path.write_bytes(front + b"".join(frames[:-6]))
    with pytest.raises(AudioError, match=rf"ends 0\.43 s early: its Xing header states {len(frames)} frames"):
        read_audio(path)


def test_a_frame_that_cannot_be_decoded_is_left_out_and_told(read, mp3):
    front, frames = frames_of(mp3)
    frames[4] = frames[4][:4] + b"\xff" * (len(frames[4]) - 4)
    samples, told = read(front + b"".join(frames))
    assert 0 < read(mp3)[0].shape[-1] - samples.shape[-1] <= 2 * 576
    assert "packets that cannot be decoded were skipped (1)" in told[0]


@pytest.fixture(scope="module")
def flac(tmp_path_factory):
    return written(tmp_path_factory.mktemp("flac"), ".flac", seconds=3.0)


def test_flac_with_tags_around_it_joined_or_of_unknown_length(read, flac, tmp_path):
    whole = sound(3.0).samples
    unknown = bytearray(flac)
    unknown[21] &= 0xF0
    unknown[22:26] = bytes(4)
    for content in (id3() + flac, flac + ID3V1, flac + id3(4), flac + bytes(300), bytes(unknown), id3() + unknown):
        assert torch.equal(read(content, ".flac")[0], whole)
    other = written(tmp_path, ".flac", seconds=0.7, seed=2)
    joined = torch.cat([whole, sound(0.7, seed=2).samples], -1)
    for content in (flac + other, id3() + flac + other):
        assert torch.equal(read(content, ".flac")[0], joined)
    cut = (flac[:-300], id3() + flac[: len(flac) // 2], other + flac[:-300], bytes(unknown[:-300]))
    for content in cut:
        with pytest.raises(AudioError, match="early"):
            read(content, ".flac")


def test_a_hole_in_a_flac_is_told_with_its_length(read, flac):
    broken = bytearray(flac)
    broken[len(flac) // 2 : len(flac) // 2 + 60] = GARBAGE[:60]
    samples, told = read(bytes(broken), ".flac")
    missing = 3.0 - samples.shape[-1] / RATE
    assert 0.05 < missing < 1.5
    assert f"{missing:.2f} s in the middle cannot be decoded" in told[0]


def test_ogg_chained_or_with_something_behind_is_whole_and_needs_its_last_page(read, tmp_path):
    one, two = (written(tmp_path, ".opus", seconds=s, seed=seed) for s, seed in ((2.3, 0), (0.6, 1)))
    first, second = read(one, ".opus")[0], read(two, ".opus")[0]
    for content in (one + bytes(70_000), one + GARBAGE, one + b"xxOggSxx", one + ID3V1):
        assert torch.equal(read(content, ".opus")[0], first)
    for parts in ((one, two), (two, one), (one, two, one)):
        wanted = torch.cat([first if each is one else second for each in parts], -1)
        assert torch.equal(read(b"".join(parts), ".opus")[0], wanted)
    pages = pages_of(one)
    for content in (b"".join(pages[:-1]), one[:-30], two + b"".join(pages[:-1])):
        with pytest.raises(AudioError, match="its last Ogg page"):
            read(content, ".opus")


def test_a_damaged_page_is_left_out_and_told_unless_it_is_nearly_all(read, tmp_path):
    for seconds, spoilt in ((3.3, False), (1.3, True)):
        content = bytearray(written(tmp_path, ".opus", seconds=seconds))
        start = len(b"".join(pages_of(bytes(content))[:2]))
        content[start + 200 : start + 240] = GARBAGE[:40]
        if spoilt:
            with pytest.raises(AudioError, match="of it can be decoded"):
                read(bytes(content), ".opus")
            continue
        samples, told = read(bytes(content), ".opus")
        assert samples.shape[-1] < seconds * 48_000
        assert "in the middle cannot be decoded and were skipped" in told[0]


def float_wav(values):
    data = np.asarray(values, "<f4").tobytes()
    return wav(data, form=struct.pack("<HHIIHH", 3, 1, RATE, 4 * RATE, 4, 32))


@pytest.mark.parametrize(("peak", "said"), [(1.0, None), (1.9, None), (4.0, r"\+12.0 dBFS"), (90.0, r"\+39.1 dBFS")])
def test_floats_beyond_full_scale_are_told_and_not_clipped(read, peak, said):
    values = np.linspace(-peak, peak, 999)
    samples, told = read(float_wav(values), ".wav")
    assert np.allclose(samples[0, 0].numpy(), values)
    assert len(told) == (said is not None)
    assert said is None or re.search(said, told[0])


@pytest.mark.parametrize(
    ("value", "said"),
    [(-32768.0, r"peaks at \+90\.3 dBFS \(32,768 times"), (127.0, r"\+42"), (np.nan, "1 of 999"), (np.inf, "1 of 999")],
)
def test_integers_stored_as_floats_and_what_is_not_finite_are_refused(read, value, said):
    values = np.linspace(-0.5, 0.5, 999)
    values[17] = value
    with pytest.raises(AudioError, match=said):
        read(float_wav(values), ".wav")


def test_tags_in_another_encoding_stop_nothing(read, mp3, tmp_path):
    read(mp3[len(mp3) - sum(map(len, frames_of(mp3)[1])) :] + ID3V1)
    assert read_tags(tmp_path / "sound.mp3")["title"].startswith("Gr")
    named = wav(DATA, back=chunk(b"LIST", b"INFO" + chunk(b"INAM", "Größe".encode("latin-1") + b"\x00")))
    assert torch.equal(read(named, ".wav")[0], sound().samples)
    assert "title" in read_tags(tmp_path / "sound.wav")


def test_damage_anywhere_is_a_sound_or_an_error_of_ours_and_silent(tmp_path, mp3, flac, capfd):
    draw = random.Random(5)
    opus = written(tmp_path, ".opus", seconds=1.2)
    for whole, suffix in ((mp3, ".mp3"), (flac, ".flac"), (opus, ".opus"), (wav(DATA, back=INFO), ".wav")):
        for _ in range(12):
            content, at = bytearray(whole), draw.randrange(len(whole))
            if draw.random() < 0.5:
                del content[at : at + draw.randrange(1, 500)]
            else:
                content[at:at] = draw.randbytes(draw.randrange(1, 500))
            path = tmp_path / f"damaged{suffix}"
            path.write_bytes(content)
            with suppress(AudioError):
                assert read_audio(path, on_note=lambda _: None).samples.isfinite().all()
    assert capfd.readouterr() == ("", "")
