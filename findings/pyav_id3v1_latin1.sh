#!/usr/bin/env bash
# The oldest tags (ID3v1) are defined as Latin-1. PyAV decodes them as UTF-8: an MP3 or AAC file whose title has an accent cannot
# be opened, although its sound is intact. With metadata_errors="replace" it can.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet av==18.1.0 numpy==2.4.6 soundfile==0.14.0
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import io

import av
import numpy as np
import soundfile

sound = (0.2 * np.random.default_rng(0).standard_normal((44100, 1))).astype(np.float32)
soundfile.write("plain.mp3", sound, 44100, format="MP3")
plain = open("plain.mp3", "rb").read()
print("PyAV", av.__version__, "soundfile", soundfile.__version__)
found = {}
for title in ("Cafe", "Café"):
    tag = b"TAG" + title.encode("latin-1").ljust(30, b"\0") + bytes(94) + b"\x0c"
    for errors in ("strict", "replace"):
        try:
            with av.open(io.BytesIO(plain + tag), metadata_errors=errors) as file:
                count = sum(frame.samples for frame in file.decode(audio=0))
                found[title, errors] = count, file.metadata["title"]
        except UnicodeDecodeError as error:
            found[title, errors] = type(error).__name__
        print(f"{title}, {errors}: {found[title, errors]}")
    assert len(tag) == 128
    assert len(soundfile.read(io.BytesIO(plain + tag))[0]) == 44100
assert found["Café", "strict"] == "UnicodeDecodeError"
assert found["Café", "replace"][0] == found["Cafe", "strict"][0] == 44100
PY
echo "confirmed: an MP3 with an accent in its ID3v1 title cannot be opened"
