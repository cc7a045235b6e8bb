"""x."""
def check() -> None:
    """x."""
def new() -> None:
    """x."""
