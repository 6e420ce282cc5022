"""Companion package of the course "Generative Models and GANs".

`import course` is free of heavy imports: NumPy, torch and matplotlib load with the module that first uses them.
"""

__version__ = "0.1.0"
