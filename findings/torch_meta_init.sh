#!/usr/bin/env bash
# The meta device and torch.nn.utils.skip_init exist to build a network without drawing initial weights. torch.nn.init.normal_ is
# called nevertheless. It has no kernel for meta, and its replacement imports torch's compiler and sympy: the first nn.Embedding
# on meta imports some 800 modules and takes a second; on the CPU it takes no time. An nn.Linear takes no time on either.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
cat > "$folder/builds.py" <<'PY'
import sys
import time

import torch
from torch import nn

WAYS = {
    "nn.Embedding on the CPU": lambda: nn.Embedding(5, 3),
    "nn.Linear on meta": lambda: nn.Linear(5, 3, device="meta"),
    "nn.Embedding on meta": lambda: nn.Embedding(5, 3, device="meta"),
    "skip_init(nn.Embedding)": lambda: nn.utils.skip_init(nn.Embedding, 5, 3),
    "an empty table on meta": lambda: nn.Embedding.from_pretrained(torch.empty(5, 3, device="meta")),
}
before, started = set(sys.modules), time.process_time()
WAYS[sys.argv[1]]()
new = set(sys.modules) - before
compiler = {"torch._dynamo", "torch._inductor", "sympy"} <= new
print(f"torch {torch.__version__}, {sys.argv[1]}: {len(new)} modules, {time.process_time() - started:.2f} CPU s, compiler {compiler}")
assert compiler == (sys.argv[1] in {"nn.Embedding on meta", "skip_init(nn.Embedding)"})
PY
for way in "nn.Embedding on the CPU" "nn.Linear on meta" "nn.Embedding on meta" "skip_init(nn.Embedding)" "an empty table on meta"; do
  "$folder/venv/bin/python" -W ignore "$folder/builds.py" "$way"  # each in a process of its own
done
echo "confirmed: the first embedding built on meta, or by skip_init, imports torch's compiler"
