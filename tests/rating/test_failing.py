"""A server that is busy, refuses, or answers in another form; and what it must not learn."""

from __future__ import annotations

import json

import pytest

from art2mus_core.endpoints.client import Usage
from art2mus_core.errors import EvaluationError
from art2mus_core.evaluation.collection import read_collection
from art2mus_core.rating.rubric import Answer
from art2mus_core.rating.summary import summarise

from .conftest import KEY
from .endpoint import NOW, completion, rating


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
