"""What stands in `paperboy` is a project of its own: its tests run on the installed copy, in a process of their own."""

collect_ignore = ["paperboy"]
