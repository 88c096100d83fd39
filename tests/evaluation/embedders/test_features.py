from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile

from art2mus_core.audio.files import write_audio
from art2mus_core.audio.reading import read_audio
from art2mus_core.errors import EvaluationError, OutputError
from art2mus_core.evaluation.embedders import open_classifier, open_embedder
from art2mus_core.evaluation.embedders.features import FeatureCache
from art2mus_core.images.reading import read_artwork


@pytest.fixture(scope="module")
def pocket(pocket_like):
    return open_embedder(f"pocket:{pocket_like}")


@pytest.fixture
def cache(tmp_path):
    return FeatureCache(tmp_path / "features")


@pytest.fixture
def pieces(tmp_path, sound):
    """A short one, a long one in stereo at another rate, and the first again under another name."""
    folder = tmp_path / "pieces"
    folder.mkdir()
    for name, music in (("a.flac", sound(2)), ("b.wav", sound(11.5, 22050, 2, seed=1))):
        write_audio(folder / name, music, tags={}, cover=None)
    shutil.copy(folder / "a.flac", folder / "c.flac")
    return sorted(folder.iterdir())


def test_every_file_has_its_rows(pocket, cache, pieces):
    rows = cache.sounds(pocket, pieces)
    assert [len(each) for each in rows] == [1, 2, 1]
    for path, each in zip(pieces, rows, strict=True):
        assert np.array_equal(each, pocket.embed_sound(read_audio(path)))


def test_what_was_heard_is_not_heard_again(pocket, cache, pieces, tmp_path):
    fresh = cache.sounds(pocket, pieces)
    kept = sorted((tmp_path / "features" / pocket.space).iterdir())
    assert len(kept) == 2  # the third is the first
    for path in kept:
        np.save(path, np.load(path) + 1)
    for before, after in zip(fresh, FeatureCache(cache.folder).sounds(pocket, pieces), strict=True):
        np.testing.assert_allclose(after, before + 1)


@pytest.mark.parametrize("kept", [b"", b"\x93NUMPY", b"PK\x03\x04", "header", "float32", "flat", "nan", "none", "cut"])
def test_what_was_kept_badly_is_heard_again(pocket, cache, pieces, kept):
    fresh = cache.sounds(pocket, pieces[:1])[0]
    (path,) = (cache.folder / pocket.space).iterdir()
    other = {"float32": fresh.astype("f4"), "flat": fresh[0], "nan": fresh * np.nan, "none": fresh[:0]}
    if kept == "cut":
        path.write_bytes(path.read_bytes()[:-9])
    elif kept == "header":
        path.write_bytes(path.read_bytes().replace(b"}", b" "))
    elif isinstance(kept, bytes):
        path.write_bytes(kept)
    else:
        np.save(path, other[kept])
    assert np.array_equal(cache.sounds(pocket, pieces[:1])[0], fresh)
    assert np.array_equal(np.load(path), fresh)


def test_an_interrupted_run_goes_on_where_it_was(pocket, cache, pieces):
    def stop(step):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.sounds(pocket, pieces, stop)
    assert len(list((cache.folder / pocket.space).iterdir())) == 1


def test_progress_is_told(pocket, cache, pieces):
    steps = []
    cache.sounds(pocket, pieces, steps.append)
    assert [(step.stage, step.done, step.total) for step in steps] == [(f"hear {pocket.name}", n, 3) for n in (1, 2, 3)]


def test_artworks_are_kept_by_their_pixels(pocket, cache, paintings):
    paths = sorted(paintings.iterdir())
    rows = cache.artworks(pocket, paths)
    assert np.array_equal(rows, np.concatenate([pocket.embed_artworks([read_artwork(path)]) for path in paths]))
    names = {path.name for path in (cache.folder / pocket.space).iterdir()}
    assert names == {f"artwork-{read_artwork(path).sha256}.npy" for path in paths}
    Image.open(paths[0]).save(paintings / "again.bmp")  # other bytes, the same pixels
    np.testing.assert_array_equal(cache.artworks(pocket, [paintings / "again.bmp"]), rows[:1])
    assert len(list((cache.folder / pocket.space).iterdir())) == 3


def test_probabilities_and_texts_are_kept_too(cache, pieces, ast_folder, clap_folder):
    tagger, clap = open_classifier(f"ast-audioset:{ast_folder}"), open_embedder(f"clap:{clap_folder}")
    short = [pieces[0], pieces[2]]
    probabilities = cache.probabilities(tagger, short)
    assert probabilities.shape == (2, 5)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    assert np.array_equal(cache.probabilities(tagger, short), probabilities)
    texts = ["Music of this place", "Low quality."]
    np.testing.assert_allclose(cache.texts(clap, texts), clap.embed_texts(texts), atol=1e-6)
    names = {path.name.split("-")[0] for path in cache.folder.rglob("*.npy")}
    assert names == {"sound", "text"}


def test_one_embedders_rows_are_not_anothers(pocket, cache, pieces, clap_folder):
    clap = open_embedder(f"clap:{clap_folder}")
    assert cache.sounds(pocket, pieces[:1])[0].shape == (1, 7)
    assert cache.sounds(clap, pieces[:1])[0].shape == (2, 11)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read"),
        (b"", "is empty"),
        (b"no sound at all", "not a sound that can be read"),
        (np.zeros(100, "f4"), r"at least 1\.6 s"),
        (np.full(20000, np.nan, "f4"), "NaN or infinite"),
    ],
)
def test_a_file_that_cannot_be_heard_is_named(pocket, cache, tmp_path, content, told):
    path = tmp_path / "the piece.wav"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        wavfile.write(path, 8000, content)
    with pytest.raises(EvaluationError, match=told) as caught:
        cache.sounds(pocket, [path])
    assert caught.value.came.count("the piece.wav") == 1


def test_a_picture_that_cannot_be_seen_is_named(pocket, cache, tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(EvaluationError, match=r"a\.png is not a picture"):
        cache.artworks(pocket, [tmp_path / "a.png"])


def test_an_embedder_is_not_asked_for_what_it_cannot(pocket, cache, clap_folder, paintings):
    with pytest.raises(EvaluationError, match="reads no texts"):
        cache.texts(pocket, ["Music"])
    with pytest.raises(EvaluationError, match="sees no artworks"):
        cache.artworks(open_embedder(f"clap:{clap_folder}"), sorted(paintings.iterdir()))
    with pytest.raises(EvaluationError, match="nothing to hear"):
        cache.sounds(pocket, [])


def test_a_place_that_cannot_be_written_to_is_told(pocket, pieces, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be made"):
        FeatureCache(tmp_path / "file").sounds(pocket, pieces)
