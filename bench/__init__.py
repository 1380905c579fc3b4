"""Figures, not judgements: ratios side by side in one run, medians of several."""
