#!/usr/bin/env bash
# A scheduler of diffusers is a few hundred lines of arithmetic on tensors. Importing one imports torch's compiler, sympy and an HTTP
# client, and a multistep one imports scipy.stats if scipy is installed: more than 1,000 modules beyond torch's own. This takes as
# long as importing torch, or longer.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 scipy==1.17.1 diffusers==0.42.1
cat > "$folder/imports.py" <<'PY'
import sys
import time

started = time.process_time()
import torch

spent, before = time.process_time() - started, set(sys.modules)
started = time.process_time()
diffusers = __import__("diffusers", fromlist=[sys.argv[1]])
scheduler = getattr(diffusers, sys.argv[1])()
more, new = time.process_time() - started, set(sys.modules) - before
heavy = sorted({"torch._dynamo", "torch._inductor", "sympy", "scipy.stats", "requests"} & new)
print(f"torch {torch.__version__}: {len(before)} modules, {spent:.2f} CPU s; then diffusers {diffusers.__version__}'s")
print(f"{sys.argv[1]}: {len(new)} more, {more:.2f} CPU s, with {', '.join(heavy)}")
expected = {"torch._dynamo", "sympy", "requests"} | ({"scipy.stats"} if "Multistep" in sys.argv[1] else set())
assert expected <= new
assert len(new) > 1000
PY
for scheduler in DDIMScheduler DPMSolverMultistepScheduler; do
  "$folder/venv/bin/python" -W ignore "$folder/imports.py" "$scheduler"  # each in a process of its own
done
echo "confirmed: importing a scheduler imports torch._dynamo and sympy, and a multistep one scipy.stats"
