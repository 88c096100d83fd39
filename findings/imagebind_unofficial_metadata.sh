#!/usr/bin/env bash
# A package that installs Meta's ImageBind. Its metadata says MIT, but its licence file is CC BY-NC-SA 4.0. It imports packages
# that it does not require: einops, and pkg_resources, which setuptools no longer includes. With a current torch, which installs
# such a setuptools, `import imagebind` fails although all requirements are installed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps imagebind-unofficial==0.1.1 setuptools==84.2.1
"$folder/venv/bin/python" - <<'PY'
import ast
import importlib.util
import re
import sys
from importlib.metadata import distribution

package = distribution("imagebind-unofficial")
required = {re.split(r"[ ;<>=(]", need)[0].lower() for need in package.requires}
imported = set()
for file in package.files:
    if file.suffix == ".py":
        for part in ast.walk(ast.parse(file.read_text())):
            if isinstance(part, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in part.names}
            elif isinstance(part, ast.ImportFrom):
                imported.add(part.module.partition(".")[0])
lacking = sorted(imported - sys.stdlib_module_names - required - {"imagebind", "PIL"})
declared = [line for line in package.metadata.get_all("Classifier") if "License" in line]
licence = next(file for file in package.files if file.name == "LICENSE").read_text().splitlines()[0]
print("imagebind-unofficial", package.version, "declares", declared, "and contains the licence", repr(licence))
print("imports beyond its requirements:", lacking)
assert declared == ["License :: OSI Approved :: MIT License"]
assert licence.startswith("Attribution-NonCommercial-ShareAlike 4.0")
assert {"einops", "pkg_resources"} <= set(lacking)
assert importlib.util.find_spec("setuptools") and importlib.util.find_spec("pkg_resources") is None
PY
echo "confirmed: declared as MIT but licensed for non-commercial use, and not importable after installation"
