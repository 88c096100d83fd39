#!/usr/bin/env bash
# FLAC is lossless. But when written through PyAV, it keeps only 16 bits of floats and 24 bits of 32-bit samples, whatever the
# frames contain, without a warning; FLAC itself has supported 32 bits since 1.4.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet av==18.1.0 numpy==2.4.6 soundfile==0.14.0
cd "$folder"
"$folder/venv/bin/python" -W error - <<'PY'
import av
import numpy as np
import soundfile

RATE = 44100
random = np.random.default_rng(0)
whole = random.integers(-(2**31), 2**31, (1, RATE)).astype(np.int32)
given = {"flt": (whole / 2.0**31 * 0.5).astype(np.float32), "s32": whole}
print("PyAV", av.__version__)
found = {}
for form, sound in given.items():
    with av.open("a.flac", "w") as file:
        stream = file.add_stream("flac", rate=RATE, layout="mono", **({"format": form} if form == "s32" else {}))
        frame = av.AudioFrame.from_ndarray(sound, format=form, layout="mono")
        frame.sample_rate = RATE
        for packet in stream.encode(frame) + stream.encode(None):
            file.mux(packet)
    exact = sound[0] / (2.0**31 if form == "s32" else 1.0)
    off = float(np.abs(soundfile.read("a.flac")[0] - exact).max())
    found[form] = soundfile.info("a.flac").subtype, off
    print(f"frames of {form}: written as {found[form][0]}, off by up to 2**{np.log2(off):.1f} of full scale")
assert found["flt"][0] == "PCM_16"
assert found["flt"][1] > 2**-17
assert found["s32"][0] == "PCM_24"
assert found["s32"][1] > 2**-24
PY
echo "confirmed: FLAC through PyAV keeps 16 bits of floats and 24 of 32"
