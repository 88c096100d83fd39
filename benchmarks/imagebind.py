"""Compares our ImageBind encoders with Meta's code and measures the cost of opening them, with random weights of the published
shapes.

    pip install --no-deps --target REFERENCE imagebind-unofficial==0.1.1 einops ftfy wcwidth regex iopath portalocker tqdm
    python benchmarks/imagebind.py REFERENCE --artworks FOLDER --music FOLDER [--sizes small] [--file FILE] [--scratch FOLDER]

REFERENCE is a folder outside this project with Meta's package `imagebind`; the first command creates it. `--no-deps` leaves out
torchvision, torchaudio, timm, pytorchvideo and decord, which its models don't need; the six packages after it are required. The
two names of timm that the models use are replaced by torch's (see `reference_towers`). A checkout of facebookresearch/ImageBind
also works, with these six packages installed. Its licence is CC BY-NC-SA 4.0: no commercial use. All six of Meta's encoders are
built with the published sizes and random weights (no bias is zero) and saved with `torch.save`. Our encoders open that file.

Measured: the relative error |ours - theirs| / |theirs| of embeddings and patch tokens in float32, for every artwork and sound,
from the same pixels and filter bank values; seconds and peak anonymous memory, each in a new process, of opening the file and
building an encoder (also with the file in the system's cache), of encoding one picture or sound, and of converting. The table
goes to standard error, one JSON document to the last line of standard output.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import types
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from art2mus_core.audio.reading import read_audio
from art2mus_core.checkpoints.precision import imitates
from art2mus_core.checkpoints.strict import fill
from art2mus_core.encoders.imagebind import TOWERS
from art2mus_core.encoders.imagebind_files import COMPONENTS, HUGE, convert, open_towers
from art2mus_core.errors import Art2MusError
from art2mus_core.images.centre import centre_square
from art2mus_core.images.listing import list_artworks
from art2mus_core.images.reading import read_artwork
from art2mus_core.types import Waveform

SMALL: dict[str, dict[str, Any]] = {
    "vision": {**HUGE["vision"], "width": 26, "layers": 3, "heads": 2, "hidden": 104, "dim": 11},
    "audio": {**HUGE["audio"], "width": 21, "layers": 2, "heads": 3, "hidden": 84, "dim": 11},
}
SIZES = {"huge": HUGE, "small": SMALL}
OTHERS: dict[str, dict[str, int]] = {
    "huge": {"text_embed_dim": 1024, "text_num_blocks": 24, "text_num_heads": 16},
    "small": {
        f"{tower}_{name}": value
        for tower in ("text", "depth", "thermal", "imu")
        for name, value in (("embed_dim", 16), ("num_blocks", 1), ("num_heads", 2))
    },
}
"""Sizes of the encoders that are not compared; missing values are as published."""
FILE = "imagebind_huge.pth"


class DropPath(nn.Identity):
    """Replaces timm's DropPath, which has no effect in evaluation."""

    def __init__(self, share: float = 0.0) -> None:
        super().__init__()
        self.share = share


def reference_towers(folder: Path, named: str) -> nn.Module:
    """Meta's model with random weights. Its `__init__` is skipped, because it imports the data code.

    The models use two names of timm: a layer without effect in evaluation, and an initialisation, which random weights replace here.
    """
    sizes = SIZES[named]
    package = folder / "imagebind"
    if not (package / "models" / "imagebind_model.py").is_file():
        raise SystemExit(f"{folder} holds no package imagebind with Meta's models")
    sys.path.append(str(folder))
    door, timm, layers = (types.ModuleType(name) for name in ("imagebind", "timm", "timm.layers"))
    door.__path__ = [str(package)]
    layers.DropPath, layers.trunc_normal_ = DropPath, nn.init.trunc_normal_  # type: ignore[attr-defined]
    sys.modules.update({"imagebind": door, "timm": timm, "timm.layers": layers})
    models = importlib.import_module("imagebind.models.imagebind_model")
    torch.manual_seed(0)
    chosen = {
        f"{tower}_{theirs}": sizes[tower][ours]
        for tower in ("vision", "audio")
        for theirs, ours in (("embed_dim", "width"), ("num_blocks", "layers"), ("num_heads", "heads"))
    }
    model = models.ImageBindModel(out_embed_dim=sizes["vision"]["dim"], **chosen, **OTHERS[named]).eval()
    for name, weight in model.named_parameters():
        weight.requires_grad_(requires_grad=False)
        if weight.dim() == 1:  # biases, and scales around 1
            weight.add_(0.1 * torch.randn_like(weight))
        elif name.endswith(("cls_token", "pos_embed")):
            weight.copy_(0.1 * torch.randn_like(weight))
    return model


def published_file(model: nn.Module, path: Path) -> None:
    """Write the model's weights to the file; if the file exists, load the weights from it."""
    if path.is_file():
        model.load_state_dict(torch.load(path, mmap=True, weights_only=True))
        return
    torch.save(model.state_dict(), path)
    with path.open("rb") as file:
        os.fsync(file.fileno())


def evict(path: Path) -> None:
    """Remove a file from the system's cache, where the system supports it."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def load_tower(path: Path, name: str, sizes: dict[str, Any], dtype: torch.dtype = torch.float32) -> Any:
    """One encoder from the published file; in float32 its weights are mapped, not read."""

    def build() -> nn.Module:
        return TOWERS[name](sizes[name])

    with torch.device("meta"):
        tower = build()
    return fill(tower, open_towers(path, [name], sizes=sizes)[name], path, build, dtype=dtype)


def relative(ours: Tensor, theirs: Tensor) -> float:
    return float((ours.double() - theirs.double()).norm() / theirs.double().norm())


def reference_vision(model: nn.Module, square: Tensor) -> tuple[Tensor, Tensor]:
    """Meta's embedding, and its patch tokens after the head's LayerNorm."""
    inputs = model.modality_preprocessors["vision"](vision=square)["trunk"]
    patches = model.modality_heads["vision"][0](model.modality_trunks["vision"](**inputs))[:, 1:]
    return model({"vision": square})["vision"], patches


@torch.no_grad()
def pictures(model: nn.Module, path: Path, sizes: dict[str, Any], folder: Path) -> dict[str, dict[str, float]]:
    tower = load_tower(path, "vision", sizes)
    found = {}
    for file in list_artworks(folder):
        square = centre_square(read_artwork(file), sizes["vision"]["size"])[None]
        (values, patches), (their_values, their_patches) = tower(square), reference_vision(model, square)
        found[file.name] = {
            "embedding": relative(values, their_values),
            "patches": relative(patches, their_patches),
        }
    return found


@torch.no_grad()
def sounds(model: nn.Module, path: Path, sizes: dict[str, Any], folder: Path) -> dict[str, dict[str, float]]:
    tower = load_tower(path, "audio", sizes)
    found = {}
    for file in sorted(folder.iterdir()):
        try:
            waveform = read_audio(file, sizes["audio"]["sample_rate"])
        except Art2MusError as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        clips = tower.front.prepare(Waveform(waveform.samples[:, :1], waveform.sample_rate))
        theirs = model({"audio": clips})["audio"]
        unit = theirs / theirs.norm(dim=-1, keepdim=True)
        found[file.name] = {
            "embedding": relative(tower(clips)[0], theirs),
            "unit embedding": relative(tower.encode(waveform).values, unit),
        }
    return found


# Time and memory, each in a new process.


def anonymous() -> int:
    """Anonymous memory of this process in bytes; 0 if the system does not report it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    return 0


class Peak:
    """Measures peak anonymous memory and time of a block."""

    def __enter__(self) -> Self:
        self.before = self.most = anonymous()
        self.start, self.over = time.monotonic(), threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()
        return self

    def _watch(self) -> None:
        while not self.over.wait(0.002):
            self.most = max(self.most, anonymous())

    def __exit__(self, *_: object) -> None:
        self.seconds = time.monotonic() - self.start
        self.over.set()
        self.thread.join()
        self.most = max(self.most, anonymous())

    def results(self) -> dict[str, float]:
        return {"seconds": round(self.seconds, 3), "peak_bytes": self.most - self.before}


@torch.no_grad()
def cost(path: Path, name: str, precision: str, sizes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    dtype = getattr(torch, precision)
    with Peak() as opening:
        tower = load_tower(path, name, sizes, dtype)
    size = sum(value.numel() for value in tower.state_dict().values())
    config = sizes[name]
    shape = (1, 3, config["size"], config["size"]) if name == "vision" else (1, 3, config["bins"], config["frames"])
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(dtype)
    with Peak() as first:
        tower(x)
    with Peak() as second:
        tower(x)
    return {
        "tower_bytes": size * dtype.itemsize,
        "open": opening.results(),
        "first forward": first.results(),
        "second forward": second.results(),
    }


def converting(path: Path, folder: Path, precision: str, sizes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    with Peak() as peak:
        written = convert(path, folder, dtype=getattr(torch, precision), sizes=sizes)
    return {**peak.results(), "written_bytes": sum(file.stat().st_size for file in written)}


def apart(*arguments: str) -> dict[str, Any]:
    """The measurements that this file prints when it runs as a new process."""
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    return json.loads(done.stdout.splitlines()[-1])


def costs(path: Path, scratch: Path, sizes: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    evict(path)
    found["vision, float32, unread file"] = apart("--cost", str(path), "vision", "float32", "--sizes", sizes)
    for precision in ("float32", "bfloat16"):
        if imitates(torch.device("cpu"), getattr(torch, precision)):
            continue
        for tower in COMPONENTS:
            found[f"{tower}, {precision}"] = apart("--cost", str(path), tower, precision, "--sizes", sizes)
    into = str(scratch / "converted")
    found["convert, float16"] = apart("--convert", str(path), into, "float16", "--sizes", sizes)
    return found


def measure(chosen: argparse.Namespace, sizes: dict[str, dict[str, Any]], scratch: Path) -> dict[str, Any]:
    path = chosen.file or scratch / FILE
    model = reference_towers(chosen.reference, chosen.sizes)
    published_file(model, path)
    report: dict[str, Any] = {
        "sizes": chosen.sizes,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "keys": len(model.state_dict()),
        "file_bytes": path.stat().st_size,
        "pictures": pictures(model, path, sizes, chosen.artworks),
        "sounds": sounds(model, path, sizes, chosen.music),
    }
    del model
    for kind in ("pictures", "sounds"):
        for name, errors in report[kind].items():
            print(name.ljust(40), *(f"{what} {error:.2e}" for what, error in errors.items()), file=sys.stderr)
        report[f"largest error of {kind}"] = max((max(each.values()) for each in report[kind].values()), default=None)
    report["costs"] = costs(path, scratch, chosen.sizes)
    for name, results in report["costs"].items():
        print(name.ljust(32), json.dumps(results), file=sys.stderr)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reference", type=Path, nargs="?")
    parser.add_argument("--artworks", type=Path)
    parser.add_argument("--music", type=Path)
    parser.add_argument("--sizes", choices=SIZES, default="huge")
    parser.add_argument("--file", type=Path, help="where the file is kept; one that is there is used as it is")
    parser.add_argument("--scratch", type=Path, help="where 7 GB of weights may lie for a while")
    parser.add_argument("--cost", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--convert", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    sizes = dict(SIZES[chosen.sizes])
    if chosen.cost:
        path, tower, precision = chosen.cost
        print(json.dumps(cost(Path(path), tower, precision, sizes)))
        return
    if chosen.convert:
        path, folder, precision = chosen.convert
        print(json.dumps(converting(Path(path), Path(folder), precision, sizes)))
        return
    if not (chosen.reference and chosen.artworks and chosen.music):
        parser.error("REFERENCE, --artworks and --music are needed")
    with tempfile.TemporaryDirectory(dir=chosen.scratch) as temporary:
        report = measure(chosen, sizes, Path(temporary))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
