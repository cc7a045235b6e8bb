"""The benchmarks: each beside its peers in one run. They print and write JSON; they gate nothing."""
