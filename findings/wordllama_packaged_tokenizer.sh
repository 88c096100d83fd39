#!/usr/bin/env bash
# wordllama's wheel carries the vectors and the tokenizer of its default model, and still cannot be opened without a network: vectors are looked
# for in the package's folder `weights`, the tokenizer in a folder `tokenizer`, while it lies in `tokenizers`. From a cache that has a copy
# it opens. Then a text without any word, embedded with `norm=True`, is a vector of NaN, with a warning of NumPy's alone.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 tokenizers==0.23.3 safetensors==0.8.0 wordllama==0.4.0.post1
cat > "$folder/embed.py" <<'PY'
import importlib.metadata
import shutil
import sys
from pathlib import Path

import numpy as np
import wordllama

package, cache = Path(wordllama.__file__).parent, Path(sys.argv[1])
print(f"wordllama {importlib.metadata.version('wordllama')}")
carried = [path.relative_to(package).as_posix() for path in package.rglob("l2_supercat*") if path.suffix != ".toml"]
print("in the package:", ", ".join(sorted(carried)))
assert len(carried) == 2, carried
try:
    wordllama.WordLlama.load(cache_dir=cache, disable_download=True)
except FileNotFoundError as error:
    print(f"not opened: {error}")
else:
    sys.exit("changed: the model opens from the package alone")
(cache / "tokenizers").mkdir(parents=True)
shutil.copy(package / "tokenizers" / "l2_supercat_tokenizer_config.json", cache / "tokenizers")
model = wordllama.WordLlama.load(cache_dir=cache, disable_download=True)
vectors = model.embed(["calm water", ""], norm=True)
print("opened from a cache; lengths of the vectors of two texts, the second empty:", np.linalg.norm(vectors, axis=1))
if not (np.isfinite(vectors[0]).all() and np.isnan(vectors[1]).all()):
    sys.exit("changed: an empty text has a vector of numbers")
print("confirmed: a packaged model that does not open offline, and an empty text of NaN")
PY
"$folder/venv/bin/python" "$folder/embed.py" "$folder/cache" 2>/dev/null
