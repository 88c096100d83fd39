"""A captioner behind an OpenAI-compatible endpoint: pictures as data URLs, sounds as `input_audio`, if its model takes them."""

from __future__ import annotations

from collections.abc import Sequence

from ..endpoints.client import ChatClient, Endpoint
from ..endpoints.parts import LONGEST_SIDE, picture_part, sound_part, wav_of
from ..errors import DatasetError, EvaluationError
from ..images.reading import thumbnail_jpeg
from ..types import Artwork, Waveform
from .prompts import PROMPTS

__all__ = ["MOST_SECONDS", "EndpointCaptioner"]

MOST_SECONDS = 30.0
"""Seconds to which a sound is cut."""

PATIENCE = 8
"""Requests in a row that may fail before no more are sent."""


class EndpointCaptioner:
    """Describes works one by one.

    Args:
        endpoint: address of the model.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.network = None
        self._client, self._failed = ChatClient(endpoint), 0

    def describe(self, works: Sequence[Artwork] | Sequence[Waveform]) -> list[str]:
        """A caption for each artwork, or for each sound [1, channels, N].

        Raises:
            DatasetError: no caption for a work.
            EvaluationError: further requests would fail too.
            SettingError: there is no key.
            AudioError: samples that are not finite.
        """
        return [self._describe(work) for work in works]

    def _describe(self, work: Artwork | Waveform) -> str:
        if isinstance(work, Artwork):
            kind, part = "artworks", picture_part(thumbnail_jpeg(work, LONGEST_SIDE))
        else:
            kind, part = "music", sound_part(wav_of(work.cut(MOST_SECONDS)))
        content = [part, {"type": "text", "text": PROMPTS[kind]}]
        reply = self._client.complete([{"role": "user", "content": content}])
        if reply.text is not None:
            self._failed = 0
            return reply.text.strip()
        self._failed += 1
        host = self._client.endpoint.host
        if self._failed >= PATIENCE:
            raise EvaluationError(
                f"{PATIENCE} requests to {host} in a row failed, the last with {reply.problem}",
                "captions",
                "Check the endpoint and the model, and run the command again; what was answered is kept.",
            )
        raise DatasetError(f"no caption from {host} ({reply.problem})", "one", "Try again with --retry.")
