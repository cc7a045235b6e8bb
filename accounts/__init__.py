"""Who somebody is: accounts, sessions, and the tokens that programs hold."""
