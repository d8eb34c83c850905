"""What CORS costs a request: ours, the floor that CPython allows, and the peers, side by side in one run.

    python -m benchmarks --help

Nothing in here is installed with the library.
"""
