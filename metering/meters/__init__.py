"""The meters: for each provider, its operations, what they may cost, and how that is read."""
