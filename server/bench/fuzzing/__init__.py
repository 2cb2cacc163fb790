"""Hostile bytes for every parser that the network reaches: what each promises (targets.py), and atheris around it (child.py)."""
