"""Drawings: spectrograms, an artwork beside its music, and training curves."""
