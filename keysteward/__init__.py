"""keysteward: bring your own keys; tools hold tokens, and a removal is final at once."""
