#!/usr/bin/env bash
# A float64 column (according to the features) is read with format "numpy". A single row gives float64; a slice of the same rows
# gives float32, so that times of day in seconds lose their milliseconds.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet datasets==5.2.0 pyarrow==26.0.1 numpy==2.4.6
cd "$folder"
export HF_HUB_OFFLINE=1 HF_HOME="$folder/home"
"$folder/venv/bin/python" -W error::UserWarning - <<'PY'
import datasets
import numpy as np

times = np.array([86000.001, 86000.002, 86000.003])
table = datasets.Dataset.from_dict({"time": times}).with_format("numpy")
row, rows = table[0]["time"], table[:]["time"]
print("datasets", datasets.__version__, "column", table.features["time"].dtype)
print(f"a row: {row.dtype} {float(row)}; a slice: {rows.dtype} {rows.astype(np.float64).tolist()}")
assert table.features["time"].dtype == "float64"
assert row.dtype == np.float64
assert row == times[0]
assert rows.dtype == np.float32
assert len(set(rows.tolist())) < 3
PY
echo "confirmed: a slice is rounded to float32, a row is not"
