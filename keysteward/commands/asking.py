"""Asks a person for a secret, and shows nothing of it."""

import sys

import typer


def asked_for(what: str) -> str:
    """Ask for a secret: at a prompt that shows nothing, or a line of standard input."""
    if sys.stdin.isatty():
        answer: str = typer.prompt(what, hide_input=True, err=True)
        return answer
    return sys.stdin.readline().strip("\r\n")
