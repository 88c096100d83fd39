"""The published architectures in torch alone, with their weights under the published names.

GPT-2, AudioLDM2's UNet, the autoencoder, the projection model and HiFi-GAN, equal to those of `transformers` and `diffusers`, whose import
takes longer than the rest of the start-up. Only the options that checkpoints of this family use are supported; others raise an error.
"""
