"""What the `keysteward` command can do, one module a command."""
