#!/usr/bin/env bash
# File names in ComfyUI may contain placeholders such as %KSampler.seed%, which the page replaces. It does so only for the node
# types in a fixed list: CLIPSave, VAESave and ModelSave are in it; CheckpointSave (Save Checkpoint) and the nodes of all packs
# are not, even if their widget is also called filename_prefix. For those nodes the server receives the placeholder unchanged.
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
echo "confirmed: placeholders in file names are replaced for a fixed list of nodes, without Save Checkpoint"
