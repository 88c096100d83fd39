#!/usr/bin/env bash
# peft refuses a LoRA target that no layer has, if it is the only one. If another target has layers, it is left out without a word: a slip in
# one of four names trains a quarter less, and nothing tells.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 transformers==5.24.0 accelerate==1.15.0 peft==0.21.2
cat > "$folder/targets.py" <<'PY'
import warnings

import peft
from peft import LoraConfig, inject_adapter_in_model
from torch import nn


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.to_q, self.to_k = nn.Linear(8, 8), nn.Linear(8, 8)


def adapted(*targets):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            network = inject_adapter_in_model(LoraConfig(r=2, target_modules=[*targets]), Attention())
        except ValueError as error:
            return type(error).__name__, []
    found = [name for name, _ in network.named_modules() if name.endswith("lora_A.default")]
    return found, [str(each.message) for each in told]


print(f"peft {peft.__version__}")
alone, both = adapted("to_kk"), adapted("to_q", "to_kk")
print(f"targets to_kk: {alone[0]}")
print(f"targets to_q, to_kk: {both[0]}, warnings: {both[1] or 'none'}")
assert isinstance(alone[0], str)
assert both == (["to_q.lora_A.default"], [])
PY
"$folder/venv/bin/python" "$folder/targets.py"
echo "confirmed: a target without layers is an error alone, and is ignored beside another one"
