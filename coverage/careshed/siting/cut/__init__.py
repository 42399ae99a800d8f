"""The branch and cut over linear programs: costs of demand, levels, local search."""
