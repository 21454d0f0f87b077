"""A summary told: in a terminal, and as a page."""

from interp.summary.report.page import summary_page
from interp.summary.report.terminal import show_summary

__all__ = ["show_summary", "summary_page"]
