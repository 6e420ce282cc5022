"""Generative adversarial networks: the game, its losses, its training."""
