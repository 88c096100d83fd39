"""Additions to the host's web server: pictures of the samples, sorted workflows and links to them."""

from __future__ import annotations

from .sample_views import show_samples
from .templates import keep_links, order_templates

__all__ = ["extend_server"]


def extend_server() -> None:
    """Install the additions, unless there is no server or it has already started."""
    from server import PromptServer

    instance = getattr(PromptServer, "instance", None)
    if instance is not None and not instance.app.frozen:
        show_samples(instance.app)
        order_templates(instance.app)
        keep_links(instance.routes)
