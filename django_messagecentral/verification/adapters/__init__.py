"""Doors for other packages: each module needs its package and is imported by nobody but the site."""
