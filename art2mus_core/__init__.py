"""Art2Mus: paintings into music, without words in between."""
