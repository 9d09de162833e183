"""Draws a number that is the same each time."""

import random

random.seed(123)
print("drawn", random.random())
