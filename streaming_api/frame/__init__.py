"""What every service has in common: problems, callers, request guard, signals, health, rate limit.

What does not belong here: anything of one service; each has its own package beside this one.
"""
