"""Endpoints, keys, and `art2mus rate`."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from art2mus_core.cli.rate import rate as command
from art2mus_core.endpoints.client import Endpoint
from art2mus_core.errors import Art2MusError, SettingError
from art2mus_core.evaluation.results import read_report
from art2mus_core.rating.summary import FEELING

from .conftest import KEY


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
    assert "plain: feeling 4.00 (4.00 to 4.00) out of 5 for 3 artworks, with other artworks 4.00" in done.output
    assert "12 requests, 8,400 input tokens, 360 output tokens, 0.0204 at the given prices." in done.output
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
