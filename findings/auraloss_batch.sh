#!/usr/bin/env bash
# The loss of a batch is often read as the mean of its sounds' losses. auraloss's STFT loss divides the error of the whole batch
# by the energy of the whole batch, so next to a sound at full level, the error of a sound at -40 dB hardly changes that term of
# the loss.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 auraloss==0.4.0
"$folder/venv/bin/python" -W ignore - <<'PY'
from importlib.metadata import version

import torch
from auraloss.freq import STFTLoss

random = torch.Generator().manual_seed(0)
loud, soft = torch.randn(2, 1, 1, 32768, generator=random) * torch.tensor([1.0, 0.01])[:, None, None, None]
error = torch.randn(1, 1, 32768, generator=random)
wanted = torch.cat([loud, soft])
print("auraloss", version("auraloss"), "torch", torch.__version__)
found = {}
for share in (0.1, 1.0):  # of the soft sound's own level
    made = wanted + torch.cat([0.1 * error, share * 0.01 * error])
    for name, weights in (("convergence", {"w_log_mag": 0}), ("default", {})):
        loss = STFTLoss(**weights)
        alone = [float(loss(made[i : i + 1], wanted[i : i + 1])) for i in (0, 1)]
        found[share, name] = float(loss(made, wanted)), sum(alone) / 2
        batch, mean = found[share, name]
        print(f"{name}, the soft one off by {share:.0%}: as a batch {batch:.3f}, mean of both alone {mean:.3f}")
gained = [found[1.0, "convergence"][i] - found[0.1, "convergence"][i] for i in (0, 1)]
print(f"ten times the error in the soft one: the mean grows by {gained[1]:.3f}, the batch by {gained[0]:.5f}")
assert gained[1] > 0.2
assert gained[0] < 0.001
PY
echo "confirmed: in a batch with a loud sound, the spectral convergence ignores a soft sound"
