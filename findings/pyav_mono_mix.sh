#!/usr/bin/env bash
# Two equal channels are mixed to mono, and a mono sound is converted to stereo. The level that PyAV gives them depends on the
# sample format of the result: two channels of .5 become .5 with 16 bits and .707 as float (beyond full scale if they were .9);
# stereo made from mono is 3 dB softer in both formats. If a loader changes its sample format, the loudness of its stereo files
# changes, but not that of its mono files.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet av==18.1.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import av
import numpy as np

RATE = 44100
mono = (0.5 * np.sin(np.arange(RATE) / 20)).astype(np.float32)[None]


def peak(sound, given, wanted, form):
    frame = av.AudioFrame.from_ndarray(sound, format="fltp", layout=given)
    frame.sample_rate = RATE
    mixer = av.AudioResampler(format=form, layout=wanted, rate=RATE)
    mixed = [part.to_ndarray() for part in mixer.resample(frame) + mixer.resample(None)]
    highest = max(float(np.abs(part.astype(np.float64)).max()) for part in mixed)
    return round(highest / (32768 if form == "s16" else 1), 3)


equal = np.repeat(mono, 2, axis=0)
print("PyAV", av.__version__, "swresample", ".".join(map(str, av.library_versions["libswresample"])))
found = {form: (peak(equal, "stereo", "mono", form), peak(mono, "mono", "stereo", form)) for form in ("s16", "flt")}
for form, (down, up) in found.items():
    print(f"{form}: two equal sides that peak at .5 are {down} in mono; mono that peaks at .5 is {up} on each side")
assert found == {"s16": (0.5, 0.354), "flt": (0.707, 0.354)}
PY
echo "confirmed: a mono mix is 3 dB louder as float than as 16 bits"
