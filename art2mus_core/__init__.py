"""Art2Mus: turns paintings into music, without text in between."""
