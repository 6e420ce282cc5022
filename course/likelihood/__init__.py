"""Generative models with a likelihood or a bound on it: autoregressive, flows, RBMs, autoencoders and VAEs."""
