"""What is asked first, with whom it is compared, and what becomes of the answers."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from art2mus_core.audio.reading import read_audio
from art2mus_core.errors import EvaluationError
from art2mus_core.evaluation.collection import read_collection
from art2mus_core.images.reading import read_artwork
from art2mus_core.rating.cache import AnswerCache
from art2mus_core.rating.evidence import artwork_evidence, music_evidence, read_evidence
from art2mus_core.rating.plan import likely_tokens, make_plan, pairings
from art2mus_core.rating.rubric import RUBRIC
from art2mus_core.rating.summary import FEELING, summarise

from .conftest import IDS, SYSTEMS
from .endpoint import parts, rating


def test_the_budget_is_kept_and_the_next_run_goes_on(run, server):
    first = run(budget=3000)
    assert 0 < first.usage.tokens <= 3000
    assert len(first.rated) == len(server.asked) < 6
    assert "the budget of 3,000 tokens" in first.stopped
    rest = run()
    assert len(rest.rated) == len(server.asked) == 6


def test_a_budget_for_nothing_is_said(run, server):
    with pytest.raises(EvaluationError, match="exceed the budget of 10 tokens"):
        run(budget=10)
    assert server.asked == []


def test_the_estimate_is_of_what_is_not_cached(run, folder):
    collection, cache = read_collection(folder), AnswerCache(folder / ".ratings", "m")
    evidence = read_evidence(collection, described=False)
    before = make_plan(*evidence, cache)
    assert before.pending == 6
    assert before.tokens == 6 * likely_tokens(
        music_evidence(read_audio(folder / "plain" / "dawn.flac"), described=False)
    )
    run()
    after = make_plan(*evidence, cache)
    assert (after.pending, after.tokens) == (0, 0)


def test_the_control_is_another_artwork_of_the_group_the_same_for_all_systems(folder):
    groups = {"dawn": "a", "dusk": "b", "noon": "a"}
    (folder / "items.json").write_text(json.dumps({key: {"group": group} for key, group in groups.items()}))
    collection = read_collection(folder)
    found = pairings(collection, control=True, seed=3)
    own = [(each.system, each.piece.id) for each in found if not each.is_control]
    assert sorted(own) == sorted((system, key) for system in SYSTEMS for key in IDS)
    others = {(each.system, each.piece.id, each.artwork) for each in found if each.is_control}
    assert others == {(system, a, b) for system in SYSTEMS for a, b in (("dawn", "noon"), ("noon", "dawn"))}


def test_a_run_that_is_stopped_is_fair_to_all_systems(folder):
    orders = set()
    for seed in range(9):
        found = pairings(read_collection(folder), control=False, seed=seed)
        for first, second in zip(found[::2], found[1::2], strict=True):
            assert first.piece.id == second.piece.id
            assert {first.system, second.system} == set(SYSTEMS)
        orders.add(tuple(each.piece.id for each in found))
    assert len(orders) > 3


def test_a_control_needs_two_artworks(folder):
    for name in IDS[1:]:
        for path in folder.rglob(f"{name}.*"):
            path.unlink()
    with pytest.raises(EvaluationError, match="one artwork in each group"):
        pairings(read_collection(folder), control=True, seed=0)


def test_figures_are_means_over_artworks_with_their_control(run, server, folder):
    """The stand-in recognises the pictures that belong to the sounds."""
    collection = read_collection(folder)
    jpegs = {artwork_evidence(read_artwork(path)).jpeg: key for key, path in collection.artworks.items()}
    sounds = {
        base64.b64encode(music_evidence(read_audio(piece.path), described=False).wav).decode(): piece.id
        for pieces in collection.systems.values()
        for piece in pieces
    }
    scale = {"dawn": 5, "dusk": 3, "noon": 4}

    def judged(body):
        picture, music = parts(body)
        key = sounds[music["input_audio"]["data"]]
        return rating(scale[key] if jpegs[picture] == key else 1 + (key == "dawn"))

    server.usual = judged
    report = summarise(run(control=True), collection)
    assert len(server.asked) == 12
    for system in SYSTEMS:
        figure = report.figures[system][FEELING.key]
        assert figure.value == pytest.approx(4.0)
        assert figure.control == pytest.approx(4 / 3)
        apart = np.array([3, 2, 3])
        assert figure.gap == pytest.approx(apart.mean() / (apart.std(ddof=1) / 3**0.5))
        assert figure.n == 3
        assert figure.low <= 4 <= figure.high
        assert report.pieces[system]["dawn"] == {FEELING.key: 5.0}
    assert not any("no control" in note for note in report.notes)
    assert report.made["rubric"]["text"] == RUBRIC
    assert {row["artwork"] for row in report.made["answers"] if row["piece"] == "dawn"} > {"dawn"}
