"""Origins: their one form, what is wrong with a text that has another, patterns, matching."""
