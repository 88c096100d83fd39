#!/usr/bin/env bash
# transformers renamed GPT-2's `past_key_values` to `cache` in 5.24. An older GPT2Model accepts the new name without an error but
# ignores it: generation continues from the last step alone.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 transformers==4.57.3
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
import transformers
from transformers import GPT2Config, GPT2Model

torch.manual_seed(0)
model = GPT2Model(GPT2Config(n_embd=48, n_layer=3, n_head=4, vocab_size=7, initializer_range=0.3)).eval()
prompt = torch.randn(1, 5, 48)


@torch.no_grad()
def roll_out(name):
    """Eight steps, each fed with the last hidden state; with a cache under the given name, or with none."""
    inputs, past, said, told = prompt, None, [], prompt
    for _ in range(8):
        output = model(inputs_embeds=told) if name is None else model(inputs_embeds=inputs, use_cache=True, **{name: past})
        inputs, past = output.last_hidden_state[:, -1:], output.past_key_values
        told = torch.cat([told, inputs], 1)
        said.append(inputs)
    return torch.cat(said, 1)


def off(name):
    return float((roll_out(name) - roll_out(None)).norm() / roll_out(None).norm())


print("transformers", transformers.__version__)
print(f"relative distance to the roll-out without a cache: past_key_values= {off('past_key_values'):.1e}, cache= {off('cache'):.2f}")
assert off("past_key_values") < 1e-4
assert off("cache") > 0.1, "the unknown name is no longer ignored"
PY
echo "confirmed: cache= is silently ignored, and the generated sequence differs"
