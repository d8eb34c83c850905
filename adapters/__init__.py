"""CORS for one framework each: what the core decides, carried into a response."""
