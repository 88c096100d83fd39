"""What `art2mus score` and `art2mus evaluate` share: open the evaluation models, score, write and print the report."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

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
from .outputs import installed_version, print_document, print_file, print_lines, raise_left_out, table

__all__ = ["open_models", "present", "score_collection"]

LEFT_OUT = "left_out"
"""Key of a report for the files that could not be read."""

FEATURES = ".features"
"""Folder for embeddings, within the folder that is scored."""

NEEDED = ("scipy", "jinja2")
"""Packages that scoring needs; checked before long work."""

SHOWN = ("follows", "match", "sound")
"""Groups of measures that are printed; the page has all."""


def open_models(chosen: MetricChoice, device: str) -> tuple[dict[str, Any], Any, list[str]]:
    """Open the evaluation models: embedders by name, the classifier, and a sentence about each that was skipped.

    Raises:
        ModuleNotFoundError: a package of the `eval` extra is missing.
        EvaluationError: an unknown name, or too few resamples for a bootstrap.
        CheckpointError: weights are missing or damaged.
    """
    for package in NEEDED:
        if find_spec(package) is None:
            raise ModuleNotFoundError(f"no {package}", name=package)
    if chosen.resamples < 100:
        raise EvaluationError(f"{chosen.resamples} resamples", "at least 100", "Choose more, for example 1000.")
    skipped: list[str] = []

    def opened(opening: Callable[..., Any], name: str) -> Any:  # noqa: ANN401
        try:
            return opening(name, device=device)
        except MissingWeightsError as error:
            if not chosen.skip_missing:
                raise
            skipped.append(f"{name} was skipped: {error.came}.")

    embedders = {name: opened(open_embedder, name) for name in chosen.embedders}
    classifier = opened(open_classifier, chosen.classifier) if chosen.classifier else None
    return {name: model for name, model in embedders.items() if model is not None}, classifier, skipped


def score_collection(
    collection: Collection, chosen: MetricChoice, device: str, on_step: OnStep, *, made: dict[str, Any] | None = None
) -> Report:
    """Score the readable files of a collection; embeddings are stored in its folder."""
    embedders, classifier, skipped = open_models(chosen, device)
    study = open_study(
        Study(
            collection,
            embedders,
            FeatureCache(collection.folder / FEATURES),
            classifier,
            seed=chosen.seed,
            resamples=chosen.resamples,
            workers=os.cpu_count() or 1,
            on_step=on_step,
            notes=tuple(skipped),
        )
    )
    failed = {str(path): why for path, why in study.collection.left_out.items()}
    return score(study, {"version": installed_version(), **(made or {}), **({LEFT_OUT: failed} if failed else {})})


def present(
    report: Report, collection: Collection, out: Path, *, no_replace: bool = False, as_json: bool, on_step: OnStep
) -> None:
    """Write the page and, beside it, the report as JSON; print a summary.

    Raises:
        EvaluationError: files could not be read; the message lists them.
    """
    document = out.with_suffix(".json")
    replaced = [path for path in (document, out) if path.exists()]
    write_report(report, document, no_replace=no_replace)
    write_page(report, collection, out, no_replace=no_replace, on_step=on_step)
    if as_json:
        figures = {title: {key: vars(result) for key, result in own.items()} for title, own in report.figures.items()}
        written = {"report": str(document), "page": str(out), "replaced": [str(path) for path in replaced]}
        print_document({**written, "made": dict(report.made), "notes": list(report.notes), "figures": figures})
    else:
        print_lines(*_lines(report), *(f"- {note}" for note in report.notes))
        for path in (document, out):
            print_file(path, replaced=path in replaced)
    raise_left_out(report.made.get(LEFT_OUT, {}).values())


def _lines(report: Report) -> list[str]:
    """A line for each measure and a column for each system: value, interval, and the control in brackets."""
    titles = list(report.figures)
    rows: list[tuple[str, ...]] = [("measure", *titles)]
    for key, measure in report.measures.items():
        if measure.group in SHOWN and "~" not in key:
            rows.append((measure.title, *(_cell(report, title, key) for title in titles)))
    return table(rows)


def _cell(report: Report, title: str, key: str) -> str:
    result = report.figures[title].get(key)
    if result is None:
        return ""
    ends = [each for each in (result.low, result.high) if each is not None]
    places = decimals_for([result.value, *ends])
    interval = f" [{', '.join(number(each, places) for each in ends)}]" if ends else ""
    control = f" ({number(result.control, places)})" if result.control is not None else ""
    return f"{number(result.value, places)}{interval}{control}"
