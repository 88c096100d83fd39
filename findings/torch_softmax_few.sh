#!/usr/bin/env bash
# A softmax over three numbers (the detunings of a tone, the heads of a mixture, the experts of a router) should be fastest where the three
# lie side by side in memory. On a CPU torch takes many times longer there than over the first axis of the same numbers, and longer than
# transposing them, taking it, and transposing back. From eight numbers on, a vector of AVX2, there is hardly a difference.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
cat > "$folder/few.py" <<'PY'
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


ratios = {}
for few in (3, 8):
    last = torch.randn(720_000 // few, few)
    first = last.mT.contiguous()
    torch.testing.assert_close(last.softmax(-1), first.softmax(0).mT)
    beside, across = milliseconds(lambda: last.softmax(-1)), milliseconds(lambda: first.softmax(0))
    turned = milliseconds(lambda: last.mT.contiguous().softmax(0).mT.contiguous())
    ratios[few] = beside / across, beside / turned
    print(f"softmax over {few} of 720,000 numbers: {beside:.2f} ms side by side, {across:.2f} ms over the first axis, {turned:.2f} ms with both transpositions")
print(f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}")
assert ratios[3][0] > 4 and ratios[3][1] > 1.5, ratios
assert ratios[8][0] < 4, ratios
PY
"$folder/venv/bin/python" "$folder/few.py"
echo "confirmed: softmax over three adjacent numbers takes many times longer than over the first axis"
