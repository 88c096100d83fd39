#!/usr/bin/env bash
# `Accelerator(fsdp_plugin=...)` is the documented way to shard a model over processes. On CPUs (gloo) the plugin is dropped without a word:
# the model becomes DistributedDataParallel, whole in every process, and nothing tells. torch's own fully_shard shards the same model with
# the same processes, so that a test of sharding without a GPU, or a memory estimate from it, is about another algorithm.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 accelerate==1.15.0
cat > "$folder/shard.py" <<'PY'
import sys
import warnings

import accelerate
import torch
from accelerate import Accelerator, FullyShardedDataParallelPlugin
from torch import nn
from torch.distributed.fsdp import fully_shard

torch.set_num_threads(1)
model = nn.Sequential(nn.Linear(8, 16), nn.Linear(16, 8))
plugin = FullyShardedDataParallelPlugin(
    fsdp_version=2, auto_wrap_policy="transformer_based_wrap", transformer_cls_names_to_wrap=["Linear"]
)
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    accelerator = Accelerator(cpu=True, fsdp_plugin=plugin)
    wrapped, _ = accelerator.prepare(model, torch.optim.AdamW(model.parameters()))
held = sum(each.numel() for each in wrapped.parameters())
own = fully_shard(nn.Sequential(nn.Linear(8, 16), nn.Linear(16, 8)))
shard = sum(each.to_local().numel() for each in own.parameters())
if accelerator.is_main_process:
    about = [str(each.message) for each in told if "fsdp" in str(each.message).lower()]
    print(f"accelerate {accelerate.__version__}, torch {torch.__version__}, {accelerator.num_processes} processes on the CPU")
    print(f"Accelerator(fsdp_plugin=...): {accelerator.distributed_type}, {type(wrapped).__name__}, {held} weights in each process")
    print(f"warnings about it: {about or 'none'}; torch's fully_shard: {shard} of {held} weights in each process")
    sys.exit(not (type(wrapped).__name__ == "DistributedDataParallel" and not about and shard == held // 2))
PY
OMP_NUM_THREADS=1 "$folder/venv/bin/torchrun" --nproc-per-node 2 "$folder/shard.py" 2> "$folder/err" || { cat "$folder/err"; exit 1; }
echo "confirmed: accelerate drops the FSDP plugin on CPUs without a warning"
