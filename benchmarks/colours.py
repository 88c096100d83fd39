"""Compares one picture in twelve colour encodings with its sRGB copy: pixels, embeddings and music.

    python benchmarks/colours.py [--sample NAME] [--model NAME] [--seconds 5] [--keep FOLDER]

For each encoding: mean difference of the pixels (of 255), cosine similarity of the embeddings, and root mean square difference
of the log-mel spectrograms (dB) of music composed with the same seed. The last row is another sample, for comparison. `--keep
FOLDER` keeps the files; running it again with that folder reuses them, so two versions of the package can be compared on the
same files. The table goes to standard error, one JSON document to the last line of standard output.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageCms
from torch.nn import functional as F

HERE = Path(__file__).parents[1]
sys.path[:0] = [str(HERE / "tests" / "images")]
import encodings_of_colour as coded  # noqa: E402  a script's neighbour

from art2mus_core.audio.mel import MelTransform  # noqa: E402
from art2mus_core.images.listing import samples  # noqa: E402
from art2mus_core.images.reading import read_artwork  # noqa: E402
from art2mus_core.pipelines import load  # noqa: E402

SIDE = 512
DECIBELS = 20 / math.log(10)
WHITE_OF = {"prophoto": coded.D50}


def signal(rows, space, gamma=None, bits=8):
    """The picture in another colour space, with a power curve or sRGB's curve."""
    light = coded.light_in(rows, space, WHITE_OF.get(space, coded.D65))
    return coded.quantised(light ** (1 / gamma) if gamma else coded.srgb_curve(light), bits)


def profile(space, gamma=None):
    return coded.profile(coded.PRIMARIES[space], WHITE_OF.get(space, coded.D65), gamma)


def saved(image, kind, **options):
    sink = io.BytesIO()
    image.save(sink, kind, **options)
    return sink.getvalue()


def encodings(rows):
    """File contents by name; each file encodes the same picture."""
    fine, adobe = {"quality": 98, "subsampling": 0}, 2.19921875
    image = {name: Image.fromarray(signal(rows, name, gamma)) for name, gamma in (("p3", None), ("adobe", adobe))}
    corners = [value for corner in coded.PRIMARIES["adobe"] for value in corner]
    lab = [ImageCms.createProfile(name) for name in ("sRGB", "LAB")]
    return {
        "icc_srgb.png": coded.png(rows, coded.iccp(profile("srgb"))),
        "icc_display_p3.jpg": saved(image["p3"], "JPEG", icc_profile=profile("p3"), **fine),
        "icc_adobe_rgb.jpg": saved(image["adobe"], "JPEG", icc_profile=profile("adobe", adobe), **fine),
        "exif_adobe_rgb.jpg": saved(image["adobe"], "JPEG", exif=coded.camera_exif(65535, "R03"), **fine),
        "icc_prophoto.png": coded.png(signal(rows, "prophoto", 1.8), coded.iccp(profile("prophoto", 1.8))),
        "icc_linear_bt2020_16_bits.png": coded.png(signal(rows, "bt2020", 1.0, 16), coded.iccp(profile("bt2020", 1.0))),
        "gama_linear.png": coded.png(signal(rows, "srgb", 1.0), coded.gama(1.0)),
        "gama_chrm_adobe.png": coded.png(
            signal(rows, "adobe", 2.2), coded.gama(1 / 2.2), coded.chrm(coded.PRIMARIES["adobe"])
        ),
        "cicp_pq_16_bits.png": coded.png(
            coded.quantised(coded.pq(coded.light_in(rows, "bt2020")), 16), coded.cicp(9, 16)
        ),
        "tags_adobe.tif": coded.tiff(signal(rows, "adobe", 2.2), 8, 2, tags={318: (5, coded.D65), 319: (5, corners)}),
        "lab.tif": saved(ImageCms.profileToProfile(Image.fromarray(rows), *lab, outputMode="LAB"), "TIFF"),
        "nclx_display_p3.avif": coded.avif(np.asarray(image["p3"]), 12, 13),
    }


def laid_out(chosen, folder):
    """Paths of the files; writes them if the folder is empty."""
    folder.mkdir(parents=True, exist_ok=True)
    with Image.open(samples()[chosen.sample]) as image:
        image.thumbnail((SIDE, SIDE))
        rows = np.asarray(image.convert("RGB"))
    if not any(folder.iterdir()):
        (folder / "base.png").write_bytes(coded.png(rows))
        for name, content in encodings(rows).items():
            (folder / name).write_bytes(content)
    others = sorted(path for path in folder.iterdir() if path.name != "base.png")
    another = next(path for name, path in samples().items() if name != chosen.sample)
    return [folder / "base.png", *others, another]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", default="blue_flowers_on_red")
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--keep", type=Path, default=None)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        paths = laid_out(chosen, chosen.keep or Path(scratch))
        artworks = [read_artwork(path) for path in paths]
    pipeline = load(chosen.model)
    embedded = pipeline.embed(artworks).values
    transform = MelTransform(pipeline.parts.grid)
    pieces = [pipeline.compose([each], seconds=chosen.seconds, seeds=[0])[0] for each in artworks]
    heard = [transform(piece.samples[:, 0]) for piece in pieces]
    found = []
    for path, artwork, own, mel in list(zip(paths, artworks, embedded, heard, strict=True))[1:]:
        alike = artwork.pixels.shape == artworks[0].pixels.shape
        row = {
            "encoding": path.name,
            "pixels": float((artwork.pixels.float() - artworks[0].pixels.float()).abs().mean()) if alike else None,
            "cosine": float(F.cosine_similarity(own, embedded[0], dim=0)),
            "music_db": float((mel - heard[0]).square().mean().sqrt()) * DECIBELS,
        }
        found.append(row)
        shown = "" if row["pixels"] is None else f"{row['pixels']:.2f}"
        print(f"{path.name:32} {shown:>7} {row['cosine']:9.5f} {row['music_db']:7.2f} dB", file=sys.stderr)
    print(json.dumps({"sample": chosen.sample, "model": chosen.model, "seconds": chosen.seconds, "rows": found}))


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    main()
