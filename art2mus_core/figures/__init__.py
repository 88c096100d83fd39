"""Drawings of music, of artworks beside it, and of training."""
