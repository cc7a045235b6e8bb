"""The pages that people open in a browser, each served from the package's own files."""
