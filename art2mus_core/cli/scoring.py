"""What `art2mus score` and `art2mus evaluate` share: judges, and what is written and said at the end."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from ..errors import EvaluationError
from ..evaluation.config import MetricChoice
from ..evaluation.embedders import MissingWeightsError, open_classifier, open_embedder
from ..evaluation.embedders.features import FeatureCache
from ..evaluation.records import Collection
from ..evaluation.report.page import write_page
from ..evaluation.report.tables import decimals_for, number
from ..evaluation.results import Report, write_report
from ..evaluation.scoring.score import score
from ..evaluation.study import Study, open_study
from ..types import OnStep
from .models import table
from .presenting import print_document, print_file, print_line, raise_left_out
from .version import installed_version

__all__ = ["Judges", "present", "score_collection"]

LEFT_OUT = "left_out"
"""What a report calls the files that could not be read."""

FEATURES = ".features"
"""Folder, within the one that is scored, where embeddings are kept."""

NEEDED = ("scipy", "jinja2")
"""Packages without which nothing can be scored; asked for before long work."""

SHOWN = ("follows", "match", "sound")
"""Groups of measures that are printed; the page has all."""

Judge = TypeVar("Judge")


@dataclass(frozen=True)
class Judges:
    """What scores.

    Attributes:
        embedders: by name.
        classifier: by name, if one is wanted.
        skip_missing: go on without those whose weights are not here.
        seed: of every bootstrap and shuffling.
        resamples: of every bootstrap.
        device: where networks compute.
    """

    embedders: Sequence[str] = ("pocket",)
    classifier: str | None = None
    skip_missing: bool = False
    seed: int = 0
    resamples: int = 1000
    device: str = "cpu"

    @classmethod
    def of(cls, chosen: MetricChoice, embedders: Sequence[str] | None, *, skip_missing: bool, device: str) -> Judges:
        """Those of a configuration, embedders replaced if any are given."""
        return cls(
            tuple(embedders or chosen.embedders),
            chosen.classifier,
            skip_missing or chosen.skip_missing,
            chosen.seed,
            chosen.resamples,
            device,
        )

    def opened(self) -> tuple[dict[str, Any], Any, list[str]]:
        """Embedders by name, the classifier, and a sentence on each that is left out.

        Raises:
            ModuleNotFoundError: a package of the `eval` extra is missing.
            EvaluationError: a name that is not known, or numbers that make no bootstrap.
            CheckpointError: weights that are missing or damaged.
        """
        for package in NEEDED:
            if find_spec(package) is None:
                raise ModuleNotFoundError(f"no {package}", name=package)
        if self.resamples < 100:
            raise EvaluationError(f"{self.resamples} resamples", "at least 100", "Ask for more, 1000 say.")
        left: list[str] = []
        embedders = {name: self._open(open_embedder, name, left) for name in self.embedders}
        classifier = self._open(open_classifier, self.classifier, left) if self.classifier else None
        return {name: judge for name, judge in embedders.items() if judge is not None}, classifier, left

    def _open(self, opening: Callable[..., Judge], name: str, left: list[str]) -> Judge | None:
        try:
            return opening(name, device=self.device)
        except MissingWeightsError as error:
            if not self.skip_missing:
                raise
            left.append(f"{name} was left out: {error.came}.")
            return None


def score_collection(
    collection: Collection, judges: Judges, on_step: OnStep, *, made: dict[str, Any] | None = None
) -> Report:
    """Score what can be read of a collection; embeddings are kept in its folder."""
    embedders, classifier, left = judges.opened()
    workers = os.cpu_count() or 1
    study = open_study(
        Study(
            collection,
            embedders,
            FeatureCache(collection.folder / FEATURES),
            classifier,
            seed=judges.seed,
            resamples=judges.resamples,
            workers=workers,
            on_step=on_step,
            notes=tuple(left),
        )
    )
    failed = {str(path): why for path, why in study.collection.left_out.items()}
    told = {"version": installed_version(), **(made or {}), **({LEFT_OUT: failed} if failed else {})}
    return score(study, told)


def present(
    report: Report, collection: Collection, out: Path, *, no_replace: bool = False, as_json: bool, on_step: OnStep
) -> None:
    """Write the page and, beside it, the report as JSON; say what was found, and raise if something was left out.

    Raises:
        EvaluationError: files could not be read; the message lists them.
    """
    document = out.with_suffix(".json")
    replaced = [path for path in (document, out) if path.exists()]
    write_report(report, document, no_replace=no_replace)
    write_page(report, collection, out, no_replace=no_replace, on_step=on_step)
    if as_json:
        print_document(
            {"report": str(document), "page": str(out), "replaced": list(map(str, replaced)), **_brief(report)}
        )
    else:
        for line in _lines(report):
            print_line(line)
        for note in report.notes:
            print_line(f"- {note}")
        for path in (document, out):
            print_file(path, replaced=path in replaced)
    raise_left_out(report.made.get(LEFT_OUT, {}).values())


def _brief(report: Report) -> dict[str, Any]:
    figures = {
        title: {key: _finite(vars(figure)) for key, figure in own.items()} for title, own in report.figures.items()
    }
    return {"made": dict(report.made), "notes": list(report.notes), "figures": figures}


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    return {name: None if value != value else value for name, value in values.items()}  # noqa: PLR0124  NaN


def _lines(report: Report) -> list[str]:
    """A row a measure, a column a system: value, interval, and the control in brackets."""
    titles = list(report.figures)
    rows: list[tuple[str, ...]] = [("measure", *titles)]
    for key, measure in report.measures.items():
        if measure.group in SHOWN and "~" not in key:
            rows.append((measure.title, *(_said(report, title, key) for title in titles)))
    return table(rows)


def _said(report: Report, title: str, key: str) -> str:
    figure = report.figures[title].get(key)
    if figure is None:
        return ""
    ends = [each for each in (figure.low, figure.high) if each is not None]
    places = decimals_for([figure.value, *ends])
    interval = f" [{', '.join(number(each, places) for each in ends)}]" if ends else ""
    control = f" ({number(figure.control, places)})" if figure.control is not None else ""
    return f"{number(figure.value, places)}{interval}{control}"
