"""How the documentation is built: Sphinx with MyST, warnings are errors (`make docs`)."""

from __future__ import annotations

project = "Baton"
author = "The Baton authors"
copyright = "the Baton authors, Apache-2.0"
extensions = ["myst_parser"]
myst_enable_extensions = ["deflist", "colon_fence"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "Baton"
exclude_patterns = ["_build"]
nitpicky = True
