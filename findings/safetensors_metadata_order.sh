#!/usr/bin/env bash
# The same arrays and metadata are saved fifty times. Tensors are sorted by name, but metadata keys are written in an order that is
# random at each call: four keys give up to 24 different files, and the checksum changes although nothing else does.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet safetensors==0.8.0 numpy==2.4.6
"$folder/venv/bin/python" -W error - <<'PY'
from hashlib import sha256

import numpy as np
import safetensors
from safetensors.numpy import save

weights = {name: np.arange(6, dtype=np.float32) for name in "ba"}
keys = ("encoder", "space", "width", "trained")
found = {
    count: len({sha256(save(weights, {key: "1" for key in keys[:count]})).hexdigest() for _ in range(50)}) for count in (0, 1, 2, 4)
}
print("safetensors", safetensors.__version__)
for count, digests in found.items():
    print(f"{count} keys of metadata: {digests} different files of 50")
assert found[0] == found[1] == 1
assert found[2] == 2
assert found[4] > 4
PY
echo "confirmed: with two or more keys of metadata, saving the same tensors twice gives different files"
