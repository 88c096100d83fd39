"""Audio: reads and writes files, computes spectrograms, resamples and levels."""
