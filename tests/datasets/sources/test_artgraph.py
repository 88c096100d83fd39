from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from art2mus_core.datasets.items import Item
from art2mus_core.datasets.sources.artgraph import read_artgraph
from art2mus_core.errors import DatasetError

GRAPH = {
    "mapping/artwork_entidx2name.csv": "0, ada-blue_the-house-1911.jpg\n1,bo_red.jpg\n2,eve_caf%C3%A9.jpg\n",
    "mapping/style_entidx2name.csv": "0,cubism\n1,pop-art\n",
    "mapping/genre_entidx2name.csv": "idx,name\n0,still-life\n",
    "mapping/artist_entidx2name.csv": "0,ada-blue\n1,bo-green\n",
    "raw/relations/artwork___hasstyle___style/edge.csv": "0,0\n1,1\n0,1\n",
    "raw/relations/artwork___hasgenre___genre/edge.csv": "1,0\n",
    "raw/relations/artist___author___artwork/edge.csv": "1,1\n",
    "raw/relations/artist___influenced___artist/edge.csv": "0,1\n",
    "split/train.csv": "0\n1\n",
    "split/artwork/test.csv": "2\n",
}
LABELS = {
    "raw/node-label/artwork/node-label-style.csv": "1\n0\n1\n",
    "mapping/labelidx2stylename.csv": "0,realism\n1,rococo\n",
}


def graph(folder: Path, files: dict[str, str], *, packed: bool = False) -> Path:
    for name, content in files.items():
        path = folder / (name + ".gz" if packed else name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content.encode()) if packed else content.encode())
    return folder


@pytest.mark.parametrize("packed", [False, True])
def test_artworks_come_with_what_the_graph_relates_to_them(tmp_path: Path, packed: bool):
    works = list(read_artgraph(graph(tmp_path, GRAPH, packed=packed)))
    assert works[0] == Item(
        id="ada-blue_the-house-1911",
        path="ada-blue_the-house-1911.jpg",
        creator="ada blue",
        title="the house",
        genres=("cubism", "pop art"),
        attribution="the house by ada blue (ArtGraph)",
        split="train",
        year=1911,
    )
    assert [(work.creator, work.title, work.genres, work.split) for work in works[1:]] == [
        ("bo green", "red", ("pop art", "still life"), "train"),
        ("eve", "café", (), "test"),
    ]


def test_labels_stand_in_for_relations_that_are_left_out(tmp_path: Path):
    files = {name: text for name, text in GRAPH.items() if "hasstyle" not in name} | LABELS
    assert [work.genres for work in read_artgraph(graph(tmp_path, files))] == [
        ("rococo",),
        ("realism", "still life"),
        ("rococo",),
    ]
    with_both = graph(tmp_path / "both", GRAPH | LABELS)
    assert next(read_artgraph(with_both)).genres == ("cubism", "pop art")


def test_relations_may_lie_at_the_top_and_pictures_in_a_folder(tmp_path: Path):
    files = {name.removeprefix("raw/"): text for name, text in GRAPH.items()}
    folder = graph(tmp_path, files)
    (folder / "images").mkdir()
    assert next(read_artgraph(folder)).path == "images/ada-blue_the-house-1911.jpg"
    assert next(read_artgraph(folder)).genres == ("cubism", "pop art")
    assert next(read_artgraph(folder, pictures="")).path == "ada-blue_the-house-1911.jpg"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("mapping/artwork_entidx2name.csv", "0,a_b.jpg\n1,a_b.jpg\n2,c.jpg\n", r"'a_b' twice in .*: row 1 and row 2"),
        ("mapping/artwork_entidx2name.csv", "0,a_b.jpg\n0,b.jpg\n", r"number 0 twice in .*: rows 1 and 2"),
        ("mapping/artwork_entidx2name.csv", "0,../b.jpg\n1,a\n2,b\n", r"row 1 of .* points to '../b.jpg'"),
        ("mapping/artwork_entidx2name.csv", "0,b.jpg\nx,a.jpg\n", r"row 2 of .* has 'x'"),
        ("mapping/artwork_entidx2name.csv", "0,b.jpg\n1,\n", r"row 2 of .* has no name"),
        (
            "raw/relations/artwork___hasstyle___style/edge.csv",
            "0,2\n",
            r"row 1 of .*edge.csv has 0,2; expected the numbers of an artwork and its style",
        ),
        ("raw/relations/artwork___hasstyle___style/edge.csv", "0\n", r"row 1 of .*edge.csv has 0; expected"),
        (
            "raw/relations/artist___author___artwork/edge.csv",
            "0,7\n",
            r"row 1 of .* has 0,7; expected the numbers of an artwork and its artist",
        ),
        ("split/train.csv", "0\n9\n", r"row 2 of .*train.csv has 9; expected an artwork's number"),
        ("split/validation.csv", "0\n", r"row 1 of .*validation.csv has 0; .* in one split only"),
        ("split/rest.csv", "0\n", r"rest.csv is in split 'rest'"),
    ],
)
def test_a_graph_that_does_not_hold_is_refused(tmp_path: Path, name: str, content: str, told: str):
    with pytest.raises(DatasetError, match=told):
        list(read_artgraph(graph(tmp_path, GRAPH | {name: content})))


def test_edges_without_names_are_refused(tmp_path: Path):
    files = {name: text for name, text in GRAPH.items() if "style_ent" not in name}
    with pytest.raises(DatasetError, match=r"edge.csv without mapping/style_entidx2name.csv"):
        list(read_artgraph(graph(tmp_path, files)))
