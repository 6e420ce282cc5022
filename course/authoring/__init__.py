"""The author's side: from solutions/NN_name.py to every other form of a chapter."""
