"""One picture written in many ways: colours, depths and layouts that Pillow does not write itself."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

PRIMARIES = {
    "srgb": ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)),
    "adobe": ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)),
    "p3": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    "bt2020": ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    "prophoto": ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)),
}
D65, D50 = (0.3127, 0.3290), (0.3457, 0.3585)
SHAPES = {1: "B", 3: "H", 4: "I"}
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def xyz(x, y):
    return np.array([x / y, 1, (1 - x - y) / y])


def to_xyz(primaries, white):
    """From linear RGB to XYZ, not adapted."""
    corners = np.stack([xyz(*corner) for corner in primaries], 1)
    return corners * np.linalg.solve(corners, xyz(*white))


def adaptation(source, target):
    gains = np.diag((BRADFORD @ xyz(*target)) / (BRADFORD @ xyz(*source)))
    return np.linalg.inv(BRADFORD) @ gains @ BRADFORD


def linear(rows):
    """Light of sRGB rows of 8 bits."""
    v = rows / 255
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def srgb_curve(light):
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055)


def light_in(rows, space, white=D65):
    """Linear light of sRGB rows in another space's primaries."""
    matrix = np.linalg.inv(to_xyz(PRIMARIES[space], white)) @ adaptation(D65, white) @ to_xyz(PRIMARIES["srgb"], D65)
    return np.clip(linear(rows) @ matrix.T, 0, 1)


def quantised(encoded, bits=8):
    return np.rint(np.clip(encoded, 0, 1) * (2**bits - 1)).astype(np.uint8 if bits <= 8 else np.uint16)


def pq(light):
    """PQ signal of light, white paper (1) being 203 cd/m2."""
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    powered = (light * 203 / 10_000) ** m1
    return ((c1 + c2 * powered) / (1 + c3 * powered)) ** m2


def hlg(light):
    """HLG signal of light shown on a display of 1,000 cd/m2, white paper (1) being 203 cd/m2."""
    shown = light * 0.203
    brightness = np.maximum(shown @ [0.2627, 0.6780, 0.0593], 1e-9)[..., None]
    scene = shown * brightness ** (1 / 1.2 - 1)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-9)) + c)


def profile(primaries, white=D65, gamma=None, space=b"RGB "):
    """An ICC profile of version 2 for a display, or with `space` b"GRAY" for grey; without `gamma` on sRGB's curve."""
    if gamma is None:
        points = np.rint(linear(np.linspace(0, 255, 1024)) * 65535).astype(">u2")
        curve = struct.pack(">4s4xI", b"curv", 1024) + points.tobytes()
    else:
        curve = struct.pack(">4s4xIH2x", b"curv", 1, round(gamma * 256))

    def place(values):
        return struct.pack(">4s4x3i", b"XYZ ", *(round(float(v) * 65536) for v in values))

    tags = {b"wtpt": place(xyz(*white))}
    if space == b"GRAY":
        tags |= {b"kTRC": curve}
    else:
        matrix = adaptation(white, D50) @ to_xyz(primaries, white)
        tags |= {name: place(matrix[:, i]) for i, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
        tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    text = b"a test"
    tags |= {b"desc": struct.pack(">4s4xI", b"desc", len(text) + 1) + text + bytes(79), b"cprt": b"text\0\0\0\0none\0"}
    index, body, start = b"", b"", 132 + 12 * len(tags)
    for name, value in tags.items():
        index += struct.pack(">4sII", name, start + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    head = struct.pack(
        ">I4xI4s4s4s12x4s28x", start + len(body), 0x02400000, b"mntr", space, b"XYZ ", b"acsp"
    ) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + index + body


def with_code_points(icc, primaries, transfer):
    """The profile with one tag more, `cicp`, in the place of its copyright."""
    at = icc.index(b"cprt")
    (offset,) = struct.unpack_from(">I", icc, at + 4)
    tag = b"cicp" + bytes([0, 0, 0, 0, primaries, transfer, 0, 1])
    changed = icc[:at] + struct.pack(">4sII", b"cicp", offset, len(tag)) + icc[at + 12 : offset] + tag
    return struct.pack(">I", len(changed)) + changed[4:]


def png(rows, *chunks):
    """A PNG file of rows of 8 or 16 bits, with (kind, content) chunks before its pixels."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    high, wide, channels = rows.shape
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    stored = rows.astype(rows.dtype.newbyteorder(">"))
    head = struct.pack(">IIBBBBB", wide, high, 8 * rows.itemsize, kind, 0, 0, 0)
    lines = b"".join(b"\0" + stored[y].tobytes() for y in range(high))
    parts = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def gama(value):
    return b"gAMA", struct.pack(">I", round(value * 100_000))


def chrm(primaries, white=D65):
    values = [v for corner in (white, *primaries) for v in corner]
    return b"cHRM", struct.pack(">8I", *(round(v * 100_000) for v in values))


def cicp(primaries, transfer):
    return b"cICP", bytes([primaries, transfer, 0, 1])


def iccp(icc):
    return b"iCCP", b"a test\0\0" + zlib.compress(icc)


def with_nclx(kind, rows, primaries, transfer):
    """An AVIF or HEIF file hardly with a loss, whose `nclx` says other code points than were used to write it."""
    sink = io.BytesIO()
    best = {"AVIF": {"quality": 100, "subsampling": "4:4:4"}, "HEIF": {"quality": -1, "chroma": 444}}
    Image.fromarray(rows).save(sink, kind, **best[kind])
    content = sink.getvalue()
    at = content.index(b"nclx") + 4
    return content[:at] + struct.pack(">HH", primaries, transfer) + content[at + 4 :]


def camera_exif(space, rule):
    """EXIF data with a colour space and a rule of interoperability."""
    head = b"Exif\0\0II*\0" + struct.pack("<IHHHIII", 8, 1, 0x8769, 4, 1, 26, 0)
    own = struct.pack("<HHHIIHHIII", 2, 0xA001, 3, 1, space, 0xA005, 4, 1, 56, 0)
    return head + own + struct.pack("<HHHI4sI", 1, 1, 2, 4, rule.encode().ljust(4, b"\0"), 0)


def jp2_with_profile(rows, icc):
    """A JP2 file whose `colr` box holds a profile."""
    sink = io.BytesIO()
    Image.fromarray(rows).save(sink, "JPEG2000", irreversible=False)
    content = sink.getvalue()
    head = content.index(b"jp2h") - 4
    (size,) = struct.unpack_from(">I", content, head)
    colr = content.index(b"colr") - 4
    (old,) = struct.unpack_from(">I", content, colr)
    new = struct.pack(">I4sBBB", 11 + len(icc), b"colr", 2, 0, 0) + icc
    inner = content[head + 8 : colr] + new + content[colr + old : head + size]
    return content[:head] + struct.pack(">I4s", 8 + len(inner), b"jp2h") + inner + content[head + size :]


def tiff(samples, bits, photometric=1, kind=1, **layout):
    """A TIFF file of samples [H, W, C], whole numbers of so many bits or floats, with tags of one's own.

    Layout: `big` (byte order), `deflate`, `predictor`, `planar`, `rows` (a strip), `tile` (its side), `tags` {tag: (type, values)}.
    """
    order = ">" if layout.get("big") else "<"
    high, wide, channels = samples.shape
    planes = [samples[..., c : c + 1] for c in range(channels)] if layout.get("planar") else [samples]
    tile, predictor = layout.get("tile"), layout.get("predictor", 1)
    parts = []
    for plane in planes:
        if tile:
            full = np.zeros((-(-high // tile) * tile, -(-wide // tile) * tile, plane.shape[2]), plane.dtype)
            full[:high, :wide] = plane
            tops, lefts = range(0, full.shape[0], tile), range(0, full.shape[1], tile)
            blocks = [full[y : y + tile, x : x + tile] for y in tops for x in lefts]
        else:
            step = layout.get("rows", high)
            blocks = [plane[y : y + step] for y in range(0, high, step)]
        parts += [_stored(block, bits, order, predictor) for block in blocks]
    if layout.get("deflate"):
        parts = [zlib.compress(part) for part in parts]
    offsets = [8 + sum(map(len, parts[:i])) for i in range(len(parts))]
    where, sizes = (324, 325) if tile else (273, 279)
    tags = {
        256: (4, [wide]),
        257: (4, [high]),
        258: (3, [bits] * channels),
        259: (3, [8 if layout.get("deflate") else 1]),
        262: (3, [photometric]),
        277: (3, [channels]),
        284: (3, [2 if layout.get("planar") else 1]),
        317: (3, [predictor]),
        339: (3, [kind] * channels),
        where: (4, offsets),
        sizes: (4, [len(p) for p in parts]),
        **({322: (4, [tile]), 323: (4, [tile])} if tile else {278: (4, [layout.get("rows", high)])}),
        **layout.get("tags", {}),
    }
    start = 8 + sum(map(len, parts))
    beyond, entries, values = start + 6 + 12 * len(tags), b"", b""
    for tag, (shape, own) in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(own)}{SHAPES[shape]}", *own) if shape != 5 else b""
        if shape == 5:
            packed = b"".join(struct.pack(f"{order}II", round(v * 1_000_000), 1_000_000) for v in own)
        entries += struct.pack(f"{order}HHI", tag, shape, len(own))
        entries += packed.ljust(4, b"\0") if len(packed) <= 4 else struct.pack(f"{order}I", beyond + len(values))
        values += packed if len(packed) > 4 else b""
    head = (b"MM\0*" if layout.get("big") else b"II*\0") + struct.pack(f"{order}I", start)
    return b"".join([head, *parts, struct.pack(f"{order}H", len(tags)), entries, bytes(4), values])


def bigtiff(samples, *, big):
    """A BigTIFF of colours [H, W, 3] in one strip."""
    order, bits = ">" if big else "<", 8 * samples.itemsize
    stored = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    shorts = {259: 1, 262: 2, 277: 3, 284: 1}
    longs = {256: samples.shape[1], 257: samples.shape[0], 278: samples.shape[0], 273: 16, 279: len(stored)}
    entries = {tag: struct.pack(f"{order}HHQH6x", tag, 3, 1, value) for tag, value in shorts.items()}
    entries |= {tag: struct.pack(f"{order}HHQI4x", tag, 4, 1, value) for tag, value in longs.items()}
    entries[258] = struct.pack(f"{order}HHQ3H2x", 258, 3, 3, bits, bits, bits)
    head = struct.pack(f"{order}2sHHHQ", b"MM" if big else b"II", 43, 8, 0, 16 + len(stored))
    body = b"".join(entries[tag] for tag in sorted(entries))
    return head + stored + struct.pack(f"{order}Q", len(entries)) + body + bytes(8)


def _stored(block, bits, order, predictor):
    if predictor == 2:
        block = np.diff(block, axis=1, prepend=np.zeros_like(block[:, :1]))
    if bits in {8, 16, 32, 64}:
        stored = block.astype(block.dtype.newbyteorder(order))
        if predictor == 3:
            high, wide, channels = block.shape
            planes = block.astype(block.dtype.newbyteorder(">")).view(np.uint8).reshape(high, wide * channels, -1)
            line = planes.transpose(0, 2, 1).reshape(high, -1, channels)
            return np.diff(line, axis=1, prepend=np.zeros_like(line[:, :1])).tobytes()
        return stored.tobytes()
    single = (block.reshape(len(block), -1, 1) >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(single.reshape(len(block), -1).astype(np.uint8), axis=1).tobytes()
