"""The example site itself, as people meet it: its own settings, pages and processes."""
