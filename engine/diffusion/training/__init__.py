"""Training LoRAs on a model's denoiser, by the families that paint with it."""
