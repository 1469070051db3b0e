"""Sphinx's settings."""

from importlib.metadata import version as installed_version

project = "django-messagecentral"
author = "The django-messagecentral developers"
version = release = installed_version("django-messagecentral")
extensions = ["sphinx.ext.autodoc", "sphinx.ext.intersphinx"]
html_theme = "alabaster"
exclude_patterns = ["_build"]
