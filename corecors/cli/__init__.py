"""The command line: one module a subcommand, imported only when it is called.

A subcommand is a click command of the same name as its module; `COMMANDS` lists them with the line that
`corecors --help` shows, so that help imports none of them. `entry` is where the command line begins. This module and
those that only read and judge text need the standard library alone: the documentation's playground runs them.
"""

UNUSABLE = 2  # bad usage, or input that cannot be read
INTERRUPTED = 128 + 2  # as shells number the end by SIGINT
READER_GONE = 128 + 13  # and by SIGPIPE

COMMANDS = {
    "check": "Tell what a policy decides about one request.",
    "demo": "Watch a browser's rules applied to a small API, request by request.",
    "doctor": "Find out why a browser says no to a running server.",
    "explain": "Tell what a browser's message about CORS means.",
    "export": "Write a policy as the configuration of a proxy.",
    "lint": "Read a policy from a file and name every mistake in it.",
    "migrate": "Translate the configuration of another CORS library.",
    "origins": "Read and write the origins of tenants, in a store that is followed.",
}
