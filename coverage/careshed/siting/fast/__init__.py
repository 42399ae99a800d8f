"""Fast roads for problems without side rules, each proven: p-median, maximal covering, set covering, p-center."""
