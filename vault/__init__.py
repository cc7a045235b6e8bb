"""Keys at rest, and what tools hear of their end."""
