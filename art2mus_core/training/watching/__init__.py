"""What a run logs, plots and composes while it trains."""
