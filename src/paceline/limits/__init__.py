"""The only door to the counters in Redis: hourly limits and minimum gaps."""
