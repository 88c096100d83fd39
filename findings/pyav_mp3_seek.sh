#!/usr/bin/env bash
# A segment is read from an MP3 by seeking, decoding, and counting from the timestamp of the first frame. The timestamps are late
# by the encoder's delay (1,105 samples), which decoding from the start removes, and the first two frames after a seek are wrong.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet av==18.1.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import av
import numpy as np

RATE = 44100
sound = (0.2 * np.random.default_rng(0).standard_normal(RATE * 6)).astype(np.float32)
with av.open("a.mp3", "w") as file:
    stream = file.add_stream("libmp3lame", rate=RATE, layout="mono")
    stream.bit_rate = 192000
    frame = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
    frame.sample_rate = RATE
    for packet in stream.encode(frame) + stream.encode(None):
        file.mux(packet)


def decoded(seconds=None):
    with av.open("a.mp3") as file:
        if seconds is not None:
            file.seek(int(seconds * 1e6))
        frames = list(file.decode(audio=0))
        return round(float(frames[0].pts * frames[0].time_base) * RATE), np.concatenate([f.to_ndarray()[0] for f in frames])


_, whole = decoded()
print("PyAV", av.__version__, "samples written and read", len(sound), len(whole))
for seconds in (1.0, 3.0):
    stamp, part = decoded(seconds)
    near = stamp - 4000
    matched = np.correlate(whole[near : stamp + 12000], part[5000:9000], "valid")
    place = near + int(matched.argmax()) - 5000
    differs = np.abs(part[:6000] - whole[place : place + 6000]) > 1e-4
    wrong = int(np.nonzero(differs)[0].max()) + 1
    print(f"seek to {seconds} s: timestamp {stamp}, which is sample {place}; the first {wrong} samples differ")
    assert stamp - place == 1105
    assert 1152 < wrong < 2600
PY
echo "confirmed: timestamps after a seek are 1,105 samples late"
