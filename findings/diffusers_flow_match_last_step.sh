#!/usr/bin/env bash
# Flow matching with a shift of 3 in four steps. If only the number of steps is given (as in the pipelines of Stable Diffusion 3),
# the fourth step starts at .009, where almost no noise is left: four evaluations do the work of three steps. The shift is applied
# twice to the lowest level, so that even 1,000 steps differ from the 1,000 levels that the scheduler was built with.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 diffusers==0.42.1
"$folder/venv/bin/python" -W ignore - <<'PY'
import diffusers
from diffusers import FlowMatchEulerDiscreteScheduler

scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)
trained = scheduler.sigmas.clone()
scheduler.set_timesteps(1000)
off = float((scheduler.sigmas[:-1] - trained).abs().max())
scheduler.set_timesteps(4)
by_number = [round(float(sigma), 4) for sigma in scheduler.sigmas]
scheduler.set_timesteps(sigmas=[1.0, 0.75, 0.5, 0.25])
by_levels = [round(float(sigma), 4) for sigma in scheduler.sigmas]

print("diffusers", diffusers.__version__)
print(f"4 steps by number: {by_number}; 4 evenly spread and shifted: {by_levels}")
print(f"set_timesteps(1000) against the levels it was built with: {off:.4f} apart; lowest {float(trained[-1]):.4f}")
assert by_number == [1.0, 0.8577, 0.6022, 0.0089, 0.0]
assert by_levels == [1.0, 0.9, 0.75, 0.5, 0.0]
assert off > 0.005
PY
echo "confirmed: the last of four steps has almost no effect, and the shift is applied twice"
