"""What AudioLDM2's GPT-2 does: from prompt tokens to the language of audio, and what the denoiser is told."""
