"""`keysteward demo`: the whole story in one terminal."""
def demo() -> None:
    """x."""
