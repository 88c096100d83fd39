"""From noise to a latent: the denoiser, its guidance, the schedules and the one sampling loop."""
