"""Ratings by a language model, against a server on this machine that answers well or badly."""

from __future__ import annotations

import base64
import io
import json
import wave

import numpy as np
import pytest
import torch
import typer
from PIL import Image
from typer.testing import CliRunner

from art2mus_core.audio.files import read_audio, write_audio
from art2mus_core.cli.rate import rate as command
from art2mus_core.errors import Art2MusError, EvaluationError, SettingError
from art2mus_core.evaluation.collection import read_collection
from art2mus_core.evaluation.rating.cache import AnswerCache
from art2mus_core.evaluation.rating.client import Endpoint, Judge, Usage
from art2mus_core.evaluation.rating.evidence import hear, see
from art2mus_core.evaluation.rating.plan import likely_tokens, make_plan, pairings
from art2mus_core.evaluation.rating.rate import rate
from art2mus_core.evaluation.rating.rubric import FORMAT, RUBRIC, Answer
from art2mus_core.evaluation.rating.summary import FEELING, summarise
from art2mus_core.evaluation.results import read_report
from art2mus_core.types import Waveform

from .endpoint import NOW, answering, completion, rating

KEY = "sk-a-key-of-nobody-7319"
RATE = 11_025
IDS = ("dawn", "dusk", "noon")
SYSTEMS = ("plain", "secret-system")


@pytest.fixture
def server(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with answering() as running:
        yield running


@pytest.fixture
def folder(tmp_path):
    """Three artworks and two systems' pieces."""
    rng = np.random.default_rng(0)
    root = tmp_path / "collection"
    (root / "artworks").mkdir(parents=True)
    for index, name in enumerate(IDS):
        pixels = rng.integers(256, size=(40, 900 if name == "dawn" else 30, 3), dtype=np.uint8)
        exif = Image.Exif()
        exif[0x010E] = f"painted by {name}"
        Image.fromarray(pixels).save(root / "artworks" / f"{name}.jpg", exif=exif)
        for system in SYSTEMS:
            (root / system).mkdir(exist_ok=True)
            hertz = 220 * (index + 1) + 50 * SYSTEMS.index(system)
            samples = 0.3 * torch.sin(2 * torch.pi * hertz * torch.arange(RATE * 3 // 2) / RATE)
            write_audio(
                root / system / f"{name}.flac", Waveform(samples[None, None], RATE), tags={"title": name}, cover=None
            )
    return root


@pytest.fixture
def run(server, folder):
    """Rates the folder; more settings than these are the test's."""

    def made(*, described=False, control=False, budget=None, **more):
        collection = read_collection(folder)
        cache = AnswerCache(folder / ".ratings", "m")
        plan = make_plan(collection, cache, described=described, control=control)
        judge = Judge(Endpoint(server.url, "m", **{"retries": 1, "timeout": 5.0, **more}))
        try:
            return rate(collection, plan, judge, cache, budget=budget)
        finally:
            judge.close()

    return made


def parts(body):
    """What a request shows: the picture's bytes, and the other part of the message."""
    picture, music = body["messages"][1]["content"]
    return base64.b64decode(picture["image_url"]["url"].removeprefix("data:image/jpeg;base64,")), music


def test_each_piece_is_rated_with_its_artwork(run, server):
    ratings = run()
    assert len(ratings.rated) == len(server.asked) == 6
    assert {each.feeling for each in ratings.rated} == {4}
    assert ratings.usage == Usage(6, 6 * 700, 6 * 30)
    assert ratings.failed == ()
    assert ratings.stopped == ""


def test_a_request_holds_the_rubric_the_picture_and_the_sound(run, server, folder):
    run()
    pictures, sounds = set(), set()
    for path, headers, body in server.asked:
        assert path == "/v1/chat/completions"
        assert headers["authorization"] == f"Bearer {KEY}"
        assert (body["model"], body["temperature"], body["seed"]) == ("m", 0, 0)
        assert body["messages"][0] == {"role": "system", "content": RUBRIC}
        assert body["response_format"] == FORMAT
        picture, music = parts(body)
        with Image.open(io.BytesIO(picture)) as image:
            assert (image.format, image.getexif()) == ("JPEG", {})
            pictures.add(image.size)
        with wave.open(io.BytesIO(base64.b64decode(music["input_audio"]["data"]))) as sound:
            assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 16_000)
            assert sound.getnframes() == 24_000
            sounds.add(sound.readframes(24_000))
    assert pictures == {(768, 34), (30, 40)}
    assert len(sounds) == 6
    original = read_audio(folder / "plain" / "dawn.flac", 16_000).samples[0, 0].numpy()
    assert any(np.abs(np.frombuffer(each, "<i2") / 32767 - original).max() < 1e-4 for each in sounds)


def test_nobody_is_told_whose_piece_it_is(run, server, folder):
    run()
    run(described=True)
    said = json.dumps([[path, headers, body] for path, headers, body in server.asked])
    for name in (*IDS, *SYSTEMS, folder.name, str(folder.parent)):
        assert name not in said
        assert base64.b64encode(name.encode()).decode().rstrip("=")[:-1] not in said


def test_music_can_be_described_instead(run, server):
    run(described=True)
    words = [parts(body)[1] for _, _, body in server.asked]
    assert {part["type"] for part in words} == {"text"}
    assert len({part["text"] for part in words}) == 6
    assert all("lasts 1.5 seconds" in part["text"] and "LUFS" in part["text"] for part in words)


def test_what_was_answered_is_not_asked_again(run, server):
    first = run()
    again = run()
    assert len(server.asked) == 6
    assert again.rated == first.rated
    assert again.usage == Usage()
    run(described=True)
    assert len(server.asked) == 12


def test_an_answer_belongs_to_a_model_a_picture_and_a_sound(run, folder, tmp_path):
    run()
    cache = AnswerCache(folder / ".ratings", "m")
    seen, heard = see(folder / "artworks" / "dawn.jpg"), hear(folder / "plain" / "dawn.flac", described=False)
    other = hear(folder / "secret-system" / "noon.flac", described=False)
    assert cache.find(seen, heard) == Answer(reason="Both are calm.", feeling=4)
    assert cache.find(see(folder / "artworks" / "dusk.jpg"), heard) is None
    assert cache.find(seen, other) is None
    assert cache.find(seen, hear(folder / "plain" / "dawn.flac", described=True)) is None
    assert AnswerCache(folder / ".ratings", "another").find(seen, heard) is None


def test_a_damaged_answer_is_asked_for_again(run, server, folder):
    run()
    first, second, *_ = sorted((folder / ".ratings").iterdir())
    first.write_text("{")
    second.write_text('{"answer": {"reason": "so", "feeling": 9}}')
    assert len(run().rated) == 6
    assert len(server.asked) == 8


@pytest.mark.parametrize("status", [429, 500])
def test_a_busy_server_is_asked_again(run, server, status):
    server.replies = [(status, NOW, {"error": {"message": "later"}})]
    assert len(run().rated) == 6
    assert len(server.asked) == 7


def test_what_fails_every_time_is_counted_and_the_rest_goes_on(run, server):
    server.replies = [(500, NOW, {"error": {"message": "broken"}})] * 2
    ratings = run()
    assert (len(ratings.rated), len(ratings.failed)) == (5, 1)
    assert "broken" in ratings.failed[0].problem
    assert ratings.stopped == ""
    assert len(run().rated) == 6


def test_three_failures_in_a_row_are_the_end(run, server):
    server.replies = [rating(4)] + [(500, NOW, {"error": {"message": "broken"}})] * 20
    ratings = run(retries=0)
    assert (len(ratings.rated), len(ratings.failed), len(server.asked)) == (1, 3, 4)
    assert "3 requests in a row failed" in ratings.stopped


def test_failures_that_are_not_in_a_row_are_no_end(run, server):
    broken = (500, NOW, {"error": {"message": "broken"}})
    server.replies = [broken, broken, rating(4), broken, broken]
    ratings = run(retries=0)
    assert (len(ratings.rated), len(ratings.failed), ratings.stopped) == (2, 4, "")


def test_silence_is_not_waited_for(run, server):
    server.replies = [1.0]
    ratings = run(timeout=0.2, retries=0)
    assert (len(ratings.rated), len(ratings.failed)) == (5, 1)
    assert "APITimeoutError" in ratings.failed[0].problem


@pytest.mark.parametrize(
    "bad",
    [
        "The feeling is 4.",
        None,
        '{"reason": "so", "feeling": 6}',
        '{"reason": "so", "feeling": "4"}',
        '{"reason": "so", "feeling": 4, "more": 1}',
        '```json\n{"reason": "so", "feeling": 4}\n```',
    ],
)
def test_an_answer_in_another_form_is_sent_back_once(run, server, bad):
    server.replies = [completion(bad), rating(2, "Second thoughts.")]
    ratings = run()
    assert ratings.rated[0].answer == Answer(reason="Second thoughts.", feeling=2)
    assert ratings.usage.requests == len(server.asked) == 7
    repaired = server.asked[1][2]["messages"]
    assert repaired[2] == {"role": "assistant", "content": bad or ""}
    assert "one JSON object" in repaired[3]["content"]
    assert len(server.asked[2][2]["messages"]) == 2


def test_two_answers_in_another_form_are_no_rating(run, server):
    server.replies = [completion("no")] * 2
    ratings = run()
    assert (len(ratings.rated), len(ratings.failed), len(server.asked)) == (5, 1, 7)
    assert ratings.failed[0].problem.startswith("no valid answer")
    assert ratings.usage.tokens == 7 * 730


@pytest.mark.parametrize(
    "reply",
    [
        (200, {}, b'{"choices": '),
        (200, {}, {"choices": []}),
        (200, {"Content-Type": "text/html"}, b"<html>sign in</html>"),
        (200, {}, {}),
        (400, {}, {"error": {"message": "no such part"}}),
    ],
    ids=["cut", "no choice", "page", "empty", "refused"],
)
def test_what_is_no_reply_is_counted(run, server, reply):
    server.replies = [reply]
    ratings = run(retries=0)
    assert (len(ratings.rated), len(ratings.failed)) == (5, 1)
    assert ratings.failed[0].problem


def test_a_server_that_does_not_count_is_well(run, server):
    server.usual = lambda body: completion('{"reason": "so", "feeling": 1}', tokens=None)
    assert run().usage == Usage(6)


@pytest.mark.parametrize(
    ("status", "said"), [(401, "does not accept the key"), (403, "does not accept the key"), (404, "has no m")]
)
def test_no_more_is_asked_of_who_refuses(run, server, folder, status, said):
    """Some servers repeat the key; we don't."""
    server.usual = lambda body: (status, {}, {"error": {"message": f"Incorrect API key provided: {KEY}."}})
    with pytest.raises(EvaluationError, match=said) as refused:
        run()
    assert len(server.asked) == 1
    assert KEY not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_nothing_answered_is_an_error(run, server):
    server.usual = lambda body: (400, {}, {"error": {"message": f"{KEY} cannot hear"}})
    with pytest.raises(EvaluationError, match=r"\[key\] cannot hear") as refused:
        run()
    assert len(server.asked) == 3
    assert "--describe" in str(refused.value)


def test_the_account_of_another_service_stays_here(run, server, monkeypatch):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-mine")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-of-mine")
    run()
    assert "of-mine" not in json.dumps([headers for _, headers, _ in server.asked])


def test_the_key_is_in_no_file_and_no_report(run, server, folder):
    server.replies = [(400, {}, {"error": {"message": f"bad {KEY}"}})]
    collection, ratings = read_collection(folder), run()
    assert ratings.failed
    assert KEY not in repr(summarise(ratings, collection))
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) == 3 + 6 + 5
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


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
    before = make_plan(collection, cache)
    assert before.pending == 6
    assert before.tokens == 6 * likely_tokens(hear(folder / "plain" / "dawn.flac", described=False))
    run()
    after = make_plan(collection, cache)
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
    jpegs = {see(path).jpeg: key for key, path in collection.artworks.items()}
    sounds = {
        base64.b64encode(hear(piece.path, described=False).wav).decode(): piece.id
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


@pytest.mark.parametrize("url", ["api.example.com/v1", "ftp://host/v1", "http://", "https://me:word@host/v1"])
def test_an_endpoint_is_an_address(url):
    with pytest.raises(SettingError):
        Endpoint(url, "m")


def test_a_key_is_wanted_elsewhere_and_not_here(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("MINE", f" {KEY}\n")
    assert Endpoint("https://host/v1", "m", "MINE").key() == KEY
    assert Endpoint("http://localhost:8000/v1", "m").key() == "none"
    with pytest.raises(SettingError, match="no key in the variable OPENAI_API_KEY"):
        Endpoint("https://host/v1", "m").key()
    monkeypatch.setenv("MINE", "sk-\u00e4")
    with pytest.raises(SettingError, match="no key has") as refused:
        Endpoint("https://host/v1", "m", "MINE").key()
    assert "sk-" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "private"), [("https://host/v1", True), ("http://localhost/v1", True), ("http://host/v1", False)]
)
def test_who_can_read_along_is_known(url, private):
    assert Endpoint(url, "m").is_private == private


def invoke(*arguments):
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(command)
    return CliRunner().invoke(app, [*map(str, arguments)])


def test_the_command_says_what_is_sent_and_what_it_cost(server, folder, tmp_path):
    out = tmp_path / "ratings.json"
    basic = (folder, "--endpoint", server.url, "--model", "m", "--price-in", 2, "--price-out", 10)
    done = invoke(*basic, "--control", "--yes", "--out", out)
    assert done.exception is None, done.output
    assert "12 pairs of artwork and music to be rated by m." in done.output
    assert "12 requests send pictures and music to 127.0.0.1: about " in done.output
    assert "plain: feeling 4.00 (4.00 to 4.00) of 5 over 3 artworks, with other artworks 4.00" in done.output
    assert "12 requests, 8,400 tokens sent, 360 answered, 0.0204 in money." in done.output
    report = read_report(out)
    assert report.figures["plain"][FEELING.key].value == 4
    assert report.made["usage"] == {"requests": 12, "tokens_in": 8400, "tokens_out": 360}
    assert KEY not in done.output + out.read_text()
    again = invoke(*basic)
    assert "6 pairs of artwork and music to be rated by m, 6 of them answered before." in again.output
    assert "0 requests" in again.output
    assert len(server.asked) == 12


def test_nothing_is_sent_without_consent(server, folder):
    asked = invoke(folder, "--endpoint", server.url, "--model", "m")
    assert isinstance(asked.exception, SettingError)
    assert "--yes" in str(asked.exception)
    assert server.asked == []


def test_a_missing_key_is_said_before_anything_is_asked(server, folder, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    done = invoke(folder, "--endpoint", "https://nowhere.invalid/v1", "--model", "m", "--yes")
    assert isinstance(done.exception, Art2MusError)
    assert "no key in the variable" in str(done.exception)
