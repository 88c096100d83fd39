"""Sound: files in and out, spectrograms, levels, and what can be measured of music."""
