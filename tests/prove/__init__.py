"""The promises under fire: kills, lost answers, races, full disks; each proof counts what it did and what it found.

`python -m tests.prove --size ci|full` runs them and writes a report. What a count of 0 can say is told beside it: no
failure in n independent tries bounds its rate below 3/n at 95 %.
"""
