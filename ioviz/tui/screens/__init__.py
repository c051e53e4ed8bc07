"""The screens: the gallery, the stage, and what opens over it."""
