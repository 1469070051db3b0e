"""A site with the packages that adapters are for: run by ``test_sites.py``."""
