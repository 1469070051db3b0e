"""Routing: by which channel a message goes, and by which it goes on when that one failed."""
