"""The probe: a source inside a Python program that we start. The only one that needs nothing of the system."""
