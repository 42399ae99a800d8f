"""The general road: rules and a model as one mixed-integer program in HiGHS."""
