#!/usr/bin/env bash
# diffusers does not require peft, and pip installs an older one beside it without a word. Then diffusers 0.35 cannot be imported at all, not even a
# scheduler, though nothing asks for a LoRA; without peft it can. An optional package that is too old is worse than none, so a program that
# only trains with peft has to take diffusers' lower bound for its own.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 transformers==4.57.1 accelerate==1.6.0 peft==0.15.0 diffusers==0.35.0
cat > "$folder/scheduler.py" <<'PY'
import importlib.metadata
import importlib.util

print(f"diffusers {importlib.metadata.version('diffusers')}, peft installed: {importlib.util.find_spec('peft') is not None}")
required = [line for line in importlib.metadata.requires("diffusers") if line.startswith("peft") and "extra" not in line]
assert not required, required
try:
    from diffusers import DDIMScheduler

    print(f"imported: {DDIMScheduler.__name__}")
except (ImportError, RuntimeError) as error:
    print(f"not imported: {' '.join(str(error).split())}")
PY
with=$("$folder/venv/bin/python" "$folder/scheduler.py" 2>/dev/null)
"$folder/venv/bin/pip" check || true
"$folder/venv/bin/pip" uninstall --quiet --yes peft
without=$("$folder/venv/bin/python" "$folder/scheduler.py" 2>/dev/null)
printf '%s\n' "$with" "$without"
case "$with" in *"not imported"*peft*) ;; *) echo "changed: it is imported beside peft 0.15.0" && exit 1 ;; esac
case "$without" in *"imported: DDIMScheduler"*) ;; *) echo "changed: it is not imported without peft" && exit 1 ;; esac
echo "confirmed: a scheduler of diffusers 0.35.0 cannot be imported beside peft 0.15.0, and can without peft"
