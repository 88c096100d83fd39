#!/usr/bin/env bash
# One key is struck again before it is released: notes of .6 s, one every half second. After writing and reading with pretty_midi,
# the first note is still .6 s long, and all others are .1 s: the end of a note ends every sounding note of its pitch.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pretty_midi==0.2.11.post0 numpy==2.4.6 setuptools==80.9.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PY'
import pretty_midi
from importlib.metadata import version

written = pretty_midi.PrettyMIDI()
piano = pretty_midi.Instrument(program=0)
piano.notes = [pretty_midi.Note(velocity=100, pitch=60, start=beat / 2, end=beat / 2 + 0.6) for beat in range(4)]
written.instruments.append(piano)
written.write("a.mid")
lengths = [
    [round(float(note.end - note.start), 2) for note in midi.instruments[0].notes]
    for midi in (written, pretty_midi.PrettyMIDI("a.mid"))
]
print("pretty_midi", version("pretty_midi"), "lengths in seconds, written:", lengths[0], "read:", lengths[1])
assert lengths == [[0.6] * 4, [0.6, 0.1, 0.1, 0.1]]
PY
echo "confirmed: overlapping notes of one pitch are read back six times too short"
