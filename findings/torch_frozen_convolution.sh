#!/usr/bin/env bash
# A frozen layer needs its input no more: the gradient of its input follows from its weight. torch's linear layer keeps no input then. A
# convolution keeps it all the same. Training something in front of a frozen denoiser therefore keeps most of the denoiser's activations,
# which only checkpointing avoids. Under autocast every use of a frozen weight also keeps a half-precision copy of its own, because
# only weights that need gradients are cached.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
cat > "$folder/keep.py" <<'PY'
import torch
from torch import nn


def kept(layer, x, *, half=False, calls=1):
    """Bytes of the storages that are kept for the backward pass, without the weights themselves."""
    own = {each.untyped_storage().data_ptr() for each in layer.parameters()}
    sizes = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor), torch.autocast("cpu", torch.bfloat16, enabled=half):
        results = [layer(x) for _ in range(calls)]
    assert all(result.requires_grad for result in results)
    return sum(sizes.values())


inputs = {"Linear": torch.randn(64, 32, requires_grad=True), "Conv1d": torch.randn(64, 32, 1, requires_grad=True)}
layers = {"Linear": nn.Linear(32, 32, bias=False), "Conv1d": nn.Conv1d(32, 32, 1, bias=False)}
found = {}
for name, layer in layers.items():
    for frozen in (False, True):
        layer.requires_grad_(not frozen)
        found[name, frozen] = kept(layer, inputs[name])
        print(f"{name}, {'frozen' if frozen else 'trained'}: {found[name, frozen]:,} bytes kept; its input has {64 * 32 * 4:,}")
linear = layers["Linear"]
half = {}
for frozen in (False, True):
    linear.requires_grad_(not frozen)
    half[frozen] = kept(linear, inputs["Linear"], half=True, calls=8)
    print(f"Linear used eight times under autocast, {'frozen' if frozen else 'trained'}: {half[frozen]:,} bytes; a half-precision copy has {32 * 32 * 2:,}")
print(f"torch {torch.__version__}")
assert found == {("Linear", False): 8192, ("Linear", True): 0, ("Conv1d", False): 8192, ("Conv1d", True): 8192}
assert half[True] >= 8 * 32 * 32 * 2
PY
"$folder/venv/bin/python" "$folder/keep.py"
echo "confirmed: a frozen convolution keeps its input, a frozen linear layer does not; autocast keeps a copy of a frozen weight for each use"
