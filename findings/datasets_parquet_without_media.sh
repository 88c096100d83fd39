#!/usr/bin/env bash
# A table with a column of sounds is written as Parquet, to be moved or published. The file contains no sound, only its local
# path.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet datasets==5.2.0 pyarrow==26.0.1 numpy==2.4.6
cd "$folder"
HF_HUB_OFFLINE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1 "$folder/venv/bin/python" - <<'PY'
import wave
from pathlib import Path

import datasets
import pyarrow.parquet

with wave.open("tone.wav", "wb") as file:
    file.setparams((1, 2, 16000, 0, "NONE", ""))
    file.writeframes(bytes(range(256)) * 250)
table = datasets.Dataset.from_dict({"sound": ["tone.wav"]}).cast_column("sound", datasets.Audio())
written = table.to_parquet("table.parquet")
row = pyarrow.parquet.read_table("table.parquet").to_pylist()[0]["sound"]
sizes = Path("tone.wav").stat().st_size, Path("table.parquet").stat().st_size
print("datasets", datasets.__version__)
print(f"a sound of {sizes[0]} bytes; the Parquet file of {sizes[1]} bytes contains {row}")
assert written > 0
assert row == {"bytes": None, "path": "tone.wav"}
assert sizes[1] < sizes[0]
PY
echo "confirmed: to_parquet writes the path of the sound instead of the sound"
