#!/usr/bin/env bash
# `Accelerator(log_with=["tensorboard", "wandb"])` logs to both. If one of the packages is not installed, accelerate logs to the other alone and
# gives no warning; it warns only if none is left. And of what is logged, TensorBoard's tracker drops numpy's float32 and integers: only Python's
# numbers, tensors and float64 (which is a Python float) arrive.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 accelerate==1.15.0 tensorboard==2.21.0
cat > "$folder/track.py" <<'PY'
import logging
import sys
import warnings
from io import StringIO

import accelerate
import numpy as np
import torch
from accelerate import Accelerator

said = StringIO()
logging.basicConfig(level=logging.WARNING, stream=said)
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    accelerator = Accelerator(cpu=True, log_with=["tensorboard", "wandb"], project_dir=sys.argv[1])
    accelerator.init_trackers("run")
names = [tracker.name for tracker in accelerator.trackers]
about = [line for line in [*(str(each.message) for each in told), *said.getvalue().splitlines()] if "wandb" in line]
accelerator.log(
    {"python": 0.5, "float64": np.float64(0.5), "tensor": torch.tensor(0.5), "float32": np.float32(0.5), "int64": np.int64(1)}, step=1
)
accelerator.end_training()
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(f"{sys.argv[1]}/run").Reload()
kept = sorted(events.Tags()["scalars"])
print(f"accelerate {accelerate.__version__}, wandb not installed: log_with tensorboard and wandb gives {names}, messages about wandb: {about or 'none'}")
print(f"of five scalars TensorBoard has {', '.join(kept)}")
assert (names, about, kept) == (["tensorboard"], [], ["float64", "python", "tensor"])
PY
"$folder/venv/bin/python" -W ignore "$folder/track.py" "$folder/logs"
echo "confirmed: a tracker that is not installed, and numpy's float32, are dropped without a warning"
