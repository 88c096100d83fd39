#!/usr/bin/env bash
# AudioLDM 2 is published with DDIM, "leading" spacing and an offset of 1. More steps should take more time and change nothing
# else. But if the number of steps does not divide the 1,000 levels, sampling starts below full noise, so pure noise is treated as
# a partly denoised latent; with 1,000 steps, it raises an error.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 diffusers==0.42.1
"$folder/venv/bin/python" -W ignore - <<'PY'
import diffusers
import torch
from diffusers import DDIMScheduler

levels = {"beta_start": 0.0015, "beta_end": 0.0195, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000}
scheduler = DDIMScheduler(**levels, steps_offset=1, clip_sample=False, set_alpha_to_one=False, timestep_spacing="leading")
print("diffusers", diffusers.__version__)
first = {}
for steps in (200, 333, 334, 501, 600):
    scheduler.set_timesteps(steps)
    first[steps] = int(scheduler.timesteps[0])
    left = 1 - float(scheduler.alphas_cumprod[first[steps]])
    print(f"{steps} steps: the first is level {first[steps]}, where a latent's variance is {left:.2f} noise")
scheduler.set_timesteps(1000)
try:
    scheduler.step(torch.zeros(1), scheduler.timesteps[0], torch.zeros(1))
    raised = None
except IndexError as error:
    raised = error
print("1000 steps:", repr(raised))
assert first == {200: 996, 333: 997, 334: 667, 501: 501, 600: 600}
assert raised is not None
PY
echo "confirmed: 600 steps start at level 600 of 1000, and 1000 steps raise an error"
