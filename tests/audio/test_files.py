from __future__ import annotations

import io
import os
import random
import struct

import av
import numpy as np
import pytest
import torch
from PIL import Image

from art2mus_core.audio.coding import KINDS
from art2mus_core.audio.files import picture_block, write_audio
from art2mus_core.audio.reading import read_audio, read_tags
from art2mus_core.errors import AudioError, OutputError
from art2mus_core.types import Waveform

TAGS = {
    "title": "Größe 海",
    "seed": "7",
    "artwork_sha256": "0f" * 32,
    "encoder": "art2mus 1",
    "prompt": "{" + "x" * 70_000,
}


def piece(rate=16_000, channels=1, seconds=1.1):
    t = torch.arange(round(rate * seconds)) / rate
    sound = torch.stack([0.4 * torch.sin(2 * torch.pi * 330 * (c + 1) * t) for c in range(channels)])
    return Waveform((sound * 32768).round()[None] / 32768, rate)


def cover(kind="JPEG", size=(31, 17)):
    sink = io.BytesIO()
    Image.new("RGB", size, (200, 40, 90)).save(sink, kind)
    return sink.getvalue()


def attached(path):
    """The pictures that FFmpeg finds in a file, as bytes."""
    with av.open(str(path)) as container:
        streams = container.streams.video
        return [bytes(packet) for packet in container.demux(streams) if packet.size] if streams else []


@pytest.mark.parametrize("suffix", [".flac", ".wav", ".FLAC"])
@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (22_050, 2), (44_100, 1)])
def test_lossless_files_give_the_samples_back(tmp_path, suffix, rate, channels):
    path = tmp_path / f"ein Stück{suffix}"
    write_audio(path, piece(rate, channels), tags=TAGS, cover=cover())
    read = read_audio(path, mono=False)
    assert read.sample_rate == rate
    assert torch.equal(read.samples, piece(rate, channels).samples)


@pytest.mark.parametrize("suffix", [".mp3", ".ogg", ".opus"])
@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (22_050, 2), (10_000, 1)])
def test_lossy_files_sound_the_same(tmp_path, suffix, rate, channels):
    path = tmp_path / f"piece{suffix}"
    write_audio(path, piece(rate, channels), tags={}, cover=None)
    read, wanted = read_audio(path, rate, mono=False).samples[0], piece(rate, channels).samples[0]
    assert read.shape[0] == channels
    assert abs(read.shape[1] - wanted.shape[1]) <= rate // 500
    inner = slice(rate // 5, -rate // 5)
    heard, meant = read[:, : wanted.shape[1]][:, inner], wanted[:, : read.shape[1]][:, inner]
    gain = (heard * meant).sum() / meant.square().sum()
    assert 0.9 < gain < 1.02  # LAME turns down a little
    assert (heard - gain * meant).square().mean().sqrt() < 0.03 * meant.square().mean().sqrt()


@pytest.mark.parametrize("suffix", KINDS)
def test_tags_come_back(tmp_path, suffix):
    path = tmp_path / f"piece{suffix}"
    write_audio(path, piece(), tags=TAGS, cover=cover())
    tags = read_tags(path)
    for name, value in TAGS.items():
        assert tags["software" if name == "encoder" else name] == value, name


@pytest.mark.parametrize("suffix", [".flac", ".mp3", ".ogg", ".opus"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_cover_comes_back_byte_for_byte(tmp_path, suffix, kind):
    path = tmp_path / f"piece{suffix}"
    write_audio(path, piece(), tags={"title": "t"}, cover=cover(kind))
    assert attached(path) == [cover(kind)]


def test_flac_blocks_are_in_order_and_only_the_last_is_marked(tmp_path):
    path = tmp_path / "piece.flac"
    write_audio(path, piece(), tags={"title": "t"}, cover=cover())
    content, at, kinds, marks = path.read_bytes(), 4, [], []
    while not marks or not marks[-1]:
        header, length = content[at], int.from_bytes(content[at + 1 : at + 4], "big")
        kinds.append(header & 127)
        marks.append(header >> 7)
        at += 4 + length
    assert kinds[:2] == [0, 6]
    assert content[at : at + 2] in (b"\xff\xf8", b"\xff\xf9")
    assert picture_block(cover())[:4] == struct.pack(">I", 3)


def test_channels_are_mixed_and_the_rate_is_changed_on_request(tmp_path):
    path = tmp_path / "piece.wav"
    write_audio(path, piece(22_050, 2), tags={}, cover=None)
    mixed = read_audio(path)
    assert torch.allclose(mixed.samples, piece(22_050, 2).samples.mean(1, keepdim=True))
    assert read_audio(path, 16_000).samples.shape == (1, 1, round(1.1 * 16_000))
    assert read_audio(path, 16_000).sample_rate == 16_000


@pytest.mark.parametrize(
    ("layout", "codec", "scale"), [("u8", "pcm_u8", 128), ("s32", "pcm_s32le", 2**31), ("flt", "pcm_f32le", 1)]
)
def test_other_sample_formats_read_at_their_scale(tmp_path, layout, codec, scale):
    path = tmp_path / "other.wav"
    values = np.array([[0.5, -0.5, 0.25, 0.0] * 400])
    stored = {"u8": values * 128 + 128, "s32": values * scale, "flt": values}[layout]
    kinds = {"u8": np.uint8, "s32": np.int32, "flt": np.float32}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(stored.astype(kinds[layout]), format=layout, layout="mono")
        frame.sample_rate = 8000
        container.mux([*stream.encode(frame), *stream.encode(None)])
    assert np.allclose(read_audio(path).samples[0].numpy(), values, atol=1e-6)


@pytest.mark.parametrize("suffix", KINDS)
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_truncated_files_are_refused_in_silence(tmp_path, capfd, suffix, share):
    path = tmp_path / f"piece{suffix}"
    write_audio(path, piece(seconds=3), tags={}, cover=None)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(AudioError, match="piece"):
        read_audio(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "content", [b"", b"hello\n" * 500, random.Random(0).randbytes(5000), cover(), b"#EXTM3U\n#EXTINF:1,\n/etc/hosts\n"]
)
def test_what_is_no_sound_is_refused_in_silence(tmp_path, capfd, content):
    path = tmp_path / "no sound.flac"
    path.write_bytes(content)
    with pytest.raises(AudioError):
        read_audio(path)
    assert capfd.readouterr() == ("", "")


def test_missing_files_and_folders_are_refused(tmp_path):
    with pytest.raises(AudioError, match="does not exist"):
        read_audio(tmp_path / "none.wav")
    with pytest.raises(AudioError, match="is a folder"):
        read_audio(tmp_path)


def test_places_that_cannot_be_written_are_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "folder.wav").mkdir()
    for name, match in (
        ("piece.xyz", r"\.flac, \.wav, \.mp3"),
        ("piece", "no suffix"),
        ("file/deep/piece.wav", "is a file"),
        ("file/piece.wav", "is a file"),
        ("folder.wav", "is a folder"),
    ):
        with pytest.raises(OutputError, match=match):
            write_audio(tmp_path / name, piece(), tags={}, cover=None)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "folder.wav"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_without_permission_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="cannot be written"):
        write_audio(tmp_path / "piece.wav", piece(), tags={}, cover=None)


def test_a_failed_write_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "piece.flac"
    write_audio(path, piece(), tags={}, cover=None)
    before = path.read_bytes()
    for samples in (
        torch.full((1, 1, 9), float("nan")),
        torch.zeros(2, 1, 9),
        torch.zeros(1, 3, 9),
        torch.zeros(1, 1, 0),
    ):
        with pytest.raises(AudioError):
            write_audio(path, Waveform(samples, 16_000), tags={}, cover=None)
    with pytest.raises(AudioError, match="cover"):
        write_audio(path, piece(), tags={}, cover=b"no picture")
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["piece.flac"]


def test_the_loudest_samples_clip_and_do_not_wrap(tmp_path):
    path = tmp_path / "piece.wav"
    write_audio(path, Waveform(torch.tensor([[[1.5, 1.0, -1.0, -2.0] * 300]]), 8000), tags={}, cover=None)
    assert torch.allclose(read_audio(path).samples[0, 0, :4], torch.tensor([1.0, 1.0, -1.0, -1.0]), atol=1e-4)


@pytest.mark.parametrize("suffix", [".flac", ".wav", ".mp3", ".opus"])
@pytest.mark.parametrize(
    ("title", "kept"),
    [
        ("caf\udce9", "caf\\xe9"),
        ("a\0b\x1b", "a\\x00b\\x1b"),
        ("two\nlines", "two\nlines"),
        ("l" * 70_000, "l" * 70_000),
        ("漢🎨" * 300, "漢🎨" * 300),
    ],
    ids=["no text", "controls", "two lines", "long", "many-byte letters"],
)
def test_tags_take_any_name(tmp_path, suffix, title, kept):
    path = tmp_path / f"a{suffix}"
    write_audio(path, Waveform(torch.zeros(1, 1, 800), 16000), tags={"title": title}, cover=None)
    assert read_tags(path)["title"] == kept


@pytest.mark.parametrize("name", ["Impression: soleil.flac", "concat:a|b.flac", "-dash.flac", "%03d.flac"])
def test_a_name_is_no_address(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write_audio(name, Waveform(torch.zeros(1, 1, 800), 16000), tags={}, cover=None)
    assert read_audio(name).samples.shape == (1, 1, 800)


@pytest.mark.parametrize("suffix", [".flac", ".wav"])
@pytest.mark.parametrize(("quality", "bits"), [("standard", 16), ("16 bit", 16), ("24 bit", 24)])
def test_lossless_files_have_the_bits_asked_for(tmp_path, suffix, quality, bits):
    path = tmp_path / f"piece{suffix}"
    samples = torch.rand(1, 2, 4001, generator=torch.Generator().manual_seed(1)) * 2 - 1
    samples[..., :2] = torch.tensor([1.5, -1.5])
    write_audio(path, Waveform(samples, 16_000), tags={}, cover=cover(), quality=quality)
    error = (read_audio(path, mono=False).samples - samples.clamp(-1, 1)).abs()
    assert error[..., 2:].max() <= 0.5001 / 2 ** (bits - 1)
    assert error.max() <= 1.0001 / 2 ** (bits - 1)  # full scale is one step short of 1
    assert error.max() > 0.4 / 2 ** (bits - 1)


@pytest.mark.parametrize(("suffix", "channels", "most"), [(".mp3", 1, 320), (".opus", 2, 320), (".opus", 1, 256)])
def test_a_bit_rate_is_the_files(tmp_path, suffix, channels, most):
    noise = torch.rand(1, channels, 48_000 * 3, generator=torch.Generator().manual_seed(1)) - 0.5
    wanted = {"64k": 64, "128k": 128, "320k": most, "standard": 96 * channels}
    sizes = {}
    for quality in wanted:
        path = tmp_path / f"{quality}{suffix}"
        write_audio(path, Waveform(noise, 48_000), tags={}, cover=None, quality=quality)
        sizes[quality] = path.stat().st_size * 8 / 3 / 1000
    assert sizes == pytest.approx(wanted, rel=0.2)


def test_a_variable_bit_rate_follows_the_sound(tmp_path):
    noise = torch.rand(1, 1, 48_000, generator=torch.Generator().manual_seed(1)) - 0.5
    sizes = []
    for sound in (noise, torch.zeros_like(noise)):
        write_audio(tmp_path / "piece.mp3", Waveform(sound, 48_000), tags={}, cover=None, quality="V0")
        sizes.append((tmp_path / "piece.mp3").stat().st_size)
    assert sizes[0] > 2 * sizes[1]


@pytest.mark.parametrize(("suffix", "quality"), [(".flac", "320k"), (".mp3", "24 bit"), (".opus", "V0"), (".wav", "")])
def test_a_quality_of_another_kind_is_refused(tmp_path, suffix, quality):
    with pytest.raises(OutputError, match=f"quality '{quality}' for {suffix}; expected one of standard, "):
        write_audio(tmp_path / f"piece{suffix}", piece(), tags={}, cover=None, quality=quality)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", KINDS)
@pytest.mark.parametrize("rate", [8_000, 16_000, 96_000])
def test_every_quality_can_be_written_at_every_rate(tmp_path, suffix, rate):
    for quality in KINDS[suffix].qualities:
        write_audio(tmp_path / f"piece{suffix}", piece(rate, seconds=0.2), tags={}, cover=None, quality=quality)
        assert read_audio(tmp_path / f"piece{suffix}").samples.std() > 0.1


@pytest.mark.parametrize("suffix", [".flac", ".wav", ".mp3", ".opus"])
def test_a_part_of_a_piece_is_written_as_its_copy_is(tmp_path, suffix):
    whole = (
        piece(44_100, 2).samples.transpose(1, 2).contiguous().transpose(1, 2)
    )  # frame by frame, as decoders store it
    part = whole[:, :, 5:40_000]
    for name, samples in (("part", part), ("copy", part.clone())):
        write_audio(tmp_path / f"{name}{suffix}", Waveform(samples, 44_100), tags={}, cover=None)
    part, copy = (read_audio(tmp_path / f"{name}{suffix}", mono=False).samples for name in ("part", "copy"))
    assert torch.equal(part, copy)


@pytest.mark.parametrize("suffix", KINDS)
def test_the_same_sound_is_the_same_file(tmp_path, suffix):
    """FFmpeg numbers Ogg streams at random, unless told otherwise; joined files need two numbers."""
    for name, sound in (("a", piece()), ("b", piece()), ("c", piece(channels=2))):
        write_audio(tmp_path / f"{name}{suffix}", sound, tags=TAGS, cover=None)
    a, b, c = ((tmp_path / f"{name}{suffix}").read_bytes() for name in "abc")
    assert a == b
    assert a[14:18] != c[14:18] or suffix not in {".ogg", ".opus"}


@pytest.mark.parametrize("suffix", KINDS)
def test_samples_may_lie_in_memory_in_any_order(tmp_path, suffix):
    """As those of stereo files do that were read."""
    sound = piece(channels=2)
    turned = Waveform(sound.samples.mT.contiguous().mT, sound.sample_rate)
    for name, each in (("a", sound), ("b", turned)):
        write_audio(tmp_path / f"{name}{suffix}", each, tags={}, cover=None)
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()
