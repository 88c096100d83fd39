#!/usr/bin/env bash
# File names in ComfyUI may have marks such as %KSampler.seed%, which the page replaces. It does so for a list of node types by
# name: CLIPSave, VAESave and ModelSave are in it, CheckpointSave (Save Checkpoint) is not, and neither is any pack's own node,
# though its widget is called filename_prefix as well. There the mark goes to the server as it is.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps comfyui-frontend-package==1.58.1
"$folder/venv/bin/python" - <<'PY'
import re
from importlib.metadata import version
from pathlib import Path

import comfyui_frontend_package

pages = Path(comfyui_frontend_package.__file__).parent / "static" / "assets"
texts = [path.read_text(encoding="utf-8") for path in pages.glob("*.js")]
owner = "registerExtension({name:`Comfy.SaveImageExtraOutput`"
(code,) = [text for text in texts if owner in text]
at = code.index(owner)
listed = set(re.findall(r"`(\w+)`", code[code.rindex("new Set([", 0, at) : at]))
body = code[at : at + 400]
known = {name for text in texts for name in re.findall(r"\bas (CheckpointSave|ImageOnlyCheckpointSave)\b", text)}
print("comfyui-frontend-package", version("comfyui-frontend-package"))
print(f"{len(listed)} types are replaced in: {', '.join(sorted(listed))}")
print("saving nodes the page knows, not in the list:", sorted(known - listed))
saving = [text for text in texts if re.search(r"display_name:`Save Checkpoint`,inputs:\{[^}]*\}?.{0,200}filename_prefix", text)]
assert saving, "Save Checkpoint has no filename_prefix"
assert "filename_prefix" in body and "serializeValue" in body
assert {"CLIPSave", "VAESave", "ModelSave", "SaveAudio"} <= listed
assert known - listed == {"CheckpointSave", "ImageOnlyCheckpointSave"}
PY
echo "holds: marks in file names are replaced for a fixed list of nodes, without Save Checkpoint"
