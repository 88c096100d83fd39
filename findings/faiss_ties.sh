#!/usr/bin/env bash
# An exact index contains equal vectors. With k=1, the search returns the one with the lowest id; with a larger k, it returns the
# k lowest ids in decreasing order, so the first of k=5 is not the result of k=1.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet faiss-cpu==1.15.1 numpy==2.4.6
OMP_NUM_THREADS=1 "$folder/venv/bin/python" - <<'PY'
import faiss
import numpy as np

random = np.random.default_rng(0)
rows = random.standard_normal((50, 8)).astype(np.float32)
rows[10:40] = rows[10]
exact = faiss.IndexFlatIP(8)
exact.add(rows)
found = {k: exact.search(rows[10:11], k)[1][0].tolist() for k in (1, 5)}

print("faiss", faiss.__version__)
print(f"30 equal vectors, 10 to 39: k=1 gives {found[1]}, k=5 {found[5]}")
assert found == {1: [10], 5: [14, 13, 12, 11, 10]}
PY
echo "confirmed: among equal vectors, the first result of k=5 is not the result of k=1"
