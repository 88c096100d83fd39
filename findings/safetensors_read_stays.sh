#!/usr/bin/env bash
# safe_open maps a file and gives one tensor at a time, so whoever converts each and keeps none of the originals should need memory for the
# converted ones and one more. On Linux whatever was read counts as the process's memory until the file is closed: the peak is that of all
# originals and all converted ones. With the file opened anew now and then it is what was expected.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 safetensors==0.8.0 numpy==2.4.6
cat > "$folder/convert.py" <<'PY'
import sys
from pathlib import Path

import safetensors
import torch
from safetensors import safe_open
from safetensors.torch import save_file

COUNT, SIDE = 40, 2000  # 16 MB each in float32
path = Path(sys.argv[1])
if len(sys.argv) == 2:
    save_file({f"layer {n}": torch.full((SIDE, SIDE), float(n)) for n in range(COUNT)}, path)
    sys.exit()


def status(field):
    return int(Path("/proc/self/status").read_text().partition(field + ":")[2].split()[0]) / 1000


every = int(sys.argv[2])
before, kept = status("VmHWM"), []
for start in range(0, COUNT, every):
    with safe_open(path, framework="pt") as file:
        for n in range(start, min(COUNT, start + every)):
            kept.append(file.get_tensor(f"layer {n}").to(torch.bfloat16))
assert all(bool((tensor == n).all()) for n, tensor in enumerate(kept))
peak = status("VmHWM") - before
print(f"safetensors {safetensors.__version__}: {COUNT} tensors, 640 MB in float32, 320 MB in bfloat16, opened for {every} at a time: peak {peak:.0f} MB")
assert peak > 800 if every == COUNT else peak < 480, peak
PY
"$folder/venv/bin/python" "$folder/convert.py" "$folder/model.safetensors"
"$folder/venv/bin/python" "$folder/convert.py" "$folder/model.safetensors" 40
"$folder/venv/bin/python" "$folder/convert.py" "$folder/model.safetensors" 4
echo "confirmed: tensors that were converted and dropped stay in memory until the file is closed"
