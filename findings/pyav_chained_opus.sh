#!/usr/bin/env bash
# An Ogg file may contain several streams in sequence (RFC 3533; web radio and recorders write such files). Here are two Opus
# streams of noise that peak below .5: read by PyAV in one pass, the second starts far beyond full scale; read by soundfile, it is
# missing.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet av==18.1.0 numpy==2.4.6 soundfile==0.14.0
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
from pathlib import Path

import av
import numpy as np
import soundfile

RATE, SERIAL = 48000, slice(14, 18)
random = np.random.default_rng(0)


def decoded(name):
    with av.open(name) as file:
        return np.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio=0)])


parts = []
for name in ("one.opus", "two.opus"):
    sound = np.clip(random.standard_normal((1, 2 * RATE)) * 0.1, -0.4, 0.4).astype(np.float32)
    with av.open(name, "w", format="ogg") as file:
        stream = file.add_stream("libopus", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(sound, format="flt", layout="mono")
        frame.sample_rate = RATE
        for packet in stream.encode(frame) + stream.encode(None):
            file.mux(packet)
    parts.append(decoded(name))
contents = [Path(name).read_bytes() for name in ("one.opus", "two.opus")]
assert contents[0][SERIAL] != contents[1][SERIAL]
Path("chained.opus").write_bytes(b"".join(contents))
both, only = decoded("chained.opus"), soundfile.read("chained.opus")[0]
peaks = [float(np.abs(part).max()) for part in (*parts, both)]

print("PyAV", av.__version__, "soundfile", soundfile.__version__)
print(f"two streams of {[len(part) for part in parts]} samples peak at {peaks[0]:.2f} and {peaks[1]:.2f}")
print(f"PyAV reads {len(both)} that peak at {peaks[2]:.2f}, at sample {np.abs(both).argmax()}; soundfile reads {len(only)}")
assert max(peaks[:2]) < 0.5
assert peaks[2] > 2
assert len(both) == len(parts[0]) + len(parts[1])
assert len(only) == len(parts[0])
PY
echo "confirmed: the second of two chained streams is far too loud in PyAV and missing in soundfile"
