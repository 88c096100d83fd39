"""Placeholders in file names have the values that the host's own save nodes give them."""

from __future__ import annotations

import datetime as dt
import re
from types import SimpleNamespace

import pytest

NOW = dt.datetime(2031, 4, 9, 7, 5, 3, tzinfo=dt.UTC)


@pytest.fixture
def placeholders(pack, monkeypatch):
    """The module, at a known moment."""

    class Fixed(dt.datetime):
        @classmethod
        def now(cls, tz=None):
            return SimpleNamespace(astimezone=lambda: NOW)

    module = pack("nodes.placeholders")
    monkeypatch.setattr(module, "datetime", Fixed)
    return module


def graph(**nodes) -> SimpleNamespace:
    """A graph of nodes `key=(class, title, inputs)`, as the host hands it on."""
    prompt = {
        key.lstrip("_").replace("_", ":"): {"class_type": kind, "inputs": inputs, "_meta": {"title": title}}
        for key, (kind, title, inputs) in nodes.items()
    }
    return SimpleNamespace(prompt=prompt, extra_pnginfo=None)


ONE = {"seed": 7, "cfg": 1.5, "strength": 1.0, "on": True, "none": None, "path": "a/b\\c:d*e?.png", "model": ["2", 0]}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("%year%-%month%-%day%_%hour%-%minute%-%second%", "2031-04-09_07-05-03"),
        ("%date:yyyy-MM-dd%/x", "2031-04-09/x"),
        ("%date:yy.M.d h-m-s%", "31.4.9 7-5-3"),
        ("%date:hhmmss%%date:dd%", "07050309"),
        ("a%batch_num%b%width%x%height%", "a2b30x40"),
        ("%Sampler.seed%_%Sampler.cfg%_%Sampler.strength%", "7_1.5_1"),
        ("%My first sampler.seed%", "7"),
        ("%Sampler.on%%Sampler.none%", "true"),
        ("%Sampler.path%", "a_b_c_d_e_.png"),
        ("100% music, 50 %", "100% music, 50 %"),
        ("100%_%year%_%Sampler.seed%", "100%_2031_7"),
        ("plain/name", "plain/name"),
        ("日本 %year%", "日本 2031"),
    ],
)
def test_a_placeholder_is_filled(placeholders, name, said):
    nodes = graph(_1=("Sampler", "My first sampler", ONE))
    assert placeholders.fill(name, nodes, number=2, size=(30, 40)) == said


@pytest.mark.parametrize("name", ["%yeer%", "%date%", "a_%Seed%", "%x%%year%"])
def test_an_unknown_placeholder_is_refused_before_the_graph_is_known(pack, placeholders, name):
    with pytest.raises(
        pack("art2mus_core.errors").OutputError, match=r"the placeholder %\w+% in a file name; expected"
    ):
        placeholders.fill_times(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("%Gone.seed%", "a node of the graph: Sampler, My first sampler"),
        ("%Sampler.gone%", "a widget without a link: seed, cfg, strength, on, none, path"),
        ("%Sampler.model%", "a widget without a link: seed"),
    ],
)
def test_what_is_not_in_the_graph_is_named_with_what_is(pack, placeholders, name, expected):
    with pytest.raises(pack("art2mus_core.errors").OutputError, match=re.escape(expected)):
        placeholders.fill(name, graph(_1=("Sampler", "My first sampler", ONE)))


def test_without_a_graph_no_widget_is_found(pack, placeholders):
    for nothing in (None, SimpleNamespace(prompt=None, extra_pnginfo=None)):
        with pytest.raises(pack("art2mus_core.errors").OutputError, match="a node of the graph"):
            placeholders.fill("%Sampler.seed%", nothing)


def test_of_nodes_of_one_name_the_canvas_has_a_first(placeholders):
    nodes = graph(
        _3=("Sampler", "a", {"seed": 3}), _12_8=("Sampler", "b", {"seed": 8}), _1=("Sampler", "c", {"seed": 1})
    )
    assert placeholders.fill("%Sampler.seed%_%b.seed%", nodes) == "3_8"
    inner = {"subgraphs": [{"nodes": [{"id": 8, "properties": {"Node name for S&R": "mine"}}]}]}
    drawn = {"nodes": [{"id": 1, "properties": {}}, {"id": 3}], "definitions": inner}
    nodes.extra_pnginfo = {"workflow": drawn}
    assert placeholders.fill("%Sampler.seed%_%mine.seed%", nodes) == "1_8"
