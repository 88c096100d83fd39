"""Checkpoint folders: found by name, read strictly, written whole."""
