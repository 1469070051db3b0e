"""A site whose users log in by phone, with a user model of its own: run by ``test_sites.py``."""
