"""Measures stored features against encoding: samples per second, bytes, and memory of a store with many rows.

    python benchmarks/feature_store.py CONFIGURATIONS [--encoder huge] [--files 4] [--rows 100000]

CONFIGURATIONS has AudioLDM2's published configuration files. Encoding: pictures through an image encoder and 10 s of noise through the
published VAE at full size, both with random weights, or with `--encoder pocket` through the bundled model; one picture and one piece are
a sample. Reading: batches of 8 random rows, an embedding and a crop of the latent each, from a store that was just written, from the same
after the system dropped its pages, and from one of many rows whose files are mostly holes. For comparison, the same crops through slices
of safetensors, whose files then stay open. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from imagebind import anonymous  # beside this script
from PIL import Image
from random_checkpoints import draw
from safetensors import safe_open

from art2mus_core.audio.files import write_audio
from art2mus_core.checkpoints.folder import save_component
from art2mus_core.checkpoints.grid import read_grid
from art2mus_core.checkpoints.names import BUNDLED, PACKAGED
from art2mus_core.encoders.imagebind import TOWERS
from art2mus_core.encoders.imagebind_files import HUGE
from art2mus_core.networks.autoencoder import Autoencoder
from art2mus_core.training.features.encoding import Latents
from art2mus_core.training.features.hearing import hear
from art2mus_core.training.features.looking import Pictures, look
from art2mus_core.training.features.pieces import Pieces
from art2mus_core.training.features.shard_files import Computed, write_shard
from art2mus_core.training.features.sources import Source
from art2mus_core.training.features.stores import Feature, Store, open_store
from art2mus_core.training.features.windows import WHOLE, Window
from art2mus_core.types import Waveform

TEN = Window(0.0, 10.0, frames=256)
BATCH, CROP, SIZE = 8, 256, 32


def random_parts(configurations: Path, folder: Path) -> tuple[Path, Path]:
    """Folders of ImageBind's picture tower and of AudioLDM2's VAE at full size, with random weights."""
    encoder, prior = folder / "imagebind", folder / "audioldm2"
    sizes = {"model_type": "imagebind", "tower": "vision", **HUGE["vision"], "space": "imagebind"}
    network = TOWERS["vision"](sizes)
    _fill(network)
    save_component(encoder, "image_encoder", network, sizes, half=True)
    del network
    shutil.copytree(configurations, prior)
    config = json.loads((prior / "vae" / "config.json").read_text(encoding="utf-8"))
    vae = Autoencoder(config)
    _fill(vae)
    save_component(prior, "vae", vae, config, half=True)
    return encoder, prior


@torch.no_grad()
def _fill(network: torch.nn.Module) -> None:
    torch.manual_seed(0)
    for name, value in network.state_dict().items():
        draw(name, value)


def files_of(folder: Path, count: int, rate: int) -> tuple[list[Source], list[Source]]:
    """Pictures of 640 x 480 and pieces of 10 s, of noise."""
    rng = np.random.default_rng(0)
    for number in range(count):
        Image.fromarray(rng.integers(0, 256, (480, 640, 3), np.uint8)).save(folder / f"{number}.png")
        noise = torch.from_numpy(rng.uniform(-0.5, 0.5, (1, 1, 10 * rate))).float()
        write_audio(folder / f"{number}.flac", Waveform(noise, rate), tags={}, cover=None)
    return (
        [Source(f"{number}.png", str(number)) for number in range(count)],
        [Source(f"{number}.flac", str(number), 10.0) for number in range(count)],
    )


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def encoding(encoder: Path, prior: Path, count: int, folder: Path, *, bundled: bool) -> tuple[dict[str, Any], Computed]:
    """Seconds of a picture and of a piece once the networks are loaded, and what was computed of the last."""
    grid = read_grid(prior)
    pictures, music = files_of(folder, count + 1, grid.sample_rate)
    seeing = Pictures(encoder, "", "cpu")
    hearing = Latents(prior, "", grid, WHOLE if bundled else TEN, "cpu")
    look(folder, seeing, pictures[:1])
    hear(folder, [hearing], music[:1])
    seen, embedded = timed(lambda: look(folder, seeing, pictures[1:]))
    heard, encoded = timed(lambda: hear(folder, [hearing], music[1:]))
    values = {**embedded[-1].values, **encoded[-1].values}
    told = {"picture_s": seen / count, "piece_s": heard / count, "samples_per_s": count / (seen + heard)}
    return told, Computed("", values)


def written(root: Path, one: Computed, rows: int) -> Store:
    """A store in which every row has its own copy of one result."""
    sources = [Source("", str(row)) for row in range(rows)]
    feature = Feature(
        "copies",
        dict.fromkeys(one.values, "copy"),
        lambda some: [replace(one, content=each.content) for each in some],
        SIZE,
        SIZE,
    )
    return open_store(root, feature, sources, map)


def hollow(root: Path, one: Computed, rows: int) -> Store:
    """A store of many rows: the first shard's header, and then a hole in place of the values."""
    folder = root / "hollow"
    folder.mkdir()
    write_shard(folder / "000000.safetensors", [one] * SIZE)
    size, count = (folder / "000000.safetensors").stat().st_size, -(-rows // SIZE)
    with (folder / "000000.safetensors").open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        file.seek(0)
        start = file.read(8 + length)
        header = json.loads(start[8:])
    lengths = {name: about["data_offsets"] for name, about in header.items() if name.endswith(".lengths")}
    first = (folder / "000000.safetensors").read_bytes()
    for number in range(1, count):
        with (folder / f"{number:06d}.safetensors").open("wb") as file:
            file.write(start)
            file.truncate(size)
            for begin, end in lengths.values():
                file.seek(len(start) + begin)
                file.write(first[len(start) + begin : len(start) + end])
    index = {"columns": dict.fromkeys(one.values, "copy"), "size": SIZE, "rows": count * SIZE}
    (folder / "index.json").write_text(json.dumps(index), encoding="utf-8")
    return Store.at(folder)


def reading(latents: Pieces, embeddings: Pieces, batches: int, crop: int) -> float:
    """Samples per second in random batches."""
    rng, rows = np.random.default_rng(1), len(latents.lengths)

    def read() -> None:
        for _ in range(batches):
            chosen = rng.integers(rows, size=BATCH)
            latents.crops(chosen, crop, rng.random(BATCH))
            embeddings.take(chosen)

    seconds, _ = timed(read)
    return batches * BATCH / seconds


def slices(store: Store, batches: int, crop: int) -> float:
    """The same through safetensors, with all files open."""
    paths = sorted(store.folder.glob("*.safetensors"))
    opened = [safe_open(path, framework="np") for path in paths]
    latents, embeddings = ([file.get_slice(name) for file in opened] for name in ("latent", "seen"))
    length = store.column("latent").lengths[0]
    rng, rows = np.random.default_rng(1), len(paths) * SIZE

    def read() -> None:
        for _ in range(batches):
            chosen, shares = rng.integers(rows, size=BATCH), rng.random(BATCH)
            starts = (shares * (length - crop + 1)).astype(int) + chosen % SIZE * length
            parts = [
                latents[row // SIZE][start : start + crop] for row, start in zip(chosen, starts.tolist(), strict=True)
            ]
            np.stack(parts).astype(np.float32)
            np.stack([embeddings[row // SIZE][row % SIZE] for row in chosen.tolist()])

    seconds, _ = timed(read)
    return batches * BATCH / seconds


def evict(folder: Path) -> None:
    for path in folder.glob("*.safetensors"):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure(chosen: argparse.Namespace, folder: Path) -> dict[str, Any]:
    bundled = chosen.encoder == "pocket"
    parts = (PACKAGED / BUNDLED,) * 2 if bundled else random_parts(chosen.configurations, folder / "parts")
    (folder / "files").mkdir()
    found, one = encoding(*parts, chosen.files, folder / "files", bundled=bundled)
    crop = min(CROP, len(one.values["latent"]) - 1 if bundled else CROP)
    writing, store = timed(lambda: written(folder / "features", one, 1024))
    results: dict[str, Any] = {"encoder": chosen.encoder, "encoding": found}
    results["bytes_per_row"] = store.bytes // 1024
    results["write_rows_per_s"] = 1024 / writing
    columns = store.column("latent"), store.column("seen")
    results["read_per_s"] = reading(*columns, 400, crop)
    results["slices_per_s"] = slices(store, 400, crop)
    evict(store.folder)
    results["read_from_disk_per_s"] = reading(*columns, 40, crop)
    results["times"] = {name: results[name] / found["samples_per_s"] for name in ("read_per_s", "read_from_disk_per_s")}
    before = anonymous()
    make, _ = timed(lambda: hollow(folder / "features", one, chosen.rows))
    opening, many = timed(lambda: Store.at(folder / "features" / "hollow"))
    columns = many.column("latent"), many.column("seen")
    results["many"] = {
        "rows": chosen.rows,
        "shards": len(many.shards),
        "made_s": make,
        "open_s": opening,
        "read_per_s": reading(*columns, 400, crop),
        "anonymous_bytes": anonymous() - before,
    }
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configurations", type=Path)
    parser.add_argument("--encoder", choices=("huge", "pocket"), default="huge")
    parser.add_argument("--files", type=int, default=4)
    parser.add_argument("--rows", type=int, default=100_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = measure(chosen, Path(name))
    for key, value in found.items():
        print(f"{key:24} {value if not isinstance(value, float) else f'{value:,.3f}'}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
