"""The published architectures in torch alone, their weights under the published names.

GPT-2, AudioLDM2's UNet, the autoencoder and HiFi-GAN as `transformers` and `diffusers` have them; importing those two takes longer than
all the rest of a start. What is here is what checkpoints of this family use; an option that would have them compute something else is refused by name.
"""
