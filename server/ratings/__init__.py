"""One matter, one rating; the bad-rating loop with its clock; the opinion box; figures of the month and the quarter."""
