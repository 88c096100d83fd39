"""A study with the bundled model's embedder and few resamples."""

from __future__ import annotations

from pathlib import Path

from art2mus_core.evaluation.embedders import open_embedder
from art2mus_core.evaluation.embedders.features import FeatureCache
from art2mus_core.evaluation.records import Collection
from art2mus_core.evaluation.study import Study, open_study

RESAMPLES = 30


def study_of(collection: Collection, features: Path, **more: object) -> Study:
    embedders = {"pocket": open_embedder("pocket")}
    return open_study(Study(collection, embedders, FeatureCache(features), resamples=RESAMPLES, **more))
