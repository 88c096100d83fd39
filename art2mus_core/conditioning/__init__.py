"""From prompt tokens to the language of audio by GPT-2, and the denoiser's conditioning."""
