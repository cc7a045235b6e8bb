"""The benchmarks: each beside its peers in one run. They print, and gate nothing."""
