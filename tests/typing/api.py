"""Uses of the public API as a typed program would write them. Never run: mypy and pyright read it."""
