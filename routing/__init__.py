"""Routing decides: the policy file, its rules and ladders, and what follows from one activity of a case.

Pure: no I/O, no clock, no chance. The same snapshot, activity and instant give the same decision, byte for byte.
"""
