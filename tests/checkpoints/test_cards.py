from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

from art2mus_core.aligners.files import find_aligner, read_header
from art2mus_core.checkpoints.cards import TABLE, Card, CardFile, card, read_cards
from art2mus_core.checkpoints.folder import read_config
from art2mus_core.checkpoints.grid import read_grid
from art2mus_core.checkpoints.names import locate
from art2mus_core.checkpoints.presence import folder_of, look_for
from art2mus_core.errors import CheckpointError, SettingError

NAMES = {
    "pocket",
    "art2music",
    "imagebind",
    "clip-vit-l-14",
    "clip-vit-h-14",
    "audioldm2",
    "audioldm2-music",
    "audioldm2-large",
    "art2mus-2024",
    "art2mus-2024-4",
    "clap-music",
    "clap-general",
    "vggish",
    "ast-audioset",
    "blip-base",
    "git-base-coco",
    "qwen2-audio",
}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("ART2MUS_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def table(tmp_path):
    """Writes a table with one row, with changes, and reads it."""
    row = {
        "name": "tiny",
        "kind": "encoder",
        "purpose": "To be read.",
        "licence": "MIT",
        "commercial": True,
        "citation": "none",
        "files": [{"path": "a/b.bin", "size": 3}],
    }

    def read(**changes):
        path = tmp_path / "table.json"
        path.write_text(json.dumps([{**row, **changes}]), encoding="utf-8")
        return read_cards(path)

    return read


def test_there_is_a_card_for_every_checkpoint():
    assert set(read_cards()) == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_card_says_what_a_person_must_know(name):
    found = card(name)
    assert found.name == name
    assert found.purpose.endswith(".")
    assert found.licence
    assert found.citation
    assert found.bundled == (name in {"pocket", "art2music"})
    assert found.bundled or found.known_bytes
    assert found.repository is None or len(found.revision or "") == 40


def test_no_pickle_is_fetched_where_there_are_safetensors():
    pickled = (".pt", ".pth", ".bin")
    pickles = {found.name for found in read_cards().values() if any(f.path.endswith(pickled) for f in found.files)}
    judges = {"clap-music", "clap-general", "vggish"}
    assert pickles == {"imagebind", "art2mus-2024", "art2mus-2024-4", *judges, "blip-base", "git-base-coco"}


def test_vggish_weighs_what_its_layers_weigh():
    channels = (1, 64, 128, 256, 256, 512, 512)
    convolutions = sum(9 * into * out + out for into, out in pairwise(channels))
    widths = (512 * 6 * 4, 4096, 4096, card("vggish").sizes["embedding width"])
    layers = sum(into * out + out for into, out in pairwise(widths))
    assert card("vggish").sizes["parameters"] == convolutions + layers
    assert card("vggish").about_bytes == 4 * (convolutions + layers)


@pytest.mark.parametrize("name", sorted(name for name in NAMES if name.startswith("audioldm2")))
def test_what_makes_a_folder_a_checkpoint_comes_last(name):
    assert card(name).files[-1].path == "model_index.json"


def test_the_parts_of_audioldm2_weigh_what_its_files_weigh():
    # 346.9 M parameters of four bytes, and a header that names them.
    (unet,) = [file for file in card("audioldm2").files if file.path.startswith("unet/diff")]
    header = (unet.size or 0) - 4 * card("audioldm2").sizes["unet parameters"]
    assert 0 < header < 1 << 18


@pytest.mark.parametrize(("name", "tokens"), [("art2mus-2024", 1), ("art2mus-2024-4", 4)])
def test_the_published_projections_have_the_parameters_of_their_layers(name, tokens):
    sizes = card(name).sizes
    hidden, out = sizes["hidden width"], sizes["prompt tokens"] * sizes["language width"]
    assert sizes["prompt tokens"] == tokens
    assert sizes["parameters"] == (sizes["embedding width"] + 1) * hidden + (hidden + 1) * out
    assert card(name).needs == ("imagebind", "audioldm2")


def test_an_unknown_name_is_told_what_there_is():
    with pytest.raises(SettingError, match=r"audioldm3.*pocket, art2music, imagebind"):
        card("audioldm3")


def test_a_table_without_faults_is_read(table):
    assert table()["tiny"] == Card("tiny", "encoder", "To be read.", "MIT", True, "none", (CardFile("a/b.bin", 3),))


@pytest.mark.parametrize(
    "changes",
    [
        {"files": [{"path": "a", "md5": "12"}]},
        {"surplus": 1},
        {"files": None},
    ],
    ids=str,
)
def test_a_damaged_table_is_refused(table, changes):
    with pytest.raises(CheckpointError, match="damaged"):
        table(**changes)


def test_a_table_that_is_no_table_is_refused(tmp_path):
    (tmp_path / "table.json").write_text("[{", encoding="utf-8")
    for path in (tmp_path / "table.json", tmp_path / "none.json"):
        with pytest.raises(CheckpointError, match="damaged"):
            read_cards(path)


def test_the_table_has_every_name_once():
    names = [row["name"] for row in json.loads(TABLE.read_text(encoding="utf-8"))]
    assert sorted(names) == sorted(NAMES)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_card_names_safe_files_and_known_checkpoints(name):
    found = card(name)
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]*", name)
    assert found.kind in {"encoder", "prior", "commented", "aligner", "judge", "captioner"}
    assert not (found.repository and found.url)
    assert set(found.needs) <= NAMES
    paths = [file.path for file in found.files]
    assert paths
    assert len(set(paths)) == len(paths)
    assert all(re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)*", path) for path in (*paths, *found.converted))
    for digits, hashes in ((64, [file.sha256 for file in found.files]), (40, [file.git_blob for file in found.files])):
        assert all(re.fullmatch(f"[0-9a-f]{{{digits}}}", each) for each in hashes if each is not None)


def test_the_table_is_in_the_package():
    assert TABLE.parent.name == "configs"


@pytest.mark.parametrize(("name", "least"), [("pocket", 10_000_000), ("art2music", 5_000_000)])
def test_the_bundled_models_are_here(name, least):
    here = look_for(card(name))
    assert here.complete
    assert here.state == "here"
    assert here.bytes > least


def test_the_card_of_the_bundled_model_has_its_files_and_sizes():
    """All but the card's own page and the head that only training needs."""
    folder, row = locate("pocket"), card("pocket")
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    others = {"README.md", *(path for path in there if path.startswith("projection_model/"))}
    assert {file.path for file in row.files} == there - others
    grid, header = read_grid(folder), read_header(find_aligner(folder, "model"))
    assert row.sizes == {
        "embedding width": read_config(folder, "image_encoder")["dim"],
        "prompt tokens": header.tokens,
        "language tokens": grid.language_tokens,
        "language width": grid.language_width,
        "latent channels": grid.latent_channels,
        "sample rate": grid.sample_rate,
    }


def test_the_card_of_the_bundled_model_that_reads_comments_has_its_files_and_sizes():
    folder, row = locate("art2music"), card("art2music")
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {file.path for file in row.files} == there - {"README.md"}
    fusion, decoder = read_config(folder, "fusion"), read_config(folder, "mel_decoder")
    assert row.sizes == {
        "embedding width": fusion["image_dim"],
        "text width": fusion["text_dim"],
        "fused width": fusion["dim"],
        "latent width": decoder["latent_dim"],
        "mel bins": decoder["mel"]["mel_bins"],
        "sample rate": decoder["mel"]["sample_rate"],
    }


def test_presence_goes_by_names_and_sizes(home, table):
    found = table(url="https://host/", files=[{"path": "a/b.bin", "size": 3}, {"path": "c.bin"}])["tiny"]
    assert folder_of(found) == home / "tiny"
    assert look_for(found).state == "not here"
    (home / "tiny" / "a").mkdir(parents=True)
    (home / "tiny" / "a" / "b.bin.partial").write_bytes(b"12")
    here = look_for(found)
    assert (here.state, here.partial_bytes, here.missing) == ("partly here", 2, ("a/b.bin", "c.bin"))
    (home / "tiny" / "a" / "b.bin").write_bytes(b"1234")
    assert look_for(found).missing == ("a/b.bin", "c.bin")
    (home / "tiny" / "a" / "b.bin").write_bytes(b"123")
    assert look_for(found).missing == ("c.bin",)
    (home / "tiny" / "c.bin").write_bytes(b"12345")
    here = look_for(found)
    assert (here.state, here.bytes) == ("here", 8)


def test_an_empty_file_is_not_here_unless_it_is_meant_to_be(home, table):
    found = table(url="https://host/", files=[{"path": "a.json"}, {"path": "b.txt", "size": 0}])["tiny"]
    (home / "tiny").mkdir()
    for name in ("a.json", "b.txt"):
        (home / "tiny" / name).write_bytes(b"")
    assert look_for(found).missing == ("a.json",)


def test_an_empty_converted_file_is_none(home):
    folder = home / "imagebind" / "image_encoder"
    folder.mkdir(parents=True)
    (folder / "config.json").write_bytes(b"{}")
    (folder / "model.safetensors").write_bytes(b"")
    assert look_for(card("imagebind")).missing == ("imagebind_huge.pth",)


@pytest.mark.parametrize("name", ["art2mus-2024", "art2mus-2024-4"])
def test_what_nobody_has_licensed_is_not_settled(name):
    assert card(name).terms.endswith("all rights are theirs (commercial use not settled)")


def test_a_converted_checkpoint_needs_its_published_file_no_more(home):
    folder = home / "imagebind" / "image_encoder"
    folder.mkdir(parents=True)
    (folder / "config.json").write_bytes(b"{}")
    assert not look_for(card("imagebind")).complete
    (folder / "model.safetensors").write_bytes(b"123")
    here = look_for(card("imagebind"))
    assert here.complete
    assert here.bytes == 5
