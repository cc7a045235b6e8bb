"""What tests of every part share: a clock that they move, accounts, and keys to look for."""
