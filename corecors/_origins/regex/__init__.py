"""Regular expressions over origins: read, run and judged by this package alone."""
