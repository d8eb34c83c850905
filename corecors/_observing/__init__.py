"""What sees a decision without making it: hooks, and the log of what was rejected."""
