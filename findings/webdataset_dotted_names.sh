#!/usr/bin/env bash
# Shards contain artworks named after their painters. Everything after the first dot counts as the suffix, so that works of J.M.W.
# Turner become one sample, j, whose fields are his pictures.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet webdataset==1.0.2 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PY'
import io
import tarfile

import webdataset

names = [f"j.m.w.turner_{number}.{suffix}" for number in (1, 2) for suffix in ("jpg", "txt")]
with tarfile.open("shard.tar", "w") as shard:
    for name in names:
        member = tarfile.TarInfo(name)
        member.size = len(name)
        shard.addfile(member, io.BytesIO(name.encode()))
samples = list(webdataset.WebDataset("shard.tar", shardshuffle=False))
fields = [sorted(field for field in sample if not field.startswith("__")) for sample in samples]
print("webdataset", webdataset.__version__)
print(f"2 artworks, each a picture and a text: {len(samples)} sample, {samples[0]['__key__']!r}, with the fields {fields[0]}")
assert len(samples) == 1
assert samples[0]["__key__"] == "j"
assert len(fields[0]) == 4
PY
echo "confirmed: names with dots are merged into one sample"
