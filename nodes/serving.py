"""What the pack adds to the host's web server. Without it samples have no preview and workflows no order, and all plays."""

from __future__ import annotations

from .sample_views import show_samples
from .templates import keep_links, order_templates

__all__ = ["extend_server"]


def extend_server() -> None:
    """Add it, if there is a server that has not begun to serve."""
    from server import PromptServer

    instance = getattr(PromptServer, "instance", None)
    if instance is not None and not instance.app.frozen:
        show_samples(instance.app)
        order_templates(instance.app)
        keep_links(instance.routes)
