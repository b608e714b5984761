"""How the pages are built: `sphinx-build -W docs docs/_build`."""

from __future__ import annotations

from emtm import __version__

project = "EMTM bench"
author = "the EMTM bench maintainers"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = project

myst_heading_anchors = 3
default_role = "code"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_default_options = {"exclude-members": "kept"}
