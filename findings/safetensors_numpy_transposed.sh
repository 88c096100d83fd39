#!/usr/bin/env bash
# A transposed array, or every second column of one, is saved by safetensors.numpy. Up to 0.7 the saved values are read back. 0.8
# raises no error but saves other values: the memory in its own order, under the shape of the view. (safetensors.torch refuses
# such a tensor.)
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for version in 0.7.0 0.8.0; do
  python3 -m venv "$folder/$version"
  "$folder/$version/bin/pip" install --quiet "safetensors==$version" numpy==2.4.6
  "$folder/$version/bin/python" -W error - <<'PY' | tee "$folder/$version.txt"
import numpy as np
import safetensors
from safetensors.numpy import load, save

plain = np.arange(12, dtype=np.float32).reshape(3, 4)
views = {
    "as it is": plain,
    "copied": np.ascontiguousarray(plain.T),
    "transposed": plain.T,
    "every other column": plain[:, ::2],
    "in Fortran's order": np.asfortranarray(plain),
}
read = load(save(views))
wrong = [name for name, view in views.items() if not np.array_equal(read[name], view)]
print("safetensors", safetensors.__version__, "numpy", np.__version__)
for name in wrong:
    print(f"{name}: saved {views[name].tolist()}, read {read[name].tolist()}")
print("wrong:", wrong)
PY
done
grep -qxF 'wrong: []' "$folder/0.7.0.txt"
grep -qxF "wrong: ['transposed', 'every other column', \"in Fortran's order\"]" "$folder/0.8.0.txt"
echo "confirmed: 0.8.0 saves wrong values for views that are not contiguous, without an error"
