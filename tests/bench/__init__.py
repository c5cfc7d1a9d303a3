"""What apps cost; see __main__.py."""
