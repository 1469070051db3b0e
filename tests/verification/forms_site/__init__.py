"""A site whose own forms verify phones, in every kind of view: run by ``test_sites.py``."""
