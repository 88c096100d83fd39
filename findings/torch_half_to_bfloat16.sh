#!/usr/bin/env bash
# Weights published in float16 are often computed in bfloat16 on a CPU. Both have 16 bits, so converting one to the other should cost no more
# than converting float16 to float32, which writes twice as much. torch takes several times as long, and longer than by way of float32,
# with both copies; the values are the same.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
cat > "$folder/half.py" <<'PY'
import time

import torch

torch.set_num_threads(1)


def milliseconds(work):
    """The fastest of nine turns, in processor time."""
    work()
    turns = []
    for _ in range(9):
        start = time.process_time()
        work()
        turns.append(time.process_time() - start)
    return 1000 * min(turns)


half = torch.randn(5_000_000).half()
wide, brief, again = half.float(), half.bfloat16(), torch.empty(5_000_000, dtype=torch.bfloat16)
taken = {
    "float16 to float32": milliseconds(lambda: wide.copy_(half)),
    "float16 to bfloat16": milliseconds(lambda: brief.copy_(half)),
    "float16 to float32 to bfloat16": milliseconds(lambda: again.copy_(wide.copy_(half))),
}
print(f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, 5 million numbers:")
for name, value in taken.items():
    print(f"  {name}: {value:.2f} ms")
assert torch.equal(brief, again)
wider, direct, by_way = taken.values()
assert direct > 1.8 * wider and direct > 1.3 * by_way, taken
PY
"$folder/venv/bin/python" "$folder/half.py"
echo "confirmed: float16 to bfloat16 takes longer than by way of float32"
