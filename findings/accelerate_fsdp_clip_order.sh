#!/usr/bin/env bash
# `Accelerator.clip_grad_norm_(parameters)` takes parameters as torch's function does, where their order means nothing: a sum of squares.
# With FSDP the list is first compared with each model's own by `==`, which on two lists of equal length compares the tensors themselves.
# The model's own order passes, because a tensor is itself; a list that is shorter passes, too; the same parameters in another order
# (a submodule's first, or sorted by group of the optimiser) end in an error about shapes that no line of the caller mentions.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 accelerate==1.15.0
cat > "$folder/clip.py" <<'PY'
import sys

import accelerate
import torch
from accelerate import Accelerator, FullyShardedDataParallelPlugin, PartialState
from accelerate.utils import DistributedType
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(0)
accelerator = Accelerator(cpu=True)
# without a GPU the plugin is dropped (accelerate_fsdp_cpu.sh), so it is put in place, as a GPU would have it
accelerator.state.fsdp_plugin = FullyShardedDataParallelPlugin(
    fsdp_version=2,
    auto_wrap_policy="transformer_based_wrap",
    transformer_cls_names_to_wrap=["Linear"],
    cpu_ram_efficient_loading=False,
)
for state in (PartialState(), accelerator.state):
    state.distributed_type = DistributedType.FSDP
model = nn.Sequential(nn.Linear(8, 16), nn.Linear(16, 8))
model, optimizer = accelerator.prepare(model, torch.optim.SGD(model.parameters(), lr=0.1))
accelerator.backward(model(torch.randn(4, 8)).square().mean())
own = list(model.parameters())
lists = {"the model's order": own, "all but one": own[:-1], "last layer first": own[2:] + own[:2]}
found = {}
for name, each in lists.items():
    try:
        found[name] = f"norm, {type(accelerator.clip_grad_norm_(each, 1e6)).__name__}"
    except RuntimeError as error:
        found[name] = f"RuntimeError: {' '.join(str(error).split())[:60]}"
plain = torch.nn.utils.clip_grad_norm_(lists["last layer first"], 1e6).full_tensor().item()
if accelerator.is_main_process:
    print(f"accelerate {accelerate.__version__}, torch {torch.__version__}, {accelerator.num_processes} processes, {type(own[0]).__name__}")
    for name, value in found.items():
        print(f"accelerate, {name}: {value}")
    print(f"torch's own function, last layer first: norm {plain:.3f}")
    right = [name for name, value in found.items() if value.startswith("norm")] == ["the model's order", "all but one"]
    sys.exit(not (right and plain > 0))
PY
OMP_NUM_THREADS=1 "$folder/venv/bin/torchrun" --nproc-per-node 2 "$folder/clip.py" 2> "$folder/err" || { tail -20 "$folder/err"; exit 1; }
echo "confirmed: with FSDP accelerate clips gradients in the model's own order, and fails on the same parameters in another"
