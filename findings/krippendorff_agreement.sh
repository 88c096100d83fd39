#!/usr/bin/env bash
# Listeners who all give every piece the same rating agree perfectly: the expected result is 1, or undefined. The library raises
# an error about the domain instead, which ends a report that computes alpha for every question.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet krippendorff==0.9.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import krippendorff
import numpy as np

ratings = np.array([[1, 2, 3, 4], [1, 2, 3, 4]])  # two listeners, four pieces
alpha = krippendorff.alpha(ratings, level_of_measurement="interval")
try:
    same = krippendorff.alpha(np.full((2, 3), 4), level_of_measurement="ordinal")
except ValueError as error:
    same = repr(error)
print("krippendorff", version("krippendorff"))
print(f"full agreement: {alpha:.2f}; one rating for all: {same}")
assert alpha == 1
assert "domain" in str(same)
PY
echo "confirmed: perfect agreement on a single rating raises an error"
