"""Policies: their arguments, what is wrong with them, where they come from, and which one governs."""
