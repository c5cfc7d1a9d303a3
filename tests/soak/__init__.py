"""The operator for a long time; see __main__.py."""
