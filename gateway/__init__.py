"""Baton: an omnichannel escalation gateway that stands beside a company's existing helpdesk."""

__version__ = "0.1.0"
