#!/usr/bin/env bash
# The same samples are written twice with the same settings. FLAC, WAV and MP3 files are equal byte by byte; Ogg files (Opus or
# FLAC in Ogg) differ, because FFmpeg draws each stream's number at random. With its flag `bitexact` they are equal.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet av==18.1.0 numpy==2.4.6
"$folder/venv/bin/python" -W error - <<'PY'
import io

import av
import numpy as np

RATE = 48_000
samples = (8000 * np.sin(np.arange(RATE) / 20)).astype(np.int16)[None]


def written(container, codec, form, **options):
    sink = io.BytesIO()
    with av.open(sink, "w", format=container, options=options) as file:
        stream = file.add_stream(codec, rate=RATE, layout="mono", format=form)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE, 0
        frames = av.AudioResampler(form, "mono", RATE).resample(frame)
        file.mux([packet for each in [*frames, None] for packet in stream.encode(each)])
    return sink.getvalue()


print("PyAV", av.__version__)
kinds = {
    "flac": ("flac", "flac", "s16"),
    "wav": ("wav", "pcm_s16le", "s16"),
    "mp3": ("mp3", "libmp3lame", "s16p"),
    "ogg, opus": ("ogg", "libopus", "s16"),
    "ogg, flac": ("ogg", "flac", "s16"),
}
for name, kind in kinds.items():
    one, other = written(*kind), written(*kind)
    print(f"{name}: {len(one)} bytes, {sum(a != b for a, b in zip(one, other))} of them differ")
    assert (one == other) != name.startswith("ogg")
exact = written(*kinds["ogg, opus"], fflags="+bitexact")
assert exact == written(*kinds["ogg, opus"], fflags="+bitexact")
print("ogg, opus, bitexact: equal; number of the stream", int.from_bytes(exact[14:18], "little"))
assert exact[14:18] == bytes(4)
PY
echo "confirmed: equal sounds are equal files, but not in Ogg"
