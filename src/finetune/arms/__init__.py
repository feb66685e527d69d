"""Arms of one experiment: real, synthetic and mixed data, equal steps, one held-out set."""
