"""A policy as the configuration of a proxy."""
