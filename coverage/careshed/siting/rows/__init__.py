"""Rules as rows of a program: columns, one function a rule, and rows that are made where a plan breaks them."""
