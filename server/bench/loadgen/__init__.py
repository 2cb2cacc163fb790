"""The load generator: one process that plays all participants of one server under test.

It stands here and not under tests/, because `python3 -m server bench` must also find it in an installed wheel, which ships no tests.
"""
