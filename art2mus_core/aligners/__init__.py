"""Image aligners: from an embedding to the tokens that prompt GPT-2."""
