"""Captioners describe artworks and music in words, for evaluation and its baselines; nothing that is trained here reads them."""
