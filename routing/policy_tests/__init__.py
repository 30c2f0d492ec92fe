"""Policy tests: what a policy must do, written beside it, played with the real decision in virtual time.

Nothing is called and nothing is kept: a test is a case that lives in memory, from an instant on that the test names.
"""
