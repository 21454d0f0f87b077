"""How a gate's result is told: terminal, page, Markdown, JUnit. Renders, never judges."""
