from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from art2mus_core.evaluation.results import GROUPS
from art2mus_core.listening.report import MEASURES, findings

from .going import go_through, obedient
from .making import SYSTEMS

BEST, MIDDLE, WORST = sorted(SYSTEMS)
MARKS = {BEST: 5, MIDDLE: 3, WORST: 2}


def discerning(systems, question, wanted, times):
    if question == "preference":
        return wanted or 1 + (MARKS[systems[0]] < MARKS[systems[1]])
    return wanted or MARKS[systems[0]] - (question == "quality")


def careless(systems, question, wanted, times):
    return 2 if wanted == 1 else 1


def fickle(systems, question, wanted, times):
    return wanted or (5 if times and question != "preference" else 1)


def test_means_wins_and_agreement(open_one):
    store, _ = open_one(mode="both", rounds=3)
    for _ in range(4):
        go_through(store, discerning)
    found = findings(store)
    assert (found.begun, found.finished, found.flagged) == (4, 4, {})
    for system, mark in MARKS.items():
        shown = found.kept.figures[system]
        assert set(shown) == set(MEASURES)
        assert shown["listening:relevance"].value == mark
        assert shown["listening:quality"].value == mark - 1
        assert shown["listening:relevance"].n == 12
        assert (shown["listening:relevance"].low, shown["listening:relevance"].high) == pytest.approx((mark, mark))
    assert found.kept.wins[BEST][WORST].value == 1
    assert found.kept.wins[WORST][BEST].value == 0
    assert found.kept.wins[WORST][BEST].n == 12
    assert found.kept.figures[MIDDLE]["listening:preference"].value == 0.5
    assert found.kept.figures[MIDDLE]["listening:preference"].n == 24
    assert found.kept.alpha["listening:relevance"] == 1
    assert found.kept.alpha["listening:preference"] == 1


def test_repeats_and_checks_count_in_no_figure(open_one):
    store, _ = open_one(rounds=2)
    go_through(store, lambda systems, question, wanted, times: wanted or (4 if times else 3))
    found = findings(store)
    assert {figure.value for own in found.kept.figures.values() for figure in own.values()} == {3}
    assert {figure.n for own in found.kept.figures.values() for figure in own.values()} == {2}


def test_who_does_not_attend_is_set_aside_and_still_shown(open_one):
    store, _ = open_one(mode="both", rounds=2)
    go_through(store)
    go_through(store, careless)
    go_through(store, fickle)
    found = findings(store)
    assert set(found.flagged) == {2, 3}
    assert "attention check" in found.flagged[2]
    assert "mean difference of 4.0" in found.flagged[3]
    assert (found.kept.listeners, found.everyone.listeners) == (1, 3)
    assert found.kept.figures[BEST]["listening:quality"].n == 2
    assert found.everyone.figures[BEST]["listening:quality"].n == 6


def test_listeners_who_stopped_count_with_what_they_said(open_one):
    store, _ = open_one(rounds=2)
    go_through(store, pages=2)
    store.begin()
    found = findings(store)
    assert (found.begun, found.finished, found.kept.listeners) == (1, 0, 1)
    assert sum(own["listening:quality"].n for own in found.kept.figures.values()) == 2
    assert found.kept.alpha["listening:quality"] is None


def test_a_study_without_answers_has_no_figures(open_one):
    store, _ = open_one()
    found = findings(store)
    assert (found.begun, found.kept.figures, found.kept.wins, found.kept.alpha) == (0, {}, {}, {})


def test_the_document_is_json(open_one):
    store, _ = open_one(mode="both", rounds=1)
    for opinion in (obedient, careless):
        go_through(store, opinion)
    document = json.loads(json.dumps(asdict(findings(store)), allow_nan=False))
    assert document["kept"]["wins"][BEST][WORST]["value"] == 1
    assert document["flagged"] == {"2": "failed an attention check"}


def test_measures_are_of_the_reports_groups():
    assert {measure.group for measure in MEASURES.values()} <= set(GROUPS)
    assert all(key == measure.key for key, measure in MEASURES.items())
