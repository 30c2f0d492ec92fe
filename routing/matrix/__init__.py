"""The escalation matrix: who hears of what, and how fast, drawn from the policy as Markdown or SVG."""

from __future__ import annotations

from routing.matrix.markdown import markdown
from routing.matrix.svg import svg

__all__ = ["markdown", "svg"]
