"""Unsupervised learning: what data show without labels."""
