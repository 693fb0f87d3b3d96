"""The tour: everything that people can use, once, with what it answers to whom.

`STOPS` is the table; `test_tour.py` holds it against what the bot has, and `test_tour_english.py`
and `test_tour_chinese.py` go through it, each as everybody there is.
"""
