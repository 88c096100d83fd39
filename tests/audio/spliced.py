"""Sound files by their bytes: our own writer's, and headers as other writers leave them."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import torch

from art2mus_core.audio.containers import ogg_pages
from art2mus_core.audio.files import write_audio
from art2mus_core.audio.mpeg import mpeg_parts
from art2mus_core.types import Waveform

RATE = 8000


def sound(seconds=0.5, channels=1, rate=RATE, seed=0):
    """Noise and a tone whose values 16 bits hold exactly."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate)) / rate
    values = 0.3 * np.sin(2 * np.pi * (300 + 100 * seed) * t) + 0.05 * rng.normal(size=(channels, len(t)))
    return Waveform(torch.from_numpy(np.rint(values * 32768) / 32768).float()[None], rate)


def written(folder: Path, suffix: str, **of) -> bytes:
    path = folder / f"written{suffix}"
    write_audio(path, sound(**of), tags={"title": "t"}, cover=None)
    return path.read_bytes()


def pcm(order="<", **of) -> bytes:
    return (sound(**of).samples[0].numpy().T * 32768).astype(f"{order}i2").tobytes()


def chunk(name: bytes, content: bytes, order="<", size=None) -> bytes:
    length = len(content) if size is None else size
    return name + struct.pack(f"{order}I", length) + content + bytes(len(content) % 2)


def wav(data: bytes, *, total=None, size=None, form=None, front=b"", back=b"", magic=b"RIFF") -> bytes:
    form = form or struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)
    body = b"WAVE" + front + chunk(b"fmt ", form) + b"data"
    body += struct.pack("<I", len(data) if size is None else size) + data + back
    return magic + struct.pack("<I", len(body) if total is None else total) + body


def rf64(data: bytes, size: int, magic=b"RF64") -> bytes:
    sizes = struct.pack("<QQQI", min(size + 72, 2**64 - 1), size, min(size // 2, 2**64 - 1), 0)
    return wav(data, total=2**32 - 1, size=2**32 - 1, front=chunk(b"ds64", sizes), magic=magic)


def w64(data: bytes, *, size=None, total=None) -> bytes:
    def name(mark: bytes) -> bytes:
        return mark + bytes.fromhex("f3acd3118cd100c04f8edb8a")

    form = struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)
    body = name(b"wave") + name(b"fmt ") + struct.pack("<Q", 24 + len(form)) + form
    body += name(b"data") + struct.pack("<Q", 24 + len(data) if size is None else size) + data
    magic = bytes.fromhex("72696666 2e91cf11 a5d628db 04c10000")
    return magic + struct.pack("<Q", 24 + len(body) if total is None else total) + body


def aiff(data: bytes, *, total=None, size=None, frames=None, compressed=False, back=b"") -> bytes:
    rate = struct.pack(">HQ", 16383 + 12, RATE << 51)
    common = struct.pack(">hIh", 1, len(data) // 2 if frames is None else frames, 16) + rate
    body = b"AIFF" + chunk(b"COMM", common, ">")
    if compressed:
        body = b"AIFC" + chunk(b"COMM", common + b"NONE\x00\x00", ">")
    body += b"SSND" + struct.pack(">III", len(data) + 8 if size is None else size, 0, 0) + data + back
    return b"FORM" + struct.pack(">I", len(body) if total is None else total) + body


def au(data: bytes, size: int) -> bytes:
    return b".snd" + struct.pack(">IIIII", 24, size, 3, RATE, 1) + data


def frames_of(mp3: bytes) -> tuple[bytes, list[bytes]]:
    """Everything up to the first frame of sound, and the frames."""
    (part,) = mpeg_parts(mp3)
    return mp3[: part.frames[0][0]], [mp3[start:end] for start, end in part.frames]


def pages_of(ogg: bytes) -> list[bytes]:
    return [ogg[page.start : page.end] for page in ogg_pages(ogg)]


def id3(version=3, padding=0, footer=False) -> bytes:
    body = b"TIT2" + struct.pack(">IH", 6, 0) + b"\x00title"[:6] + bytes(padding)
    size = bytes(len(body) >> shift & 127 for shift in (21, 14, 7, 0))
    head = bytes([version, 0, 16 if footer else 0]) + size
    return b"ID3" + head + body + (b"3DI" + head if footer else b"")


ID3V1 = b"TAG" + "Größe".encode("latin-1").ljust(124, b" ") + b"\x01"
LYRICS1 = b"LYRICSBEGIN" + b"words " * 30 + b"LYRICSEND"
LYRICS2 = b"LYRICSBEGININD0000210LYR00020" + b"w" * 20 + b"000049LYRICS200"


def ape(version=2000, *, header=True, items=1) -> bytes:
    item = (struct.pack("<II", 5, 0) + b"Title\x00abcde") * items
    mark, zero = b"APETAGEX", bytes(8)
    flags = 1 << 31 if header else 0
    foot = mark + struct.pack("<IIII", version, len(item) + 32, items, flags) + zero
    head = mark + struct.pack("<IIII", version, len(item) + 32, items, flags | 1 << 29) + zero
    return (head if header else b"") + item + foot
