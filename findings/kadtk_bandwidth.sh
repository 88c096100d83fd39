#!/usr/bin/env bash
# KAD's authors take the kernel's bandwidth from the reference. Their toolkit passes the evaluated set as the argument from which
# the bandwidth is computed: each system is measured with another kernel, and exchanging the sets changes the result. Only the two
# functions that compute the distance are run, from the installed file, because the package requires torch < 2.6.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/pip" install --quiet --no-deps --ignore-requires-python kadtk==1.1.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import ast
import re
from importlib.metadata import distribution

import numpy
import torch

kadtk = distribution("kadtk")
source = kadtk.locate_file("kadtk/kad.py").read_text(encoding="utf-8")
wanted = ("calc_kernel_audio_distance", "median_pairwise_distance")
tree = ast.parse(source)
tree.body = [part for part in tree.body if getattr(part, "name", None) in wanted]
found = {"torch": torch, "np": numpy, "Path": object, "SCALE_FACTOR": 100}
exec(compile(tree, "kad.py", "exec"), found)
call = re.search(r"return calc_kernel_audio_distance\((\w+), (\w+), cache_dirs, self\.device, self\.bandwidth\)", source)


def distance(reference, evaluated, bandwidth=None):
    return float(found["calc_kernel_audio_distance"](reference, evaluated, (None, None), "cpu", bandwidth))


generator = torch.Generator().manual_seed(0)
reference, evaluated = torch.randn(200, 16, generator=generator), 3 * torch.randn(150, 16, generator=generator)
widths = [found["median_pairwise_distance"](rows) for rows in (reference, evaluated)]
default, *given = distance(reference, evaluated), *(distance(reference, evaluated, width) for width in widths)
print("kadtk", kadtk.version, "calls it with", call.groups())
print(f"default {default:.2f}; with the reference's bandwidth {given[0]:.2f}; with the evaluated set's {given[1]:.2f}")
assert call.groups() == ("embd_bg", "embd_eval")
assert abs(default - given[1]) < 1e-4
assert abs(default - given[0]) > 1
PY
echo "confirmed: the bandwidth is that of the evaluated set"
