from __future__ import annotations

import pytest

from art2mus_core.evaluation.collection import read_collection
from art2mus_core.listening.material import read_levels
from art2mus_core.listening.study import open_study

from .making import write_folder


@pytest.fixture(scope="session")
def music(tmp_path_factory):
    """Three systems over five artworks. Not to be written to."""
    return write_folder(tmp_path_factory.mktemp("music"))


@pytest.fixture
def open_one(music, tmp_path):
    """Opens the study of this test, begun with the given settings; closes it in the end."""
    opened = []

    def run(folder=music, systems=(), **settings):
        read = read_levels(read_collection(folder))
        store, sounds = open_study(tmp_path / "study.sqlite", *read, settings, systems=systems)
        opened.append(store)
        return store, sounds

    yield run
    for store in opened:
        store.close()
