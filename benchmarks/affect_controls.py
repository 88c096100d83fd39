"""Measures what earns the image encoder's arousal and valence: statistics, features, or their union, with two controls.

    python benchmarks/affect_controls.py PAINTINGS WEIGHTS.pth [--train A] [--test B] [--permutations 200] [--out RESULT.json]

PAINTINGS has pictures and LABELS.csv; WEIGHTS is a published EfficientNet-Lite file. Each row is fitted on one part as `art2mus fit-affect`
fits it, with its penalty chosen there, and tried on the other part:
  literature  the documented mapping from statistics, not fitted
  statistics  the mapping, corrected by the eight measured statistics
  features    the backbone's pooled features alone
  both        the mapping, corrected by the features: the shipped way
  untrained   both, with a backbone of random weights
  shuffled    both, with the labels of the training part shuffled; mean, and the share of permutations that reach `both`

Columns: rank correlation with the labels of training paintings in nested cross-validation, and on the other part the area under the ROC
curve (AUC) of agitated (4-5) against calm (1-2), and of joyful against sad, with 95 % bootstrap intervals over paintings.
The table goes to standard output as Markdown.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from contrasts import auc  # beside this script

from art2mus_core.checkpoints.folder import load_component
from art2mus_core.datasets.labelled import LabelledPainting, read_labels, views
from art2mus_core.encoders.efficientnet import EfficientNetEncoder
from art2mus_core.encoders.efficientnet_files import JOINT, SIZES, convert, new_encoder
from art2mus_core.images.reading import read_artwork
from art2mus_core.measure.pictures import measure, percentiles
from art2mus_core.measure.sets.correlation import spearman
from art2mus_core.measure.sets.intervals import bootstrap
from art2mus_core.training import affect
from art2mus_core.training.affect import Looks, cross_validated, look_at, ridge

SIDES = ("arousal", "valence")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paintings", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--train", default="A")
    parser.add_argument("--test", default="B")
    parser.add_argument("--permutations", type=int, default=200)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()

    shown = [read_labels(args.paintings, part) for part in (args.train, args.test)]
    with tempfile.TemporaryDirectory() as folder:
        convert(args.weights, Path(folder))
        trained = load_component(Path(folder), "image_encoder", EfficientNetEncoder.from_config).eval()
    name = next(name for name in SIZES if f"-{name}" in args.weights.name)
    both = [look_at(trained, each, seed=0) for each in shown]
    blank = [replace(each, features=np.zeros_like(each.features)) for each in both]
    rows = {
        "literature": literature(*blank),
        "statistics": fitted(*(with_statistics(each, paintings) for each, paintings in zip(both, shown, strict=True))),
        "features": fitted(*(replace(each, prior=np.zeros_like(each.prior)) for each in both)),
        "both": fitted(*both),
    }
    random = new_encoder({**SIZES[name], **JOINT}).eval()
    spread_out(random)
    rows["untrained"] = fitted(*(look_at(random, each, seed=0) for each in shown))
    rows["shuffled"], reached = shuffled(*both, rows["both"], args.permutations)
    lines = ["| | left out: arousal, valence | AUC arousal | AUC valence |", "|---|---|---|---|"]
    for title, row in rows.items():
        lines.append(
            f"| {title} | {row['left out'][0]:.2f}, {row['left out'][1]:.2f} | {row['arousal']} | {row['valence']} |"
        )
    counts = {
        side: [int((labels >= 4).sum()), int((labels <= 2).sum())]
        for side, labels in zip(SIDES, both[1].labels.T, strict=True)
    }
    notes = {
        "backbone": name,
        "train": len(shown[0]),
        "test": len(shown[1]),
        "counts": counts,
        "permutations reaching both": reached,
    }
    print("\n".join(lines))
    print(json.dumps({**notes, "rows": rows}))
    if args.out:
        args.out.write_text(json.dumps({**notes, "rows": rows}, indent=1) + "\n", encoding="utf-8")


def spread_out(encoder: EfficientNetEncoder) -> None:
    """Random weights that keep the size of signals through the layers (He et al. 2015); the usual first ones fade to nothing."""
    generator = torch.Generator().manual_seed(0)
    for part in encoder.backbone.modules():
        if isinstance(part, torch.nn.Conv2d):
            size = (2 / part.weight[0].numel()) ** 0.5
            part.weight.copy_(torch.randn(part.weight.shape, generator=generator) * size)
            part.bias.zero_()  # type: ignore[union-attr]


def with_statistics(looks: Looks, paintings: list[LabelledPainting]) -> Looks:
    """The same views, with percentiles of the eight statistics as features."""
    seen = []
    for index, painting in enumerate(paintings):
        shown = views(read_artwork(painting.path), affect.VIEWS, np.random.default_rng((0, index)))
        ranks = [astuple(percentiles(measure(view))) for view in shown]
        seen.append([(*rank[:-1], np.cos(rank[-1]), np.sin(rank[-1])) for rank in ranks])
    features = np.array(seen)
    return replace(looks, features=features, widths=(features.shape[-1],))


def literature(train: Looks, test: Looks) -> dict[str, Any]:
    known = [spearman(train.prior[:, 0, side], train.labels[:, side]) for side in (0, 1)]
    return {"left out": known, **scores(test.prior[:, 0], test.labels)}


def fitted(train: Looks, test: Looks) -> dict[str, Any]:
    fit = cross_validated(train, seed=0)
    weights, intercept = ridge(train, fit.strength)
    inputs = np.concatenate([test.features[:, 0], test.prior[:, 0]], axis=1)
    return {
        "left out": list(fit.correlation),
        "penalty": fit.strength,
        **scores(inputs @ weights.T + intercept, test.labels),
    }


def shuffled(train: Looks, test: Looks, both: dict[str, Any], count: int) -> tuple[dict[str, Any], list[float]]:
    """Fits with the penalty of `both`, so that one permutation is one solution."""
    rng, values = np.random.default_rng(0), []
    inputs = np.concatenate([test.features[:, 0], test.prior[:, 0]], axis=1)
    for done in range(count):
        mixed = replace(train, labels=train.labels[rng.permutation(len(train.labels))])
        weights, intercept = ridge(mixed, both["penalty"])
        values.append([area(side, inputs @ weights.T + intercept, test.labels) for side in (0, 1)])
        print(f"\rshuffled {done + 1} of {count}", end="", file=sys.stderr)
    found = np.array(values)
    reached = [float((found[:, side] >= float(both[name].split()[0])).mean()) for side, name in enumerate(SIDES)]
    spread = {
        name: f"{found[:, side].mean():.2f} [{np.quantile(found[:, side], 0.025):.2f}, {np.quantile(found[:, side], 0.975):.2f}]"
        for side, name in enumerate(SIDES)
    }
    return {"left out": [float("nan")] * 2, **spread}, reached


def scores(predicted: np.ndarray, labels: np.ndarray) -> dict[str, str]:
    shown = {}
    for side, name in enumerate(SIDES):
        score: Callable[[np.ndarray], float] = lambda rows, side=side: area(side, predicted[rows], labels[rows])  # noqa: E731
        found = bootstrap(score, len(labels))
        shown[name] = f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"
    return shown


def area(side: int, predicted: np.ndarray, labels: np.ndarray) -> float:
    return auc(predicted[labels[:, side] >= 4, side], predicted[labels[:, side] <= 2, side])


if __name__ == "__main__":
    main()
