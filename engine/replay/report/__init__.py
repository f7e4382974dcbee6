"""The page of a replay: one HTML file that needs nothing else, with a chart for each alert."""
