"""From an encoder's embedding to the tokens that prompt GPT-2."""
