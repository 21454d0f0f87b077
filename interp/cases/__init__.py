"""Case files: questions with what must hold of their answers, the checks of that, and how answers are computed."""
