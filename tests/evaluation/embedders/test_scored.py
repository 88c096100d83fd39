"""Several evaluation models in one study: each yields its measures, and the report notes what is missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from art2mus_core.audio.reading import read_audio
from art2mus_core.evaluation.collection import read_collection
from art2mus_core.evaluation.embedders import open_classifier, open_embedder
from art2mus_core.evaluation.embedders.features import FeatureCache
from art2mus_core.evaluation.scoring.score import score
from art2mus_core.evaluation.study import Study, open_study
from art2mus_core.measure.pairs.divergence import kl_of_classes
from art2mus_core.measure.sets.matching import agreement


@pytest.fixture
def study(known_cause: Path, clap_folder: Path, ast_folder: Path, tmp_path: Path) -> Study:
    """The system `torn`, captions, and a model of each kind."""
    collection = read_collection(known_cause)
    subjects = {
        key: replace(subject, caption=f"Music of place {n} {'place ' * n}")
        for n, (key, subject) in enumerate(collection.subjects.items())
    }
    unread = Study(
        replace(collection, systems={"torn": collection.systems["torn"]}).with_subjects(subjects),
        {"clap": open_embedder(f"clap:{clap_folder}"), "pocket": open_embedder("pocket")},
        FeatureCache(tmp_path / "features"),
        open_classifier(f"ast-audioset:{ast_folder}"),
        resamples=100,
    )
    return open_study(unread)


def test_every_model_yields_its_measures(study: Study) -> None:
    found = score(study)
    figures, pieces = found.figures["torn"], found.pieces["torn"]
    measured = {
        name: {key.partition(":")[0] for key in figures if key.endswith(f":{name}")} for name in study.embedders
    }
    assert measured["clap"] - measured["pocket"] == {"caption", "frechet-infinity", "frechet-infinity-fit"}
    assert {"match", "choice", "mrr-artwork-by-music"} <= measured["pocket"] - measured["clap"]
    assert {"music", "frechet", "frechet-piece", "kernel", "vendi"} <= measured["clap"] & measured["pocket"]

    (row,), clap, tagger = study.system_groups, study.embedders["clap"], study.classifier
    texts = clap.embed_texts([piece.subject.caption for piece in row.pieces])
    heard = np.stack([clap.embed_sound(read_audio(path)).mean(0) for path in row.paths])
    expected, figure = agreement(texts, heard, resamples=100), figures["caption:clap"]
    assert (figure.value, figure.control, figure.gap) == pytest.approx(
        (expected.value, expected.control, expected.gap), rel=1e-5, abs=1e-6
    )
    real, own = (
        np.stack([tagger.classify(read_audio(path)) for path in paths])
        for paths in (list(study.collection.reference.values()), row.paths)
    )
    kl = kl_of_classes(real, own)
    np.testing.assert_allclose([row["distance:kl-of-classes"] for row in pieces.values()], kl)
    assert figures["distance:kl-of-classes"].value == pytest.approx(kl.mean())
    assert found.made["classifier"] == tagger.space


def test_artworks_without_caption_are_told_of(study: Study) -> None:
    subjects = study.collection.subjects
    mute = study.collection.with_subjects({**subjects, "p3": replace(subjects["p3"], caption=None)})
    found = score(replace(study, collection=mute, classifier=None))
    assert "caption:clap" not in found.figures["torn"]
    assert sum("1 of 7 artworks have no caption" in note for note in found.notes) == 1
