"""The guided tour, and the made-up providers on loopback that it and the tests call."""
